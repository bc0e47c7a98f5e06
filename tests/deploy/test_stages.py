"""The stages' files, and what stacks are to become with them."""

from pathlib import Path

import pytest

from deploy import experiments, guardrails, stages
from deploy.project import Project
from deploy.stacks import TEMPLATE_BODY_BYTES

ROLE = "arn:aws:iam::000000000000:role/r"
PROJECT = Project("mine", "group", "bucket", ROLE, None, "")


@pytest.mark.parametrize("stage", stages.STAGES)
def test_every_value_of_a_stages_file_is_a_parameter_of_the_template(stage: str):
    config = stages.read_config(stages.config_path(stage))
    declared = stages.read_template(stages.ENDPOINT_TEMPLATE).partition("\nResources:")[0]
    own = stages.parameters(PROJECT, config, "arn:package", ROLE)
    for name in {**own, **experiments.ab_test("arn", 10), **experiments.shadow("arn", 50)}:
        assert f"\n  {name}:\n" in declared
    assert config.parameters["StageName"] == stage
    assert PROJECT.endpoint_name(stage) == f"mine-{stage}"


def test_production_is_larger_than_staging():
    staging, production = (stages.read_config(stages.config_path(stage)).parameters for stage in stages.STAGES)
    assert int(production["EndpointInstanceCount"]) >= 2
    assert production["EndpointInstanceType"] != staging["EndpointInstanceType"]


def test_a_long_template_goes_to_s3_under_a_name_of_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    template = tmp_path / "long.yml"
    urls = []
    for size in (TEMPLATE_BODY_BYTES, TEMPLATE_BODY_BYTES + 1, TEMPLATE_BODY_BYTES + 2):
        template.write_text("#" * size)
        urls.append(stages.stack_request(PROJECT, "s", template, {}, {}).template_url)
    assert urls[0] is None
    assert urls[1] != urls[2]
    assert str(urls[1]).startswith("https://bucket.s3.eu-west-1.amazonaws.com/mine/templates/long-")


@pytest.mark.parametrize(
    ("region", "suffix"),
    [("us-gov-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn"), ("eu-isoe-west-1", "cloud.adc-e.uk")],
)
def test_the_url_of_a_template_is_that_of_its_partition(
    region: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    (tmp_path / "long.yml").write_text("#" * (TEMPLATE_BODY_BYTES + 1))
    project = Project("mine", "group", "bucket", ROLE, None, "")
    url = stages.stack_request(project, "s", tmp_path / "long.yml", {}, {}).template_url
    assert str(url).startswith(f"https://bucket.s3.{region}.{suffix}/mine/templates/long-")


def test_an_experiment_is_told_and_its_challenger_known():
    ab = experiments.ab_test("arn:b", 10)
    assert experiments.describe(ab) == "A/B test: 10 % to arn:b"
    assert (ab["VariantWeight"], experiments.challenger(ab)) == ("90", "arn:b")
    shadow = experiments.shadow("arn:c", 50)
    assert experiments.describe(shadow) == "shadow: 50 % of the requests to arn:c, too"
    assert experiments.challenger(shadow) == "arn:c"
    assert experiments.challenger({"ChallengerModelPackageName": "", "ShadowModelPackageName": ""}) is None
    assert experiments.describe({}) == ""


def test_only_the_same_variants_have_guardrails():
    ab, shadow = experiments.ab_test("arn:b", 10), experiments.shadow("arn:c", 50)
    for before, after in (({}, ab), (ab, {}), (ab, shadow), (shadow, {experiments.SHADOW_PACKAGE: ""})):
        assert guardrails.of_update(before, {**after, guardrails.PARAMETER: "WATCHED"}) == {
            "DeploymentGuardrails": "NONE"
        }
    for before, after in (({}, {}), (ab, experiments.ab_test("arn:d", 50)), ({experiments.AB_PACKAGE: ""}, {})):
        assert guardrails.of_update(before, after) == {}
    assert guardrails.asked(without_alarms=True) == {"DeploymentGuardrails": "UNWATCHED"}
    assert guardrails.asked(without_alarms=False) == {}
