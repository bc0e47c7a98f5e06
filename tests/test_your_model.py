"""docs/your-model.md is enough: its model goes from ModelBuild's own command through ModelDeploy's test."""

import json
import re
from pathlib import Path

import pytest
from sklearn.datasets import load_diabetes

from tests.conftest import LocalAws
from tests.deploy.conftest import run_module
from tests.models.builds import MODEL_BUILD, ROLE, ROOT, Builds, begin

PAGE = (ROOT / "docs" / "your-model.md").read_text()
_FILE = re.compile(r"^`([\w/]+\.py)`[^\n]*:\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def builds(local_aws: LocalAws, tmp_path: Path) -> Builds:
    """A working copy with the page's files, and training data in the project's bucket."""
    files = _FILE.findall(PAGE)
    assert {name for name, _ in files} == {"mine/build.py", "mine/inference.py", "mine/pipeline.py"}
    for name, content in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    made = begin(local_aws, tmp_path)
    table = load_diabetes(as_frame=True).frame
    for number, part in enumerate((table[:300], table[300:])):
        body = part.to_csv(index=False).encode()
        local_aws.client("s3").put_object(Bucket=f"{made.project}-data", Key=f"traindata/{number}.csv", Body=body)
    return made


@pytest.mark.timeout(400)
def test_the_pages_model_takes_the_whole_workflow(builds: Builds) -> None:
    done = builds.run(MODEL_BUILD, MODULE="mine.pipeline")
    assert done.returncode == 0, done.stderr
    assert "r2 0." in done.stdout
    sagemaker = builds.aws.client("sagemaker")
    outputs = [
        sagemaker.describe_processing_job(ProcessingJobName=row["ProcessingJobName"])["ProcessingOutputConfig"]
        for row in sagemaker.list_processing_jobs(NameContains="Build")["ProcessingJobSummaries"]
    ]
    [output] = [each for each in outputs if builds.project in str(each)]
    assert output["KmsKeyId"] == builds.kms_key_arn
    own = ("--project-name", builds.project, "--s3-bucket", builds.project, "--role-arn", ROLE)
    own = (*own, "--model-package-group-name", builds.project)
    for command in (("approve-model", "latest"), ("staging",), ("test",)):
        said = run_module("deploy_model", *command, *own, environ=builds.aws.env, cwd=builds.folder)
        assert said.returncode == 0, said.stdout + said.stderr
    runtime = builds.aws.client("sagemaker-runtime")
    asked = {"EndpointName": f"{builds.project}-staging", "ContentType": "application/json"}
    answer = runtime.invoke_endpoint(**asked, Accept="application/json", Body=json.dumps({"x": [[0.01] * 10]}))
    [predicted] = json.loads(answer["Body"].read())["predictions"]
    assert 100 < predicted < 300
    for wrong in ({"x": [[0.01]]}, {"x": [["a"] * 10]}):
        with pytest.raises(runtime.exceptions.ModelError) as refused:
            runtime.invoke_endpoint(**asked, Body=json.dumps(wrong))
        assert refused.value.response["OriginalStatusCode"] == 400
    run_module("deploy_model", "delete", "staging", "--yes", *own, environ=builds.aws.env, cwd=builds.folder)
