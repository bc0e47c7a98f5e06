"""`demo` on a project whose model is another: it says so before it has changed anything."""

import json
import subprocess
import uuid
from pathlib import Path

import pytest

from deploy.commands import demo
from deploy.errors import DeployError
from tests.conftest import LocalAws
from tests.deploy.conftest import run_module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def commit(repository: Path, steps: str | None) -> str:
    """Commit a model, or what is left without one; the repository's URL, and its only commit."""
    (repository / "README").write_text("a project")
    if steps is not None:
        path = repository / demo._SAMPLE
        path.parent.mkdir(parents=True)
        path.write_text(steps)
    who = ("-c", "user.name=T", "-c", "user.email=t@example.com")
    for arguments in (("add", "--all"), (*who, "commit", "--quiet", "--message", "model")):
        subprocess.run(["git", "-C", str(repository), *arguments], check=True)
    return str(repository)


@pytest.mark.parametrize("steps", [None, "", demo._THRESHOLD.replace("0.2", "0.3")])
def test_another_model_is_refused(repository: Path, steps: str | None) -> None:
    url = commit(repository, steps)
    with pytest.raises(DeployError, match=r"has no pipelines/lr/pipeline.py with `.R2Threshold.*nothing was changed"):
        demo._look_for_sample(url)


@pytest.mark.parametrize("threshold", [demo._THRESHOLD, demo._CHANGED])
def test_the_sample_is_taken(repository: Path, threshold: str) -> None:
    text = (Path(demo.__file__).parents[2] / demo._SAMPLE).read_text()
    assert demo._THRESHOLD in text
    demo._look_for_sample(commit(repository, text.replace(demo._THRESHOLD, threshold)))


def test_what_git_says_is_told(repository: Path) -> None:
    commit(repository, None)
    with pytest.raises(DeployError, match=r"^git commit failed: .*nothing to commit"):
        demo._git("commit", "--message", "again", folder=str(repository))
    with pytest.raises(DeployError, match=r"^git clone failed: .*nowhere"):
        demo._git("clone", str(repository / "nowhere"), ".", folder=str(repository.parent))


@pytest.mark.parametrize(
    ("url", "said"), [(True, "the demo changes the sample model's threshold"), (False, "is behind a code connection")]
)
def test_nothing_is_put_before(local_aws: LocalAws, repository: Path, tmp_path: Path, url: bool, said: str) -> None:
    """The stack is the project's in name and outputs: the demo looks no further before it refuses."""
    name = f"other-{uuid.uuid4().hex[:8]}"
    outputs = {"DataBucketName": {"Value": {"Ref": "Data"}}}
    if url:
        outputs["CloneUrl"] = {"Value": commit(repository, None)}
    template = {
        "Parameters": {"QuietMinutes": {"Type": "Number", "Default": 5}},
        "Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}},
        "Outputs": outputs,
    }
    cloudformation, stack_name = local_aws.client("cloudformation"), f"sagemaker-{name}-project"
    cloudformation.create_stack(StackName=stack_name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 1})
    done = run_module("deploy_model", "demo", "--project-name", name, environ=local_aws.env, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert local_aws.client("s3").list_objects_v2(Bucket=name)["KeyCount"] == 0
