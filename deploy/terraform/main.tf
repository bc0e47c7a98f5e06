# The project's stack, as SageMaker Studio and `deploy-model project` make it: CloudFormation makes what is in it, so that
# there is one definition. What ModelDeploy makes later (the stages' stacks) stays CodePipeline's.

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  parameters = {
    SageMakerProjectName                  = var.sagemaker_project_name
    SageMakerProjectId                    = var.sagemaker_project_id
    NotificationEmails                    = var.notification_emails
    ApprovalTimeoutInMinutes              = var.approval_timeout_in_minutes
    SourceProvider                        = var.source_provider
    RepositoryName                        = var.repository_name
    BranchName                            = var.branch_name
    CodeConnectionArn                     = var.code_connection_arn
    PipelineModule                        = var.pipeline_module
    BatchPipelineModule                   = var.batch_pipeline_module
    TestCommand                           = var.test_command
    PrivilegedMode                        = var.privileged_mode
    RetrainingSchedule                    = var.retraining_schedule
    QuietMinutes                          = var.quiet_minutes
    MaxRuntimeInSeconds                   = var.max_runtime_in_seconds
    BuildTimeoutInMinutes                 = var.build_timeout_in_minutes
    DeployBuildTimeoutInMinutes           = var.deploy_build_timeout_in_minutes
    TestTimeoutInMinutes                  = var.test_timeout_in_minutes
    StagingAccountId                      = var.staging_account_id
    ProductionAccountId                   = var.production_account_id
    ImageRepositoryArn                    = var.image_repository_arn
    TableDeletionProtection               = var.table_deletion_protection
    VpcId                                 = var.vpc_id
    SubnetIds                             = var.subnet_ids
    SecurityGroupIds                      = var.security_group_ids
    EnableNetworkIsolation                = var.enable_network_isolation
    EnableInterContainerTrafficEncryption = var.enable_inter_container_traffic_encryption
    KmsKeyArn                             = var.kms_key_arn
    EnableJobVolumeEncryption             = var.enable_job_volume_encryption
    PermissionsBoundaryArn                = var.permissions_boundary_arn
    RolePath                              = var.role_path
    LogRetentionInDays                    = var.log_retention_in_days
    PackageIndexUrl                       = var.package_index_url
    PackageIndexSecretArn                 = var.package_index_secret_arn
    RequireHashes                         = var.require_hashes
    AssetsBucket                          = var.assets_bucket
    AssetsPrefix                          = var.assets_prefix
  }

  template = "${path.module}/../templates/project.yml"
  s3_host  = "s3.${data.aws_region.current.region}.${data.aws_partition.current.dns_suffix}"
}

# Under a name made of its content: Terraform sees a change of the URL, not of what is behind it.
resource "aws_s3_object" "template" {
  bucket       = var.assets_bucket
  key          = "${var.assets_prefix}/terraform/project-${substr(filesha256(local.template), 0, 16)}.yml"
  source       = local.template
  content_type = "application/yaml"
  tags         = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "project" {
  name         = coalesce(var.stack_name, "sagemaker-${var.sagemaker_project_name}-project")
  template_url = "https://${aws_s3_object.template.bucket}.${local.s3_host}/${aws_s3_object.template.key}"
  parameters   = local.parameters
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
  iam_role_arn = var.iam_role_arn

  tags = merge(var.tags, {
    "sagemaker:project-name" = var.sagemaker_project_name
    "sagemaker:project-id"   = var.sagemaker_project_id
  })
}
