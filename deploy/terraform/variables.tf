# The parameters of deploy/templates/project.yml under Terraform's names, with the same defaults and limits.

variable "sagemaker_project_name" {
  description = "What everything here is named after"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.sagemaker_project_name) >= 1 && length(var.sagemaker_project_name) <= 32
    error_message = "SageMakerProjectName has 1 to 32 characters."
  }

  validation {
    condition     = can(regex("^[a-z0-9](-*[a-z0-9])*$", var.sagemaker_project_name))
    error_message = "SageMakerProjectName must be small letters, digits and hyphens, a letter or digit first and last."
  }
}

variable "sagemaker_project_id" {
  description = "The project's id, as SageMaker gives it"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.sagemaker_project_id) >= 1 && length(var.sagemaker_project_id) <= 20
    error_message = "SageMakerProjectId has 1 to 20 characters."
  }

  validation {
    condition     = can(regex("^[a-z0-9](-*[a-z0-9])*$", var.sagemaker_project_id))
    error_message = "SageMakerProjectId must be small letters, digits and hyphens, a letter or digit first and last."
  }
}

variable "notification_emails" {
  description = "Who is told of new versions, approvals and failures - up to five addresses with commas between them; each is asked to confirm"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^@,\\s]+@[^@,\\s]+\\.[^@,\\s]+(,[^@,\\s]+@[^@,\\s]+\\.[^@,\\s]+){0,4})?$", var.notification_emails))
    error_message = "NotificationEmails must be one to five addresses such as ann@example.com, with commas and no spaces between them; or nothing."
  }
}

variable "approval_timeout_in_minutes" {
  description = "An approval for production that nobody gives by then is refused"
  type        = number
  default     = 10080
  nullable    = false

  validation {
    condition     = var.approval_timeout_in_minutes >= 5 && var.approval_timeout_in_minutes <= 86400
    error_message = "ApprovalTimeoutInMinutes is a number from 5 to 86400."
  }
}

variable "source_provider" {
  description = "Where the code is - a CodeCommit repository that is made here, or GitHub, GitLab, Bitbucket behind a code connection"
  type        = string
  default     = "CodeCommit"
  nullable    = false

  validation {
    condition     = contains(["CodeCommit", "CodeConnection"], var.source_provider)
    error_message = "SourceProvider is CodeCommit or CodeConnection."
  }
}

variable "repository_name" {
  description = "Behind a code connection, owner/name; for CodeCommit leave it empty"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([\\w.-]+/[\\w./-]+)?$", var.repository_name))
    error_message = "RepositoryName must match ^([\\w.-]+/[\\w./-]+)?$."
  }

  validation {
    condition     = var.source_provider != "CodeConnection" || var.repository_name != ""
    error_message = "A code connection needs the RepositoryName, owner/name."
  }
}

variable "branch_name" {
  description = "Whose commits are built"
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = length(var.branch_name) >= 1
    error_message = "BranchName has 1 character or more."
  }
}

variable "code_connection_arn" {
  description = "The code connection; for CodeCommit leave it empty"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\\d{12}:connection/.+)?$", var.code_connection_arn))
    error_message = "CodeConnectionArn must match ^(arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\\d{12}:connection/.+)?$."
  }

  validation {
    condition     = var.source_provider != "CodeConnection" || var.code_connection_arn != ""
    error_message = "A code connection needs its CodeConnectionArn."
  }
}

variable "pipeline_module" {
  description = "The module whose get_pipeline() ModelBuild runs"
  type        = string
  default     = "pipelines.lr.pipeline"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)*$", var.pipeline_module))
    error_message = "PipelineModule must be a module's name with dots, such as pipelines.lr.pipeline."
  }
}

variable "batch_pipeline_module" {
  description = "The module whose get_pipeline() transforms the files of batchdata/input/"
  type        = string
  default     = "pipelines.lr.pipeline_batch"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)*$", var.batch_pipeline_module))
    error_message = "BatchPipelineModule must be a module's name with dots, such as pipelines.lr.pipeline."
  }
}

variable "test_command" {
  description = "What has to succeed on a commit before the SageMaker pipeline runs"
  type        = string
  default     = "tox run -e models"
  nullable    = false

  validation {
    condition     = length(var.test_command) >= 1
    error_message = "TestCommand has 1 character or more."
  }
}

variable "privileged_mode" {
  description = "Whether builds may make Linux namespaces, which tests need that run jobs, and images that are built"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.privileged_mode)
    error_message = "PrivilegedMode must be one of true, false."
  }
}

variable "retraining_schedule" {
  description = "When the model is trained again, such as rate(7 days) or cron(0 3 ? * MON *); empty for never"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((rate|cron)\\(.+\\))?$", var.retraining_schedule))
    error_message = "RetrainingSchedule must match ^((rate|cron)\\(.+\\))?$."
  }
}

variable "quiet_minutes" {
  description = "New training data starts a training when for so long no other file has come"
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.quiet_minutes >= 1 && var.quiet_minutes <= 15
    error_message = "QuietMinutes is a number from 1 to 15."
  }
}

variable "max_runtime_in_seconds" {
  description = "A job of the SageMaker pipeline that takes longer has failed"
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.max_runtime_in_seconds >= 60 && var.max_runtime_in_seconds <= 432000
    error_message = "MaxRuntimeInSeconds is a number from 60 to 432000."
  }
}

variable "build_timeout_in_minutes" {
  description = "A build that takes longer has failed - the tests, and the SageMaker pipeline that it waits for"
  type        = number
  default     = 120
  nullable    = false

  validation {
    condition     = var.build_timeout_in_minutes >= 5 && var.build_timeout_in_minutes <= 480
    error_message = "BuildTimeoutInMinutes is a number from 5 to 480."
  }
}

variable "deploy_build_timeout_in_minutes" {
  description = "ModelDeploy's build of the stages' parameters has failed when it takes longer"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.deploy_build_timeout_in_minutes >= 5 && var.deploy_build_timeout_in_minutes <= 480
    error_message = "DeployBuildTimeoutInMinutes is a number from 5 to 480."
  }
}

variable "test_timeout_in_minutes" {
  description = "The test of staging has failed when it takes longer"
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.test_timeout_in_minutes >= 5 && var.test_timeout_in_minutes <= 480
    error_message = "TestTimeoutInMinutes is a number from 5 to 480."
  }
}

variable "staging_account_id" {
  description = "The account of staging, where somebody has made the stack of account.yml; empty for this account"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(\\d{12})?$", var.staging_account_id))
    error_message = "StagingAccountId must match ^(\\d{12})?$."
  }
}

variable "production_account_id" {
  description = "The account of production, where somebody has made the stack of account.yml; empty for this account"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(\\d{12})?$", var.production_account_id))
    error_message = "ProductionAccountId must match ^(\\d{12})?$."
  }
}

variable "image_repository_arn" {
  description = "An ECR repository of your own images, or several that a pattern with * fits; empty for AWS's images alone"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:ecr:[a-z0-9-]+:\\d{12}:repository/.+)?$", var.image_repository_arn))
    error_message = "ImageRepositoryArn must match ^(arn:aws[a-z-]*:ecr:[a-z0-9-]+:\d{12}:repository/.+)?$."
  }
}

variable "table_deletion_protection" {
  description = "Whether nobody can delete the tables; true once the stack is there, as a creation that fails could not be undone"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.table_deletion_protection)
    error_message = "TableDeletionProtection must be one of true, false."
  }
}

variable "vpc_id" {
  description = "The VPC of the subnets below; empty for no VPC"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(vpc-[0-9a-z]+)?$", var.vpc_id))
    error_message = "VpcId must match ^(vpc-[0-9a-z]+)?$."
  }

  validation {
    condition     = var.subnet_ids == "" || var.vpc_id != ""
    error_message = "SubnetIds need their VpcId."
  }
}

variable "subnet_ids" {
  description = "Where builds, functions, jobs and models are - private subnets with the endpoints that docs/project.md lists; empty for no VPC"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(subnet-[0-9a-z]+(,subnet-[0-9a-z]+){0,15})?$", var.subnet_ids))
    error_message = "SubnetIds must be one to 16 ids such as subnet-0a1b, with commas and no spaces between them; or nothing."
  }

  validation {
    condition     = var.vpc_id == "" || var.subnet_ids != ""
    error_message = "A VpcId needs its SubnetIds."
  }
}

variable "security_group_ids" {
  description = "The security groups of their network interfaces"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(sg-[0-9a-z]+(,sg-[0-9a-z]+){0,4})?$", var.security_group_ids))
    error_message = "SecurityGroupIds must be one to five ids such as sg-0a1b, with commas and no spaces between them; or nothing."
  }

  validation {
    condition     = var.subnet_ids == "" || var.security_group_ids != ""
    error_message = "SubnetIds need SecurityGroupIds."
  }
}

variable "enable_network_isolation" {
  description = "Whether jobs and models can reach no network; SageMaker still brings their input and takes their output"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.enable_network_isolation)
    error_message = "EnableNetworkIsolation is one of true, false."
  }
}

variable "enable_inter_container_traffic_encryption" {
  description = "Whether the instances of a job encrypt what they send each other"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.enable_inter_container_traffic_encryption)
    error_message = "EnableInterContainerTrafficEncryption is one of true, false."
  }
}

variable "kms_key_arn" {
  description = "A key of your own for everything of the project, whose policy docs/project.md says; empty makes one"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/.+)?$", var.kms_key_arn))
    error_message = "KmsKeyArn must match ^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/.+)?$."
  }
}

variable "enable_job_volume_encryption" {
  description = "Whether the volumes of jobs are encrypted with the project's key. SageMaker refuses a key for instance types with local NVMe storage, which encrypt it themselves"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.enable_job_volume_encryption)
    error_message = "EnableJobVolumeEncryption is one of true, false."
  }
}

variable "permissions_boundary_arn" {
  description = "Managed policy beyond which no role made here can do anything; empty for none"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:iam::(\\d{12}|aws):policy/.+)?$", var.permissions_boundary_arn))
    error_message = "PermissionsBoundaryArn must match ^(arn:aws[a-z-]*:iam::(\\d{12}|aws):policy/.+)?$."
  }
}

variable "role_path" {
  description = "Path of the roles made here"
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.role_path))
    error_message = "RolePath must be a slash, or text between two, such as /ml/."
  }
}

variable "log_retention_in_days" {
  description = "How long the logs of builds, functions, the system test and the API are kept"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_in_days)
    error_message = "LogRetentionInDays is one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653."
  }
}

variable "package_index_url" {
  description = "Where builds get packages from, such as https://packages.example.com/simple/; empty for PyPI"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https://[^@\\s]+)?$", var.package_index_url))
    error_message = "PackageIndexUrl must be https://HOST/PATH without a user or password, which belong in PackageIndexSecretArn; or nothing."
  }

  validation {
    condition     = var.package_index_secret_arn == "" || var.package_index_url != ""
    error_message = "A PackageIndexSecretArn needs its PackageIndexUrl."
  }
}

variable "package_index_secret_arn" {
  description = "Secret with the index's username and password as JSON, encrypted with the project's key or Secrets Manager's; empty for none"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[\\w/+=.@-]+-[A-Za-z0-9]{6})?$", var.package_index_secret_arn))
    error_message = "PackageIndexSecretArn must be a secret's whole ARN, with the six characters that Secrets Manager has added to its name; or nothing."
  }
}

variable "require_hashes" {
  description = "Whether builds install only what requirements.txt names, with its hashes"
  type        = string
  default     = "false"
  nullable    = false

  validation {
    condition     = contains(["true", "false"], var.require_hashes)
    error_message = "RequireHashes is one of true, false."
  }
}

variable "assets_bucket" {
  description = "Bucket of the nested templates, the functions' code and the first commit"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.assets_bucket) >= 3
    error_message = "AssetsBucket has 3 characters or more."
  }
}

variable "assets_prefix" {
  description = "What their keys begin with"
  type        = string
  nullable    = false

  validation {
    condition     = length(var.assets_prefix) >= 1
    error_message = "AssetsPrefix has 1 character or more."
  }
}

# What a stack has besides parameters.

variable "stack_name" {
  description = "The stack's name; sagemaker-<project>-project when there is none"
  type        = string
  default     = null
}

variable "iam_role_arn" {
  description = "The role that CloudFormation makes the stack as; whoever runs Terraform when there is none"
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack, which everything in it gets, too"
  type        = map(string)
  default     = {}
  nullable    = false
}
