"""The build script as CodeBuild calls it: the latest approved version becomes each stage's parameter file."""

import json
from pathlib import Path

import pytest

from tests.deploy.conftest import ROLE, Registry, run_module


def environment(registry: Registry, **more: str) -> dict[str, str]:
    """The variables that SageMaker's project templates set in CodeBuild."""
    return {
        **registry.local_aws.env,
        "MODEL_EXECUTION_ROLE_ARN": ROLE,
        "SOURCE_MODEL_PACKAGE_GROUP_NAME": registry.group,
        "SAGEMAKER_PROJECT_NAME": "mine",
        "SAGEMAKER_PROJECT_ID": "p-0123456789ab",
        "ARTIFACT_BUCKET": registry.bucket,
        **more,
    }


def test_the_stages_parameters_differ_only_in_what_their_files_say(registry: Registry, tmp_path: Path):
    registry.register("Approved")
    latest = registry.register("Approved")
    registry.register("Rejected")
    names = {"EXPORT_TEMPLATE_STAGING_CONFIG": "staging.json", "EXPORT_TEMPLATE_PROD_CONFIG": "production.json"}
    done = run_module("build", environ=environment(registry, **names), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    staging, production = (json.loads((tmp_path / name).read_text()) for name in names.values())
    for stage, document in (("staging", staging), ("production", production)):
        values, tags = document["Parameters"], document["Tags"]
        assert values["ModelPackageName"] == latest
        assert values["ModelExecutionRoleArn"] == ROLE
        assert values["SageMakerProjectName"] == "mine"
        assert values["StageName"] == stage
        assert values["DataCaptureUploadPath"] == f"s3://{registry.bucket}/mine/datacapture-{stage}"
        assert tags["sagemaker:project-name"] == "mine"
        assert tags["sagemaker:project-id"] == "p-0123456789ab"
        assert tags["sagemaker:deployment-stage"] == stage
    assert int(production["Parameters"]["EndpointInstanceCount"]) >= 2
    declared = (tmp_path / "template-export.yml").read_text().partition("\nResources:")[0]
    for name in {**staging["Parameters"], **production["Parameters"]}:
        assert f"\n  {name}:\n" in declared


def test_a_stages_file_of_ones_own_is_taken(registry: Registry, tmp_path: Path):
    registry.register("Approved")
    config = {"Parameters": {"StageName": "staging", "EndpointInstanceType": "ml.c5.large"}, "Tags": {"team": "ml"}}
    (tmp_path / "mine.json").write_text(json.dumps(config))
    options = ("--import-staging-config", "mine.json", "--export-staging-config", "out.json")
    done = run_module("build", *options, environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["Parameters"]["EndpointInstanceType"] == "ml.c5.large"
    assert written["Tags"]["team"] == "ml"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "expected {"),
        ('{"Parameters": {"EndpointInstanceCount": 2}}', 'numbers and booleans are text, too: "2"'),
        ('{"Parameters": {"EndpointInstanceCount": "2"}}', "Parameters has no StageName"),
        ('{"Parameters": {}, "tags": {}}', "expected {"),
    ],
)
def test_a_stages_file_that_is_wrong_is_refused(registry: Registry, tmp_path: Path, text: str, why: str):
    registry.register("Approved")
    (tmp_path / "mine.json").write_text(text)
    done = run_module("build", "--import-prod-config", "mine.json", environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.json" in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_approved_version_nothing_is_written(registry: Registry, tmp_path: Path):
    registry.register()
    done = run_module("build", environ=environment(registry), cwd=tmp_path)
    assert done.returncode == 1
    assert f"no version of the model package group '{registry.group}' is approved" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_codebuild_has_not_set_has_to_be_given(tmp_path: Path, registry: Registry):
    done = run_module("build", environ=registry.local_aws.env, cwd=tmp_path)
    assert done.returncode == 2
    assert "--model-execution-role, --model-package-group-name, --sagemaker-project-name" in done.stderr
