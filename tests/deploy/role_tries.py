"""What roles try, with the arguments, and which role may what of it: the table of `test_roles`."""

from typing import Any

ACCOUNT = "000000000000"
PROJECT, BUCKET, FOREIGN_BUCKET = "iris", "sagemaker-project-p1", "somebody-elses"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


PIPELINE_ROLE, MODEL_ROLE, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("pipeline", "model", "admin"))
VERSION = arn("sagemaker", "model-package/iris/1")
EXECUTION = arn("sagemaker", "pipeline/iris/execution/x")
TOPIC = arn("sns", "iris-notifications")
MACHINE = arn("states", "stateMachine:iris-system-test")
PARAMETERS = {
    "SageMakerProjectName": PROJECT,
    "SageMakerProjectId": "p1",
    "ModelPackageGroupName": PROJECT,
    "EndpointName": "iris-staging",
    "SourceProvider": "CodeCommit",
    "RepositoryName": "sagemaker-iris",
    "ArtifactBucketName": BUCKET,
    "BucketName": BUCKET,
    "DataBucketName": f"{BUCKET}-data",
    "ModelExecutionRoleArn": MODEL_ROLE,
    "PipelineExecutionRoleArn": PIPELINE_ROLE,
    "TrainingPipelineName": "iris",
    "BatchPipelineName": "iris-batch",
    "DeployPipelineName": "iris-deploy",
    "NotificationTopicArn": TOPIC,
    "SystemTestStateMachineArn": MACHINE,
    # account.yml: that the account is the project's own changes nothing of what its roles may.
    "StageName": "staging",
    "ProjectAccountId": ACCOUNT,
    "SetUpApiGatewayLogging": "true",
}

Try = tuple[str, str, dict[str, Any]]


def endpoint_log(name: str) -> dict[str, Any]:
    """A line of log of an endpoint's first instance."""
    stream = {"logGroupName": f"/aws/sagemaker/Endpoints/{name}", "logStreamName": "AllTraffic/i-0"}
    return {**stream, "logEvents": [{"timestamp": 0, "message": "m"}]}


def registered(status: str) -> dict[str, Any]:
    """A version of the project's group, in an approval status."""
    return {"ModelPackageGroupName": PROJECT, "ModelApprovalStatus": status}


def tags(project: str) -> list[dict[str, str]]:
    """The tags of a project's stacks, as far as roles are asked for them."""
    return [{"Key": "sagemaker:project-name", "Value": project}]


def queue_url(name: str) -> str:
    """The URL of a queue of this account."""
    return f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{name}"


def tries(own_key: str, pipeline_role: str, model_role: str) -> dict[str, Try]:
    """What is tried, by name: a service, its method and the arguments. The project's own things have its name."""
    job = {"RoleArn": pipeline_role, "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/o"}}
    job |= {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}}
    job |= {"StoppingCondition": {}, "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "i"}}
    pipeline = {"PipelineDefinition": "{}", "ClientRequestToken": "t" * 32}
    model = {"PrimaryContainer": {"Image": "i"}}
    own_model, foreign_model = ({"ResourceArn": arn("sagemaker", f"model/{each}")} for each in (PROJECT, "other"))
    other_tag = [{"Key": "team", "Value": "t"}]
    variant = [{"VariantName": "v", "ModelName": "m"}]
    stack = {"TemplateBody": "{}"}
    item = {"Key": {"id": {"S": "1"}}, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": ""}}}
    event, body, message = [{"timestamp": 0, "message": "m"}], {"Body": b""}, {"MessageBody": "m"}
    return {
        "read own object": ("s3", "get_object", {"Bucket": BUCKET, "Key": "iris/x.json"}),
        "write own object": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris/y"}),
        "write into a pipeline's artifact": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris-deploy/Stages/y"}),
        "write the code of a pipeline": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris-deploy/Code/y"}),
        "write a function's code": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris/functions/y"}),
        "write a stage's template": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris/templates/y"}),
        "write a test's result": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris/system-test/y"}),
        "write predictions": ("s3", "put_object", {"Bucket": f"{BUCKET}-data", "Key": "batchdata/output/x"}),
        "write training data": ("s3", "put_object", {"Bucket": f"{BUCKET}-data", "Key": "traindata/x"}),
        "write captured data": ("s3", "put_object", {"Bucket": BUCKET, "Key": "iris/datacapture-staging/y"}),
        "write a manifest": ("s3", "put_object", {"Bucket": f"{BUCKET}-data", "Key": "batchdata/manifests/x"}),
        "list own bucket": ("s3", "list_objects_v2", {"Bucket": BUCKET}),
        "delete own object": ("s3", "delete_object", {"Bucket": BUCKET, "Key": "iris/y"}),
        "delete own bucket": ("s3", "delete_bucket", {"Bucket": BUCKET}),
        "open own bucket": ("s3", "delete_bucket_policy", {"Bucket": BUCKET}),
        "read foreign object": ("s3", "get_object", {"Bucket": FOREIGN_BUCKET, "Key": "x"}),
        "write foreign object": ("s3", "put_object", {"Bucket": FOREIGN_BUCKET, "Key": "y"}),
        "use own key": ("kms", "generate_data_key", {"KeyId": own_key, "KeySpec": "AES_256"}),
        "encrypt with own key": ("kms", "encrypt", {"KeyId": own_key, "Plaintext": b"x"}),
        "delete own key": ("kms", "schedule_key_deletion", {"KeyId": own_key}),
        "open own key": ("kms", "put_key_policy", {"KeyId": own_key, "PolicyName": "default", "Policy": "{}"}),
        "make a user": ("iam", "create_user", {"UserName": "intruder"}),
        "widen a role": ("iam", "put_role_policy", {"RoleName": "admin", "PolicyName": "p", "PolicyDocument": "{}"}),
        "become admin": ("sts", "assume_role", {"RoleArn": ADMIN, "RoleSessionName": "intruder"}),
        "invoke staging": ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "iris-staging", "Body": b""}),
        "invoke production": ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "iris-production", "Body": b""}),
        "invoke foreign": ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "other", "Body": b""}),
        "describe staging": ("sagemaker", "describe_endpoint", {"EndpointName": "iris-staging"}),
        "change staging": (
            "sagemaker",
            "update_endpoint",
            {"EndpointName": "iris-staging", "EndpointConfigName": PROJECT},
        ),
        "serve a foreign configuration": (
            "sagemaker",
            "update_endpoint",
            {"EndpointName": "iris-staging", "EndpointConfigName": "other"},
        ),
        "delete production": ("sagemaker", "delete_endpoint", {"EndpointName": "iris-production"}),
        "delete foreign endpoint": ("sagemaker", "delete_endpoint", {"EndpointName": "other"}),
        "configure an endpoint": (
            "sagemaker",
            "create_endpoint_config",
            {"EndpointConfigName": "c", "ProductionVariants": variant, "Tags": tags(PROJECT)},
        ),
        "delete a foreign configuration": ("sagemaker", "delete_endpoint_config", {"EndpointConfigName": "other"}),
        "see a configuration": ("sagemaker", "describe_endpoint_config", {"EndpointConfigName": "c"}),
        "see a model": ("sagemaker", "describe_model", {"ModelName": "m"}),
        "read own version": ("sagemaker", "describe_model_package", {"ModelPackageName": VERSION}),
        "list own versions": ("sagemaker", "list_model_packages", {"ModelPackageGroupName": PROJECT}),
        "list foreign versions": ("sagemaker", "list_model_packages", {"ModelPackageGroupName": "other"}),
        "register a version": ("sagemaker", "create_model_package", registered("PendingManualApproval")),
        "register as approved": ("sagemaker", "create_model_package", registered("Approved")),
        "register without saying": ("sagemaker", "create_model_package", {"ModelPackageGroupName": PROJECT}),
        "register what was approved": (
            "sagemaker",
            "create_model_package",
            {**registered("PendingManualApproval"), "CustomerMetadataProperties": {"ApprovedModel": "anything"}},
        ),
        "tell what an approval was about": (
            "sagemaker",
            "update_model_package",
            {"ModelPackageArn": VERSION, "CustomerMetadataProperties": {"ApprovedModel": "anything"}},
        ),
        "approve own version": (
            "sagemaker",
            "update_model_package",
            {"ModelPackageArn": VERSION, "ModelApprovalStatus": "Approved"},
        ),
        "note on own version": (
            "sagemaker",
            "update_model_package",
            {"ModelPackageArn": VERSION, "CustomerMetadataProperties": {"test": "passed"}},
        ),
        "delete own version": ("sagemaker", "delete_model_package", {"ModelPackageName": VERSION}),
        "start training": ("sagemaker", "start_pipeline_execution", {"PipelineName": PROJECT}),
        "start batch": ("sagemaker", "start_pipeline_execution", {"PipelineName": "iris-batch"}),
        "start foreign pipeline": ("sagemaker", "start_pipeline_execution", {"PipelineName": "other"}),
        "follow training": ("sagemaker", "list_pipeline_execution_steps", {"PipelineExecutionArn": EXECUTION}),
        "see training's data": (
            "sagemaker",
            "list_pipeline_parameters_for_execution",
            {"PipelineExecutionArn": EXECUTION},
        ),
        "change training": (
            "sagemaker",
            "create_pipeline",
            {"PipelineName": PROJECT, "RoleArn": pipeline_role, **pipeline},
        ),
        "change batch": (
            "sagemaker",
            "create_pipeline",
            {"PipelineName": "iris-batch", "RoleArn": pipeline_role, **pipeline},
        ),
        "train as admin": ("sagemaker", "create_pipeline", {"PipelineName": PROJECT, "RoleArn": ADMIN, **pipeline}),
        "delete own pipeline": (
            "sagemaker",
            "delete_pipeline",
            {"PipelineName": PROJECT, "ClientRequestToken": "t" * 32},
        ),
        "train in a step": ("sagemaker", "create_training_job", {"TrainingJobName": "pipelines-x", **job}),
        "tag a step's job": (
            "sagemaker",
            "add_tags",
            {"ResourceArn": arn("sagemaker", "training-job/pipelines-x"), "Tags": [{"Key": "k", "Value": "v"}]},
        ),
        "see a step's job": ("sagemaker", "describe_processing_job", {"ProcessingJobName": "pipelines-x"}),
        "see a foreign job": ("sagemaker", "describe_processing_job", {"ProcessingJobName": "beside"}),
        "see what a job wrote": (
            "logs",
            "get_log_events",
            {"logGroupName": "/aws/sagemaker/ProcessingJobs", "logStreamName": "pipelines-x/algo-1"},
        ),
        "train beside": ("sagemaker", "create_training_job", {"TrainingJobName": "beside", **job}),
        **{
            name: ("sagemaker", "create_model", {"ModelName": "m", "ExecutionRoleArn": role, "Tags": tagged, **model})
            for name, role, tagged in (
                ("make a model", model_role, tags(PROJECT)),
                ("make a model as admin", ADMIN, tags(PROJECT)),
                ("make a model of iris-2", model_role, tags("iris-2")),
                ("make anything's model", model_role, []),
            )
        },
        "delete a foreign model": ("sagemaker", "delete_model", {"ModelName": "other"}),
        "tag own model": ("sagemaker", "add_tags", {**own_model, "Tags": other_tag}),
        "untag own model": ("sagemaker", "delete_tags", {**own_model, "TagKeys": ["team"]}),
        "give own model to iris-2": ("sagemaker", "add_tags", {**own_model, "Tags": tags("iris-2")}),
        "delete own model's name": (
            "sagemaker",
            "delete_tags",
            {**own_model, "TagKeys": ["team", "SageMaker:project-name"]},
        ),
        "make a foreign model its own": ("sagemaker", "add_tags", {**foreign_model, "Tags": tags(PROJECT)}),
        "tag a foreign model": ("sagemaker", "add_tags", {**foreign_model, "Tags": other_tag}),
        "build": ("codebuild", "start_build", {"projectName": "iris-build"}),
        "build foreign": ("codebuild", "start_build", {"projectName": "other"}),
        "start own build pipeline": ("codepipeline", "start_pipeline_execution", {"name": "iris-build"}),
        "start own deploy pipeline": ("codepipeline", "start_pipeline_execution", {"name": "iris-deploy"}),
        "hear of own releases": ("codepipeline", "list_action_executions", {"pipelineName": "iris-deploy"}),
        "hear of foreign releases": ("codepipeline", "list_action_executions", {"pipelineName": "other"}),
        "start foreign deploy pipeline": ("codepipeline", "start_pipeline_execution", {"name": "other"}),
        "approve deployment": (
            "codepipeline",
            "put_approval_result",
            {
                "pipelineName": "iris-deploy",
                "stageName": "DeployProd",
                "actionName": "ApproveDeployment",
                "result": {"summary": "", "status": "Approved"},
                "token": "00000000-0000-0000-0000-000000000000",
            },
        ),
        "read own code": ("codecommit", "get_branch", {"repositoryName": "sagemaker-iris", "branchName": "main"}),
        "read foreign code": ("codecommit", "get_branch", {"repositoryName": "other", "branchName": "main"}),
        "delete own code": ("codecommit", "delete_repository", {"repositoryName": "sagemaker-iris"}),
        "deploy a stage": ("cloudformation", "create_stack", {"StackName": "sagemaker-iris-deploy-staging", **stack}),
        "deploy anything": ("cloudformation", "create_stack", {"StackName": "other", **stack}),
        "delete a stage": ("cloudformation", "delete_stack", {"StackName": "sagemaker-iris-deploy-production"}),
        "delete a foreign stack": ("cloudformation", "delete_stack", {"StackName": "sagemaker-iris-deploy-api"}),
        "hear of a stage": (
            "cloudformation",
            "describe_stack_events",
            {"StackName": "sagemaker-iris-deploy-production"},
        ),
        "start system test": ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE}),
        "start foreign machine": (
            "stepfunctions",
            "start_execution",
            {"stateMachineArn": arn("states", "stateMachine:other")},
        ),
        "tell people": ("sns", "publish", {"TopicArn": TOPIC, "Message": "m"}),
        "tell others": ("sns", "publish", {"TopicArn": arn("sns", "other"), "Message": "m"}),
        "send itself a file": ("sqs", "send_message", {"QueueUrl": queue_url("iris-start-batch"), **message}),
        "send itself training": ("sqs", "send_message", {"QueueUrl": queue_url("iris-start-retraining"), **message}),
        "claim an event": ("dynamodb", "update_item", {"TableName": "iris-claims", **item}),
        "keep a test's result": ("dynamodb", "put_item", {"TableName": "Results", "Item": {"id": {"S": "1"}}}),
        "keep a version": ("dynamodb", "update_item", {"TableName": "iris-versions", **item}),
        "test a model": ("lambda", "invoke", {"FunctionName": "iris-system-test"}),
        "write foreign table": ("dynamodb", "update_item", {"TableName": "other", **item}),
        "call foreign function": ("lambda", "invoke", {"FunctionName": "other"}),
        "write any log": (
            "logs",
            "put_log_events",
            {"logGroupName": "other", "logStreamName": "s", "logEvents": event},
        ),
        "write the build's log": (
            "logs",
            "create_log_stream",
            {"logGroupName": "/aws/codebuild/iris-build", "logStreamName": "s"},
        ),
        "read the build's log": (
            "logs",
            "get_log_events",
            {"logGroupName": "/aws/codebuild/iris-build", "logStreamName": "s"},
        ),
        "delete own log": ("logs", "delete_log_group", {"logGroupName": "/aws/codebuild/iris-build"}),
        "silence an alarm": ("cloudwatch", "delete_alarms", {"AlarmNames": ["other"]}),
        "write the endpoint's log": ("logs", "put_log_events", endpoint_log("iris-staging")),
        # Another project, whose name begins as this one's.
        "describe staging of iris-2": ("sagemaker", "describe_endpoint", {"EndpointName": "iris-2-staging"}),
        "invoke staging of iris-2": (
            "sagemaker-runtime",
            "invoke_endpoint",
            {"EndpointName": "iris-2-staging", **body},
        ),
        "delete production of iris-2": ("sagemaker", "delete_endpoint", {"EndpointName": "iris-2-production"}),
        "write another endpoint's log": ("logs", "put_log_events", endpoint_log("iris-2-staging")),
        "scale an endpoint": (
            "application-autoscaling",
            "register_scalable_target",
            {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "endpoint/iris-staging/variant/AllTraffic",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            },
        ),
        "read a secret": ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
    }


# What all of a kind may.
ARTIFACTS = {"read own object", "write own object", "use own key"}
VERSIONS = {"read own version", "list own versions"}
# What CloudFormation does as either role, whatever account the stage is in.
STAGES_STACK = {
    "see a configuration",
    "see a model",
    "use own key",
    "read own version",
    "make a model",
    "configure an endpoint",
    "change staging",
    "tag own model",
    "untag own model",
    "describe staging",
    "scale an endpoint",
}
MAY: dict[str, set[str]] = {
    "account.yml CloudFormationRole": STAGES_STACK,
    "account.yml DeploymentRole": {"read own object", "use own key", "deploy a stage", "describe staging"},
    "account.yml ModelExecutionRole": {
        "read own object",
        "list own bucket",
        "write captured data",
        "use own key",
        "write the endpoint's log",
    },
    "account.yml TestRole": {"see a configuration", "see a model", "describe staging", "invoke staging"},
    "api.yml FunctionRole": {"invoke staging"},
    # With AWS's own policy for it.
    "api.yml GatewayLoggingRole": {
        "write any log",
        "write the build's log",
        "write the endpoint's log",
        "write another endpoint's log",
        "read the build's log",
        "see what a job wrote",
    },
    "automation.yml BatchRole": {
        "send itself a file",
        "claim an event",
        "use own key",
        "start batch",
        "write a manifest",
    },
    "automation.yml DeploymentRole": {
        "see a configuration",
        "see a model",
        "claim an event",
        "use own key",
        "describe staging",
        *VERSIONS,
        "read own object",
        "list own bucket",
        "note on own version",
        "tell what an approval was about",
        "start own deploy pipeline",
    },
    "automation.yml HistoryRole": {
        "see a configuration",
        "see a model",
        "keep a version",
        "use own key",
        "read own object",
        "read own version",
        "note on own version",
    },
    "automation.yml PeopleRole": {
        "see a step's job",
        "see a configuration",
        "see a model",
        "claim an event",
        "use own key",
        "describe staging",
        "follow training",
        "see training's data",
        "hear of own releases",
        "read own object",
        *VERSIONS,
        "read the build's log",
        "tell people",
    },
    "automation.yml RetrainingRole": {"send itself training", "claim an event", "use own key", "start training"},
    "build.yml BuildRole": {
        "see a step's job",
        "see what a job wrote",
        *ARTIFACTS,
        *VERSIONS,
        "list own bucket",
        "write the build's log",
        "change training",
        "start training",
        "follow training",
    },
    "build.yml CommitRole": {"start own build pipeline"},
    "build.yml PipelineRole": {"write the code of a pipeline", "use own key", "read own code", "build"},
    "project.yml ModelExecutionRole": {
        "read own object",
        "list own bucket",
        "write captured data",
        "use own key",
        "write the endpoint's log",
    },
    "project.yml PipelineExecutionRole": {
        "see a step's job",
        *ARTIFACTS,
        *VERSIONS,
        "list own bucket",
        "encrypt with own key",
        "train in a step",
        "tag a step's job",
        "register a version",
        "write predictions",
    },
    "release.yml BuildRole": {
        "read own object",
        "write into a pipeline's artifact",
        "use own key",
        *VERSIONS,
        "list own bucket",
        "change batch",
        "delete a stage",
        "hear of a stage",
    },
    "release.yml CheckRole": {"read own object", "list own bucket", "use own key", "read own version"},
    "release.yml DeployRole": STAGES_STACK | {"delete production"},
    "release.yml PipelineRole": {
        "write the code of a pipeline",
        "write into a pipeline's artifact",
        "use own key",
        "read own code",
        "deploy a stage",
        "hear of a stage",
        "start system test",
    },
    "release.yml TestRole": {
        "see a configuration",
        "see a model",
        "read own object",
        "use own key",
        "list own bucket",
        "read own version",
        "note on own version",
        "describe staging",
        "invoke staging",
    },
    "system_test.yml FunctionRole": {
        "read own object",
        "list own bucket",
        "use own key",
        "invoke staging",
        "invoke production",
        "write a test's result",
    },
    "system_test.yml StateMachineRole": {
        "see a configuration",
        "see a model",
        "describe staging",
        "read own version",
        "test a model",
        "keep a test's result",
        "use own key",
    },
}
