"""What Step Functions calls, and what it tells of itself; the state language's engine is MiniStack's.

task        a call that a Task state makes, and how it fails: with a name that Retry and Catch can match
patience    calls of services that are away for a moment
journal     what executions have done, on disk, so that they go on after a kill
progress    how far an execution is in the state that it is in
lambda_function  Lambda functions
sdk         AWS SDK integrations (``arn:aws:states:::aws-sdk:<service>:<action>``) of services that MiniStack lacks
sagemaker   SageMaker's optimized integrations (``arn:aws:states:::sagemaker:<action>[.sync]``)
integrations  which of these a resource's ARN means
reporter    executions' logs and metrics in CloudWatch

All of them reach other services through boto3. They run in the thread of the execution that asks.
"""
