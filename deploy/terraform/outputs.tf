output "clone_url" {
  description = "The repository; git push starts ModelBuild"
  value       = try(aws_cloudformation_stack.project.outputs["CloneUrl"], null)
}

output "artifact_bucket_name" {
  description = "Artifacts, models and captured data"
  value       = aws_cloudformation_stack.project.outputs["ArtifactBucketName"]
}

output "data_bucket_name" {
  description = "Training data in traindata/, data to be transformed in batchdata/input/"
  value       = aws_cloudformation_stack.project.outputs["DataBucketName"]
}

output "kms_key_arn" {
  description = "Encrypts all of it"
  value       = aws_cloudformation_stack.project.outputs["KmsKeyArn"]
}

output "model_package_group_name" {
  description = "Where the model's versions are registered"
  value       = aws_cloudformation_stack.project.outputs["ModelPackageGroupName"]
}

output "build_pipeline_name" {
  description = "ModelBuild"
  value       = aws_cloudformation_stack.project.outputs["BuildPipelineName"]
}

output "deploy_pipeline_name" {
  description = "ModelDeploy"
  value       = aws_cloudformation_stack.project.outputs["DeployPipelineName"]
}

output "notification_topic_arn" {
  description = "What people are told through"
  value       = aws_cloudformation_stack.project.outputs["NotificationTopicArn"]
}

output "pipeline_execution_role_arn" {
  description = "SageMaker pipelines and their jobs"
  value       = aws_cloudformation_stack.project.outputs["PipelineExecutionRoleArn"]
}

output "model_execution_role_arn" {
  description = "Models behind endpoints"
  value       = aws_cloudformation_stack.project.outputs["ModelExecutionRoleArn"]
}

output "network_policy_arn" {
  description = "Lets a role make network interfaces in the VPC"
  value       = try(aws_cloudformation_stack.project.outputs["NetworkPolicyArn"], null)
}

output "stack_id" {
  description = "The stack; `check-project` looks at all that is in it"
  value       = aws_cloudformation_stack.project.id
}
