"""What single templates promise: what outlives its stack, whom a key lets in, in which order a version is released."""

import pytest

from deploy.check.policies import listed
from pipelines import steps
from tests.deploy.test_release_stages import here
from tests.deploy.test_template_alarms import load
from tests.deploy.test_template_rules import resources
from tests.deploy.test_templates import TEMPLATES

# What people have made or found out, and what reads it.
KEPT = {
    "api": {"GatewayAccount", "GatewayLoggingRole"},
    "automation": {"JobsTable", "VersionsTable"},
    "endpoint": {"Key"},
    "project": {"ArtifactBucket", "DataBucket", "Key", "LogBucket", "ModelPackageGroup", "Repository"},
    "system_test": {"Results"},
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_people_have_made_outlives_its_stack(path) -> None:
    found = load(path)["Resources"].items()
    for policy, kept in (("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")):
        assert {name for name, each in found if each.get(policy) == kept} == KEPT.get(path.stem, set()), policy


def test_a_key_lets_in_whom_it_is_for() -> None:
    """Without the account nobody could change it; the services write logs, and tell the topic and the queues."""
    logs, own = "logs.${AWS::Region}.${AWS::URLSuffix}", {"api", "system_test"}
    services = {"project": {logs, "events.amazonaws.com", "cloudwatch.amazonaws.com", "sns.amazonaws.com"}}
    for path in TEMPLATES:
        template = load(path)
        for _, key in resources(template, "AWS::KMS::Key"):
            account, *others = key["KeyPolicy"]["Statement"]
            root = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
            assert (account["Principal"], account["Action"]) == ({"AWS": {"Fn::Sub": root}}, "kms:*")
            # A key of logs is for those of this account and region alone.
            of_logs = [other["Condition"] for other in others if other["Sid"] == "Logs"]
            own_logs = {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"}
            context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": own_logs}}
            assert of_logs == [context] * (path.stem != "endpoint"), path.name
            told = [each for other in others for each in listed(other["Principal"].get("Service", []))]
            names = {each["Fn::Sub"] if isinstance(each, dict) else each for each in told}
            assert names == services.get(path.stem, {logs} if path.stem in own else set()), path.name


def test_a_version_is_deployed_tested_and_approved_in_this_order() -> None:
    """What has the same RunOrder goes on at the same time: an approval beside a test would be asked for too early."""
    [path] = [path for path in TEMPLATES if path.stem == "release"]
    stages = load(path)["Resources"]["Pipeline"]["Properties"]["Stages"]
    assert [(stage["Name"], sorted(_order(stage))) for stage in stages[2:]] == [
        ("DeployStaging", [(1, "DeployResourcesStaging"), (2, "TestStaging"), (3, "SystemTest")]),
        (
            "DeployProd",
            [(1, "PlanProduction"), (2, "ApproveDeployment"), (3, "CheckModel"), (4, "DeployResourcesProd")],
        ),
    ]


def test_production_gets_the_change_set_that_was_shown_and_no_other() -> None:
    [path] = [path for path in TEMPLATES if path.stem == "release"]
    stages = load(path)["Resources"]["Pipeline"]["Properties"]["Stages"]
    production = {action["Name"]: action["Configuration"] for action in stages[-1]["Actions"]}
    planned, executed = production["PlanProduction"], production["DeployResourcesProd"]
    assert (planned["ActionMode"], executed["ActionMode"]) == ("CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE")
    for name in ("StackName", "ChangeSetName"):
        assert planned[name] == executed[name]
    # Another execution's has another name: between the two, nobody can put something else in its place.
    assert executed["ChangeSetName"] == "production-#{codepipeline.PipelineExecutionId}"
    assert executed["ChangeSetName"] in production["ApproveDeployment"]["CustomData"]["Fn::Sub"]


def _order(stage) -> list[tuple[int, str]]:
    return [(action["RunOrder"], action["Name"]) for action in map(here, stage["Actions"])]


def test_how_long_builds_and_jobs_may_take_is_said_in_the_projects_parameters() -> None:
    templates = {path.stem: load(path) for path in TEMPLATES}
    nested = {"build": "Build", "release": "Release"}
    limits = {}
    for stem, logical_id in nested.items():
        given = templates["project"]["Resources"][logical_id]["Properties"]["Parameters"]
        for _, properties in resources(templates[stem], "AWS::CodeBuild::Project"):
            name = properties["TimeoutInMinutes"]["Ref"]
            assert given[name] == {"Ref": name}
            limits[name] = templates["project"]["Parameters"][name]["Default"]
    assert limits == {"BuildTimeoutInMinutes": 120, "DeployBuildTimeoutInMinutes": 30, "TestTimeoutInMinutes": 60}
    given = templates["project"]["Resources"]["Build"]["Properties"]["Parameters"]
    assert given["MaxRuntimeInSeconds"] == {"Ref": "MaxRuntimeInSeconds"}
    # A model's own limit is the default; only another one is asked of its get_pipeline().
    default = templates["project"]["Parameters"]["MaxRuntimeInSeconds"]["Default"]
    assert default == steps.MAX_RUNTIME_IN_SECONDS
    assert templates["build"]["Conditions"]["LimitsJobs"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "MaxRuntimeInSeconds"}, default]}]
    }
