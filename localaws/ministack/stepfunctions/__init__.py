"""Step Functions: what executions call, what is known of them after a kill, and what they report.

hooks, hooks_*   the hooks into MiniStack, whose engine runs the kinds of states
task             a call that a Task state makes, and how it fails: with a name that Retry and Catch can match
patience         calls of services that are away for a moment
journal          what executions have done, on disk, so that they are resumed after a kill
progress         how far an execution is in its current state
integrations     which of the following a resource's ARN means
lambda_function  Lambda functions
sdk              AWS SDK integrations (``arn:aws:states:::aws-sdk:<service>:<action>``) of services that MiniStack lacks
sagemaker        SageMaker's optimized integrations (``arn:aws:states:::sagemaker:<action>[.sync]``)
reporter         logs and metrics in CloudWatch

All of them reach other services through boto3. They run in the thread of the execution that asks.
"""
