"""Projects and report groups of a stack."""

import json

import pytest
from botocore.exceptions import WaiterError

from tests.localaws.services.codebuild.conftest import ROLE, Project

TEMPLATE = {
    "Parameters": {"Minutes": {"Type": "Number", "Default": 15}},
    "Resources": {
        "Build": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Source": {
                    "Type": "NO_SOURCE",
                    "BuildSpec": "{version: 0.2, phases: {build: {commands: [echo from-$FROM]}}}",
                },
                "Artifacts": {"Type": "NO_ARTIFACTS"},
                "Environment": {
                    "Type": "LINUX_CONTAINER",
                    "Image": "aws/codebuild/standard:7.0",
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "PrivilegedMode": "false",
                    "EnvironmentVariables": [{"Name": "FROM", "Value": "stack"}],
                },
                "ServiceRole": ROLE,
                "TimeoutInMinutes": {"Ref": "Minutes"},
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Reports": {
            "Type": "AWS::CodeBuild::ReportGroup",
            "Properties": {"Type": "TEST", "ExportConfig": {"ExportConfigType": "NO_EXPORT"}},
        },
    },
    "Outputs": {
        "Name": {"Value": {"Ref": "Build"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Build", "Arn"]}},
        "Reports": {"Value": {"Fn::GetAtt": ["Reports", "Arn"]}},
    },
}


def test_a_stacks_project_builds_is_updated_and_deleted(project: Project) -> None:
    cloudformation = project.local_aws.client("cloudformation")
    cloudformation.create_stack(StackName=project.name, TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=project.name, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=project.name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    made = Project(project.local_aws, outputs["Name"])
    [found] = project.client.batch_get_projects(names=[made.name])["projects"]
    assert found["arn"] == outputs["Arn"]
    assert found["timeoutInMinutes"] == 15 and found["environment"]["privilegedMode"] is False
    assert {"key": "team", "value": "ml"} in found["tags"]
    build = made.build()
    assert build["buildStatus"] == "SUCCEEDED", build
    assert "\nfrom-stack" in made.log(build)
    [group] = project.client.batch_get_report_groups(reportGroupArns=[outputs["Reports"]])["reportGroups"]
    assert group["type"] == "TEST"

    minutes = [{"ParameterKey": "Minutes", "ParameterValue": "20"}]
    cloudformation.update_stack(StackName=project.name, UsePreviousTemplate=True, Parameters=minutes)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=project.name, WaiterConfig={"Delay": 1})
    [found] = project.client.batch_get_projects(names=[made.name])["projects"]
    assert found["timeoutInMinutes"] == 20
    cloudformation.delete_stack(StackName=project.name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=project.name, WaiterConfig={"Delay": 1})
    assert project.client.batch_get_projects(names=[made.name])["projectsNotFound"] == [made.name]


def test_what_is_not_here_fails_the_stack_by_name(project: Project) -> None:
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Build"]["Properties"]["Source"] = {"Type": "GITHUB", "Location": "https://x"}
    cloudformation = project.local_aws.client("cloudformation")
    cloudformation.create_stack(StackName=project.name, TemplateBody=json.dumps(template))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=project.name, WaiterConfig={"Delay": 1})
    events = cloudformation.describe_stack_events(StackName=project.name)["StackEvents"]
    assert any("not from GITHUB" in event.get("ResourceStatusReason", "") for event in events)
