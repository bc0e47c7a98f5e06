"""Nobody gets in: each role of each template is made for real, assumed, and tries what it may and what it may not.

A role may do what `MAY` says and nothing else of `TRIES`; a role that is not in `MAY` may do nothing of it. Who may do
something gets any answer but a denial, mostly that there is no such thing. Roles are made by CloudFormation from their
own templates, from which all else is left out: what a policy refers to becomes a parameter.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml

from tests.conftest import LocalAws

TEMPLATES = sorted((Path(__file__).parents[2] / "deploy" / "templates").glob("*.yml"))
AS_SERVICE = {"X-Localaws-Service": "yes"}
DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
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
# How the ARNs of what a policy refers to begin, for the types that a template of a project has.
KINDS = {
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::CodeBuild::Project": arn("codebuild", "project/"),
    "AWS::CodePipeline::Pipeline": arn("codepipeline", ""),
    "AWS::DynamoDB::Table": arn("dynamodb", "table/"),
    "AWS::SQS::Queue": arn("sqs", ""),
    "AWS::SNS::Topic": arn("sns", ""),
    "AWS::Lambda::Function": arn("lambda", "function:"),
    "AWS::StepFunctions::StateMachine": arn("states", "stateMachine:"),
}
REFERRED_BY_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
NAMES = ("Name", "BucketName", "TopicName", "QueueName", "TableName", "FunctionName", "StateMachineName")

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
MAY: dict[str, set[str]] = {
    "account.yml CloudFormationRole": {
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
    },
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
        "read own version",
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
    "release.yml DeployRole": {
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
        "delete production",
    },
    "release.yml PipelineRole": {
        "write the code of a pipeline",
        "write into a pipeline's artifact",
        "use own key",
        "read own code",
        "deploy a stage",
        "hear of a stage",
        "start system test",
        "tell people",
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


@dataclass(frozen=True)
class Roles:
    """The roles of all templates in an AWS that enforces IAM.

    Attributes
    ----------
    local_aws : LocalAws
    tries : dict
    arns : dict
        By template and logical id, such as ``api.yml FunctionRole``.
    """

    local_aws: LocalAws
    tries: dict[str, Try]
    arns: dict[str, str]


@pytest.fixture(scope="module")
def roles(enforcing_local_aws: LocalAws) -> Roles:
    local_aws = enforcing_local_aws
    s3, kms = local_aws.client("s3"), local_aws.client("kms")
    for bucket in (BUCKET, f"{BUCKET}-data", FOREIGN_BUCKET):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=BUCKET, Key="iris/x.json", Body=b"{}")
    sagemaker = local_aws.client("sagemaker")
    for project in (PROJECT, "other"):
        own = {"PrimaryContainer": {"Image": "python"}, "ExecutionRoleArn": MODEL_ROLE, "Tags": tags(project)}
        sagemaker.create_model(ModelName=project, **own)
        variant = {"VariantName": "v", "ModelName": project, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=project, ProductionVariants=[variant], Tags=tags(project))
    key = kms.create_key()["KeyMetadata"]
    arns: dict[str, str] = {}
    given = {**PARAMETERS, "KmsKeyArn": key["Arn"]}
    # The roles of project.yml are handed to its nested stacks.
    for template in sorted(TEMPLATES, key=lambda path: path.name != "project.yml"):
        made = make_roles(local_aws, only_roles(template, given), template.stem.replace("_", "-"))
        arns |= {f"{template.name} {name}": role for name, role in made.items()}
        given |= {f"{name}Arn": role for name, role in made.items() if f"{name}Arn" in PARAMETERS}
    passed = (given["PipelineExecutionRoleArn"], given["ModelExecutionRoleArn"])
    return Roles(local_aws, tries(key["KeyId"], *passed), arns)


def make_roles(local_aws: LocalAws, template: dict[str, Any], stack: str) -> dict[str, str]:
    """Make the roles of a template; their ARNs by logical id."""
    names = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"]
    if not names:
        return {}
    cloudformation = local_aws.client("cloudformation")
    body = json.dumps(template)
    cloudformation.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05})
    made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made}
    return {name: f"arn:aws:iam::{ACCOUNT}:role/{ids[name]}" for name in names if name in ids}


def only_roles(path: Path, given: dict[str, str]) -> dict[str, Any]:
    """A template of the roles of another one, with these values of its parameters."""
    whole = json.loads(json.dumps(cfn_yaml.load(str(path)), default=str))
    kept = {name: each for name, each in whole["Resources"].items() if each["Type"].startswith("AWS::IAM::")}
    others = {name: each for name, each in whole["Resources"].items() if name not in kept}
    values = {name: str(each.get("Default", name)) for name, each in whole.get("Parameters", {}).items()} | given
    for name, resource in others.items():
        own_key = resource["Type"] == "AWS::KMS::Key"
        values[name], values[f"{name}Arn"] = (given["KmsKeyArn"],) * 2 if own_key else reference(name, resource)
    text = json.dumps({"Conditions": whole.get("Conditions", {}), "Resources": kept})
    names = "|".join(others) or "-"
    text = re.sub(rf'{{"Fn::GetAtt": \["({names})", "Arn"\]}}', r'{"Ref": "\1Arn"}', text)
    text = re.sub(rf"\$\{{({names})\.Arn\}}", r"${\1Arn}", text)
    parameters = {name: {"Type": "String", "Default": value} for name, value in values.items()}
    return {"Parameters": parameters, **json.loads(text)}


def reference(logical_id: str, resource: dict[str, Any]) -> tuple[str, str]:
    """What ``Ref`` and ``.Arn`` of a resource may be."""
    properties = resource.get("Properties", {})
    name = next((properties[each] for each in NAMES if each in properties), logical_id)
    text = str(name.get("Fn::Sub", logical_id) if isinstance(name, dict) else name)
    for parameter, value in PARAMETERS.items():
        text = text.replace(f"${{{parameter}}}", value)
    found = KINDS.get(resource["Type"], "") + text
    return (found if resource["Type"] in REFERRED_BY_ARN else text), found


class Caller:
    """Clients that sign as whoever has been assumed last."""

    def __init__(self, local_aws: LocalAws) -> None:
        self._sts, self._session = local_aws.client("sts"), botocore.session.get_session()
        self._sts.meta.events.register("before-send", lambda request, **_: request.headers.update(AS_SERVICE))
        self._session.set_credentials("nobody", "nothing", "nowhere")
        self._url, self._clients = f"http://127.0.0.1:{local_aws.port}", dict[str, Any]()

    def assume(self, role_arn: str) -> None:
        found = self._sts.assume_role(RoleArn=role_arn, RoleSessionName="tries")["Credentials"]
        own = self._session.get_credentials()
        own.access_key, own.secret_key, own.token = (
            found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
        )

    def is_let_in(self, service: str, method: str, arguments: dict[str, Any]) -> bool:
        if service not in self._clients:
            session = boto3.Session(botocore_session=self._session, region_name="us-east-1")
            options = Config(retries={"total_max_attempts": 1})
            self._clients[service] = session.client(service, endpoint_url=self._url, config=options)
        try:
            getattr(self._clients[service], method)(**arguments)
        except ClientError as error:
            return error.response["Error"]["Code"] not in DENIALS
        return True


def test_each_role_may_do_what_it_has_to_and_nothing_else(roles: Roles) -> None:
    caller = Caller(roles.local_aws)
    found = {}
    for name, role_arn in roles.arns.items():
        caller.assume(role_arn)
        found[name] = {each for each, what in roles.tries.items() if caller.is_let_in(*what)}
    assert {name: may for name, may in found.items() if may} == {
        name: may for name, may in MAY.items() if name in roles.arns
    }


def test_nobody_may_do_what_breaks_a_project(roles: Roles) -> None:
    """The table does not let in anybody by mistake."""
    never = {
        name
        for name in roles.tries
        if re.search(
            "foreign|admin|user|widen|open|approve |as approved|register what|delete own|anything|secret|iris-2", name
        )
    }
    assert len(never) > 20
    assert not never & {each for may in MAY.values() for each in may}
