"""docs/project.md tells of each service in which a launch role makes something of the project's stack."""

import re
from pathlib import Path

import pytest

from tests.deploy.test_template_alarms import load
from tests.deploy.test_templates import TEMPLATES

DOCS = Path(__file__).parents[2] / "docs" / "project.md"
# project.yml and what is nested in it; ModelDeploy and deploy-model make the others.
OF_THE_PROJECT = {"automation", "build", "project", "release", "system_test"}
# Where a service has another name in IAM than in CloudFormation's types.
IN_IAM = {"StepFunctions": "states"}


def rows() -> dict[str, str]:
    """What is made, by service, as the docs say it."""
    table = DOCS.read_text().partition("| service | what is made |")[2].partition("\n\n")[0]
    cells = [line.split("|") for line in table.splitlines()[2:]]
    return {row[1].strip(" `"): row[2].strip() for row in cells}


def types() -> set[str]:
    templates = [load(path) for path in TEMPLATES if path.stem in OF_THE_PROJECT]
    return {resource["Type"] for template in templates for resource in template["Resources"].values()}


def test_the_docs_name_the_services_of_the_templates_and_no_others() -> None:
    services = {name.split("::")[1] for name in types()}
    assert set(rows()) == {IN_IAM.get(service, service.lower()) for service in services}


@pytest.mark.parametrize(
    ("service", "kind", "member"),
    [
        ("codecommit", "AWS::CodeCommit::Repository", "RepositoryName"),
        ("logs", "AWS::Logs::LogGroup", "LogGroupName"),
        ("s3", "AWS::S3::Bucket", "BucketName"),
        ("sns", "AWS::SNS::Topic", "TopicName"),
        ("states", "AWS::StepFunctions::StateMachine", "StateMachineName"),
        ("codepipeline", "AWS::CodePipeline::Pipeline", "Name"),
    ],
)
def test_the_docs_name_what_has_a_name(service: str, kind: str, member: str) -> None:
    patterns = re.findall(r"`(?:[\w-]+:)?([^`]+)`", rows()[service])
    for path in TEMPLATES:
        for resource in load(path)["Resources"].values() if path.stem in OF_THE_PROJECT else ():
            if resource["Type"] == kind:
                name = resource["Properties"][member]["Fn::Sub"]
                told = name.replace("${SageMakerProjectName}", "<project>").replace("${SageMakerProjectId}", "<id>")
                assert any(told == each or (each.endswith("*") and told.startswith(each[:-1])) for each in patterns)
