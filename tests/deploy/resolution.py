"""Templates with values for their parameters, as CloudFormation resolves them: names and ARNs instead of functions.

Every option is switched on, so that everything that a template can make is there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.deploy import service_authorization
from tests.deploy.service_authorization import ACCOUNT, PARTITION, REGION

Document = dict[str, Any]
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": PARTITION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stack/1",
}
NO_VALUE = object()
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/iris"

# Of parameters that have to have a certain value; others are their default, or an ARN that their pattern takes.
SAMPLES = {
    "ApprovalTimeoutInMinutes": "10080",
    "ArtifactBucketName": "sagemaker-project-p-1",
    "AssetsBucket": "assets",
    "AssetsPrefix": "model-road/assets",
    "BatchPipelineName": "iris-batch",
    "BucketName": "sagemaker-project-p-1",
    "ChallengerModelPackageName": f"{PACKAGE}/2",
    "DataBucketName": "sagemaker-project-p-1-data",
    "DataCaptureUploadPath": "s3://sagemaker-project-p-1/iris/datacapture-staging",
    "DeployPipelineName": "iris-deploy",
    "EnableAutoScaling": "true",
    "EndpointName": "iris-production",
    "FunctionCodeBucket": "assets",
    "FunctionCodeKey": "functions/code.zip",
    "FunctionCodePrefix": "functions",
    "HasModelsInVpc": "true",
    "ModelExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/SC-p-1-ModelExecutionRole-1",
    "ModelPackageGroupName": "iris",
    "ModelPackageName": f"{PACKAGE}/1",
    "NetworkPolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/SC-p-1-NetworkPolicy-1",
    "NotificationEmails": ",".join(f"a{number}@example.com" for number in range(5)),
    "ProjectAccountId": "444455556666",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "PipelineExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/SC-p-1-PipelineExecutionRole-1",
    "ProductionAccountId": "333333333333",
    "RepositoryName": "iris",
    "RetrainingSchedule": "rate(7 days)",
    "SecurityGroupIds": "sg-0a1b2c3d",
    "SubnetIds": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    "VpcEndpointIds": "vpce-0a1b2c3d,vpce-4e5f6a7b",
    "VpcId": "vpc-0a1b2c3d",
    "SageMakerProjectId": "p-1",
    "SageMakerProjectName": "iris",
    "SetUpApiGatewayLogging": "true",
    "ShadowModelPackageName": f"{PACKAGE}/3",
    "SourceProvider": "CodeCommit",
    "StageName": "staging",
    "StagingAccountId": "222222222222",
    "TrainingPipelineName": "iris",
}
_ARN = re.compile(r"arn:aws\[a-z-\]\*:\(?([a-z-]+)")
# What stands behind an ARN of a service, where a parameter may be any of them.
_RESOURCES = {
    "ecr": "repository/own",
    "iam": "role/SC-p-1-Role-1",
    "secretsmanager": "secret:index-a1B2c3",
    "sns": "topic",
    "states": "stateMachine:iris-system-test",
}


def sample(name: str, declared: Document) -> str:
    """Return a value for a parameter."""
    if name in SAMPLES:
        return SAMPLES[name]
    found = _ARN.search(declared.get("AllowedPattern", ""))
    if found:
        service = found[1]
        region = "" if service == "iam" else REGION
        return KEY if service == "kms" else f"arn:aws:{service}:{region}:{ACCOUNT}:{_RESOURCES.get(service, 'thing/1')}"
    if re.fullmatch(r"NotificationEmail\d", name):
        return "ann@example.com"
    return str(declared.get("Default", declared.get("AllowedValues", ["any"])[0]))


@dataclass(frozen=True)
class Template:
    """A template and the values of its parameters.

    Attributes
    ----------
    document : dict
        As cfn-lint reads it: functions in their long form.
    given : mapping of str to str
        Values of parameters that are not to be the sample.
    """

    document: Document
    given: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> dict[str, str]:
        declared = self.document.get("Parameters", {})
        return {name: str(self.given.get(name, sample(name, each))) for name, each in declared.items()}

    def properties(self, logical_id: str) -> Document:
        """Return the properties of a resource, resolved."""
        found = self.resolve(self.document["Resources"][logical_id].get("Properties", {}))
        return found if isinstance(found, dict) else {}

    def name(self, logical_id: str) -> str:
        """Return what a resource is called: the name that it is given, or one that CloudFormation invents."""
        resource = self.document["Resources"][logical_id]
        short = resource["Type"].rpartition("::")[2]
        properties = resource.get("Properties", {})
        for member in (f"{short}Name", "Name", "FunctionName", "LogGroupName", "PolicyName", "TableName"):
            if member in properties:
                return str(self.resolve(properties[member]))
        return f"SC-p-1-{logical_id}-1234567890AB"

    def arn(self, logical_id: str) -> str:
        """Return a resource's ARN."""
        return service_authorization.arn_of(self.document["Resources"][logical_id]["Type"], self.name(logical_id))

    def resolve(self, value: Any) -> Any:
        """Return a value without functions."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, argument)] = value.items()
            if function in _FUNCTIONS:
                return _FUNCTIONS[function](self, argument)
        found = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not NO_VALUE}

    def reference(self, name: str) -> Any:
        """Return what Ref returns."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO or name in self.parameters:
            return PSEUDO.get(name) or self.parameters[name]
        kind = self.document["Resources"][name]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(name)}"
        by_arn = (
            *("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine", "AWS::CloudFormation::Stack"),
            "AWS::IAM::ManagedPolicy",
        )
        return self.arn(name) if kind in by_arn else self.name(name)

    def attribute(self, argument: Any) -> str:
        """Return what GetAtt returns."""
        logical_id, _, attribute = (argument if isinstance(argument, str) else ".".join(argument)).partition(".")
        if attribute == "Arn":
            return self.arn(logical_id)
        if attribute.startswith("Outputs."):
            return _outputs(attribute.partition(".")[2])
        return self.name(logical_id)

    def substitute(self, argument: Any) -> str:
        """Return what Sub returns."""
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self.attribute(name) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def holds(self, condition: Any) -> bool:
        """Return whether a condition, or the name of one, is true."""
        if isinstance(condition, str):
            return self.holds(self.document["Conditions"][condition])
        [(function, argument)] = condition.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            first, second = map(self.resolve, argument)
            return str(first) == str(second)
        results = [self.holds(each) for each in argument]
        return {"Fn::Not": not results[0], "Fn::And": all(results), "Fn::Or": any(results)}[str(function)]


def _outputs(name: str) -> str:
    """Return an output of a nested stack."""
    arns = {
        "NotificationTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:iris-notifications",
        "StateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:iris-system-test",
    }
    return arns.get(name, name)


def _select(template: Template, argument: Any) -> Any:
    index, items = map(template.resolve, argument)
    return items[int(index)]


def _choose(template: Template, argument: Any) -> Any:
    condition, if_true, if_false = argument
    return template.resolve(if_true if template.holds(condition) else if_false)


_FUNCTIONS: Mapping[str, Callable[[Template, Any], Any]] = {
    "Ref": Template.reference,
    "Fn::GetAtt": Template.attribute,
    "Fn::Sub": Template.substitute,
    "Fn::If": _choose,
    "Fn::Select": _select,
    "Fn::Split": lambda template, argument: template.resolve(argument[1]).split(argument[0]),
    "Fn::Join": lambda template, argument: argument[0].join(map(str, template.resolve(argument[1]))),
}
