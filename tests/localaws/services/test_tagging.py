"""Tags of resources, in each service's own form."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws
from tests.localaws.services.pipelines import Pipelines, action, source, stage


def test_tags_of_repositories_come_and_go(local_aws: LocalAws) -> None:
    pipelines, codecommit = Pipelines(local_aws), local_aws.client("codecommit")
    arn = codecommit.get_repository(repositoryName=pipelines.repository())["repositoryMetadata"]["Arn"]
    codecommit.tag_resource(resourceArn=arn, tags={"team": "ml", "stage": "one"})
    codecommit.tag_resource(resourceArn=arn, tags={"stage": "two"})
    codecommit.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert codecommit.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "two"}


def test_tags_of_pipelines_come_and_go(local_aws: LocalAws) -> None:
    pipelines = Pipelines(local_aws)
    name = pipelines.create(stage("Source", source(pipelines.repository())), stage("Ask", action("Approval", "Manual")))
    arn = pipelines.client.get_pipeline(name=name)["metadata"]["pipelineArn"]
    given = [{"key": "team", "value": "ml"}, {"key": "stage", "value": "one"}]
    pipelines.client.tag_resource(resourceArn=arn, tags=given)
    pipelines.client.untag_resource(resourceArn=arn, tagKeys=["stage"])
    assert pipelines.client.list_tags_for_resource(resourceArn=arn)["tags"] == given[:1]


@pytest.mark.parametrize(
    ("service", "arguments", "code"),
    [
        ("codecommit", {"resourceArn": "arn:aws:codecommit:us-east-1:000000000000:gone"}, "RepositoryDoesNotExist"),
        ("codepipeline", {"resourceArn": "arn:aws:codepipeline:us-east-1:000000000000:gone"}, "ResourceNotFound"),
        (
            "application-autoscaling",
            {"ResourceARN": "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/gone"},
            "ResourceNotFound",
        ),
    ],
)
def test_what_is_not_there_has_no_tags(local_aws: LocalAws, service: str, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError, match="gone") as refused:
        local_aws.client(service).list_tags_for_resource(**arguments)
    assert refused.value.response["Error"]["Code"] == f"{code}Exception"
