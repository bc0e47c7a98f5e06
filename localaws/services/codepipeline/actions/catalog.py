"""The providers of actions."""

from localaws.services.codepipeline.actions.action import Provider
from localaws.services.codepipeline.actions.cloudformation import CloudFormation
from localaws.services.codepipeline.actions.codebuild import CodeBuild
from localaws.services.codepipeline.actions.codecommit import CodeCommitSource
from localaws.services.codepipeline.actions.connection import CodeConnection
from localaws.services.codepipeline.actions.lambda_function import LambdaFunction
from localaws.services.codepipeline.actions.manual import ManualApproval
from localaws.services.codepipeline.actions.s3 import S3Source
from localaws.services.codepipeline.actions.stepfunctions import StepFunctions

_ALL: tuple[type[Provider], ...] = (
    CloudFormation,
    CodeBuild,
    CodeCommitSource,
    CodeConnection,
    LambdaFunction,
    ManualApproval,
    S3Source,
    StepFunctions,
)
PROVIDERS: dict[tuple[str, str], Provider] = {
    (category, provider.name): provider() for provider in _ALL for category in provider.categories
}
