"""The AWS CLI's list command of every family, run in this process: the program's start would take most of the time."""

import json
import re
from pathlib import Path

import botocore.session
import pytest
from awscli.clidriver import create_clidriver
from botocore import xform_name

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, bench_of, unique
from tests.localaws.sagemaker.tuning.conftest import run, tuning

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
# test_docs holds these pages to the code.
PAGES = [path.read_text() for path in (Path(__file__).parents[3] / "docs" / "localaws").glob("sagemaker*.md")]
DOCUMENTED = "".join(page.partition("\n## Operations\n")[2].partition("\n## ")[0] for page in PAGES)
LISTS = sorted(set(re.findall(r"`(List[A-Za-z]+)`", DOCUMENTED)))
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Word", "Type": "String", "DefaultValue": "no"}],
    "Steps": [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "end"}}],
}


@pytest.fixture(scope="module")
def required(local_aws: LocalAws) -> dict[str, str]:
    """What list commands ask for, by the member's name: a pipeline that has run, a model with a tag, a tuning job."""
    bench = bench_of(local_aws)
    pipeline, model = unique("pipeline"), unique("model")
    bench.sagemaker.create_pipeline(PipelineName=pipeline, PipelineDefinition=json.dumps(DEFINITION), RoleArn=ROLE)
    execution = bench.start(pipeline)
    bench.wait_for_execution(execution)
    tags = [{"Key": "team", "Value": "blue"}]
    arn = bench.sagemaker.create_model(ModelName=model, PrimaryContainer={"Image": IMAGE}, Tags=tags)["ModelArn"]
    tuned = tuning(bench, jobs=1, parallel=1)
    run(bench, tuned)
    return {
        "PipelineName": pipeline,
        "PipelineExecutionArn": execution,
        "ResourceArn": arn,
        "HyperParameterTuningJobName": tuned["HyperParameterTuningJobName"],
    }


@pytest.mark.parametrize("operation", LISTS)
def test_every_list_command_answers(
    operation: str,
    required: dict[str, str],
    local_aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = SERVICE.operation_model(operation)
    command = ["sagemaker", xform_name(operation, "-"), "--output", "json"]
    asked = [*model.input_shape.required_members]
    if operation.startswith("ListPipelineParameters") or operation.endswith("Steps"):
        asked = ["PipelineExecutionArn"]  # optional for botocore, not for the service
    for member in asked:
        command += [f"--{xform_name(member, '-')}", required[member]]
    for name, value in local_aws.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    assert create_clidriver().main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    rows = [value for value in answer.values() if isinstance(value, list)]
    assert len(rows) == 1
    if asked:
        assert rows[0]


def test_the_documentation_names_the_list_commands() -> None:
    assert {f"List{noun}s" for noun in ("Model", "Pipeline", "TrainingJob", "Experiment", "Artifact")} <= set(LISTS)
