"""The console scripts as a user meets them: real processes, a real AWS API, no stack trace for a mistake."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands import run_command

if TYPE_CHECKING:
    from tests.conftest import LocalAws

ROLE = "arn:aws:iam::000000000000:role/pipeline"
ARGUMENT = "$(touch /tmp/x) '\n\""

# As the templates have it: a folder called `pipelines`, the SDK at the top, arguments of its own.
THIRD_PARTY = """
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep

from pipelines.abalone.names import PIPELINE_NAME

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"


def get_pipeline(
    region, role=None, default_bucket=None, pipeline_name=PIPELINE_NAME, color=None, script=None
):
    session = PipelineSession(default_bucket=default_bucket)
    number = ParameterInteger(name="Number", default_value=1)
    word = ParameterString(name="Word")
    steps = [FailStep(name="GiveUp", error_message=f"{color} in {region}")]
    if script:
        processor = ScriptProcessor(
            role=role, image_uri=IMAGE, command=["python3"], instance_count=1,
            instance_type="ml.m5.large", sagemaker_session=session,
        )
        output = ProcessingS3Output(s3_uri="", local_path="/opt/ml/processing/out", s3_upload_mode="EndOfJob")
        step_args = processor.run(
            code=script,
            outputs=[ProcessingOutput(output_name="out", s3_output=output)],
            arguments=["--word", word],
        )
        steps = [ProcessingStep(name="Process", step_args=step_args)]
    return Pipeline(
        name=pipeline_name, parameters=[number, word], steps=steps, sagemaker_session=session
    )
"""

# One's own module in ten lines, with the builders of this package.
OWN = f"""
from pipelines import session, steps


ARGUMENT = {ARGUMENT!r}


def get_pipeline(region, role, bucket, name, source):
    sagemaker_session = session.pipeline_session(region, bucket)
    settings = steps.JobSettings(
        sagemaker_session.boto_session.client("s3"), role, steps.sklearn_image(region), bucket, name
    )
    work = steps.processing_step(
        settings, "Work", code={{"work.py": source.encode()}}, script="work.py", inputs={{}}, outputs={{}},
        arguments=[ARGUMENT],
    )
    return steps.Pipeline(name=name, steps=[work], sagemaker_session=sagemaker_session)
"""


def run(script: str, *options: str, environ: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a console script as its entry point does: with nothing of the current directory on sys.path."""
    return run_command(f"pipelines.{script}", *options, environ=environ, cwd=cwd)


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials, region or a way to find any."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    folder = tmp_path / "pipelines" / "abalone"
    folder.mkdir(parents=True)
    (folder / "pipeline.py").write_text(THIRD_PARTY)
    (folder / "names.py").write_text(f"PIPELINE_NAME = 'abalone-{uuid.uuid4().hex}'\n")
    return tmp_path


def options(**kwargs: str) -> list[str]:
    return ["-n", "pipelines.abalone.pipeline", "-kwargs", json.dumps({"default_bucket": "any", **kwargs})]


@pytest.mark.parametrize("script", ["run_pipeline", "get_pipeline_definition"])
def test_help_loads_nothing_heavy(script: str):
    code = f"""
import sys
from pipelines.{script} import main
try:
    main(["--help"])
finally:
    print(sorted({{"boto3", "botocore", "sagemaker", "rich", "numpy"}} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    for option in ("-n", "--module-name", "-kwargs", "--kwargs", "-role-arn", "--role-arn", "--local"):
        assert option in done.stdout


def test_a_pipeline_that_takes_no_key_says_so(local_aws: "LocalAws", third_party: Path):
    environ = {**local_aws.env, "KMS_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/1"}
    # Not by `run`: what the SDK prints while it is imported counts.
    command = [sys.executable, "-P", "-m", "pipelines.get_pipeline_definition", *options()]
    done = subprocess.run(command, cwd=third_party, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [notice] = done.stderr.splitlines()
    assert notice.startswith("pipelines.abalone.pipeline.get_pipeline() takes no kms_key_arn: ")
    assert environ["KMS_KEY_ARN"] in notice


@pytest.mark.parametrize(
    ("seconds", "said"),
    [("7200", "takes no max_runtime_in_seconds, which the project asks"), ("2h", "is '2h', not a number of seconds")],
)
def test_a_limit_of_jobs_is_not_dropped(local_aws: "LocalAws", tmp_path: Path, seconds: str, said: str):
    (tmp_path / "plain.py").write_text("def get_pipeline(region, role=None):\n    raise AssertionError\n")
    done = run(
        "get_pipeline_definition",
        "-n",
        "plain",
        environ={**local_aws.env, "MAX_RUNTIME_IN_SECONDS": seconds},
        cwd=tmp_path,
    )
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_pipeline_that_would_run_outside_of_the_project_s_network_is_refused(
    local_aws: "LocalAws", third_party: Path
):
    environ = {**local_aws.env, "SUBNET_IDS": "subnet-1", "SECURITY_GROUP_IDS": "sg-1"}
    done = run("get_pipeline_definition", *options(), environ=environ, cwd=third_party)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipelines.abalone.pipeline.get_pipeline() takes no network_config, which the project asks" in done.stderr


def test_without_credentials_it_says_what_to_do(nowhere: dict[str, str], tmp_path: Path):
    done = run("run_pipeline", environ=nowhere, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("run_pipeline: no AWS credentials found.")
    assert "--local" in done.stderr
    assert "aws configure" in done.stderr


def test_without_a_region_it_says_what_to_do(nowhere: dict[str, str], tmp_path: Path):
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = run("run_pipeline", environ={**nowhere, **keys}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "run_pipeline: no AWS region: give --region, for example --region eu-west-1, or set AWS_REGION.\n",
    )


def test_without_local_aws_it_says_how_to_install_it(nowhere: dict[str, str], tmp_path: Path):
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    packages = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [str(python), "-P", "-m", "pipelines.run_pipeline", "--local"],
        env={**nowhere, "PATH": "", "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("is not installed: pip install 'model-road[local]'\n")


def test_an_endpoint_that_does_not_answer_is_one_line(nowhere: dict[str, str], tmp_path: Path):
    account = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    done = run("get_pipeline_definition", environ={**nowhere, **account}, cwd=tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(
        'get_pipeline_definition: Could not connect to the endpoint URL: "http://127.0.0.1:9/" -- AWS '
    )


PIPELINE = "from collections import Counter as get_pipeline"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (None, "there is no module 'mine' in "),
        ("import sagemaker.session", "mine.py:1 imports sagemaker.session, of version 2 of SageMaker's SDK"),
        ("from sagemaker import Session", "mine.py:1 imports sagemaker.Session, of version 2 of SageMaker's SDK"),
        (
            "def f():\n    from sagemaker.dataset_definition import inputs",
            "mine.py:2 imports sagemaker.dataset_definition.inputs, of version 2",
        ),
        ("import sagemaker as sm\nsm.image_uris.retrieve('x')", "mine.py:2 imports sagemaker.image_uris, of version 2"),
        ("import sagemaker.inputs", "(python3 -m venv v2 && v2/bin/pip install 'sagemaker<3')"),
        (f"try:\n    import sagemaker.inputs\nexcept ImportError:\n    1 / 0\n{PIPELINE}", "ZeroDivisionError"),
        ("x = 1", "defines no get_pipeline()"),
        (f"import nothing_like_it; {PIPELINE}", "ModuleNotFoundError: No module named 'nothing_like_it' ({file}:1)"),
        (f"x = 1\ny = 1 / 0; {PIPELINE}", "importing mine failed: ZeroDivisionError: division by zero ({file}:2)"),
        ("def get_pipeline(:", "SyntaxError"),
        ("def get_pipeline():\n    raise KeyError('a')", "mine.get_pipeline() failed: KeyError: 'a' ({file}:2)"),
        ("def get_pipeline(needed): ...", "missing a required argument: 'needed'. It takes: needed; give"),
    ],
)
def test_a_module_that_does_not_work_is_blamed_by_file_and_line(
    local_aws: "LocalAws", tmp_path: Path, source: str | None, complaint: str
):
    file = tmp_path / "mine.py"
    if source is not None:
        file.write_text(source)
    done = run("get_pipeline_definition", "-n", "mine", environ=local_aws.env, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint.format(file=file) in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["no_such_module", "pipelines.no_such_module", "no-name", "plain"])
@pytest.mark.parametrize("script", ["run_pipeline", "get_pipeline_definition"])
def test_what_can_be_no_module_is_refused_before_anything_is_started(
    nowhere: dict[str, str], tmp_path: Path, script: str, name: str
):
    (tmp_path / "plain.py").write_text("def get_pipelines(): ...\n")
    done = run(script, "-n", name, "--local", environ=nowhere, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no module" in done.stderr or "defines no get_pipeline()" in done.stderr
    assert not (tmp_path / ".localaws").exists()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (["-kwargs", "__import__('os')"], "neither JSON nor a Python literal"),
        (["-tags", "{}"], "expected a list of tags"),
        (["--parameters", "A"], "expected KEY=VALUE"),
        (["-n", "pipelines/lr/pipeline.py"], "is a file; name the module: -n pipelines.lr.pipeline"),
    ],
)
def test_a_wrong_option_is_refused(local_aws: "LocalAws", tmp_path: Path, option: list[str], complaint: str):
    done = run("run_pipeline", *option, environ=local_aws.env, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_third_partys_module_runs_unchanged_and_its_failure_is_told(local_aws: "LocalAws", third_party: Path):
    done = run(
        "run_pipeline",
        *options(color="red"),
        *("-role-arn", ROLE, "-description", "theirs", "-tags", '[{"Key": "team", "Value": "ml"}]'),
        *("--parameters", "Word=a=b", "Number=2"),
        environ=local_aws.env,
        cwd=third_party,
    )
    assert done.returncode == 1, done.stderr
    assert "GiveUp failed: red in us-east-1" in done.stderr
    arn = done.stdout.split()[1]
    sagemaker = local_aws.client("sagemaker")
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {item["Name"]: item["Value"] for item in given} == {"Word": "a=b", "Number": "2"}
    pipeline_arn = arn.partition("/execution/")[0]
    tags = sagemaker.list_tags(ResourceArn=pipeline_arn)["Tags"]
    assert {"Key": "team", "Value": "ml"} in tags
    described = sagemaker.describe_pipeline(PipelineName=pipeline_arn.rpartition("/")[2])
    assert (described["RoleArn"], described["PipelineDescription"]) == (ROLE, "theirs")


def test_a_third_partys_processor_runs_its_script(local_aws: "LocalAws", third_party: Path):
    bucket = f"theirs-{uuid.uuid4().hex}"
    local_aws.client("s3").create_bucket(Bucket=bucket)
    script = third_party / "process.py"
    script.write_text("import sys\nopen('/opt/ml/processing/out/word.txt', 'w').write(sys.argv[2])\n")
    choice = ["-role-arn", ROLE, "--parameters", "Word=abalone"]
    kwargs = options(default_bucket=bucket, script=str(script))
    done = run("run_pipeline", *kwargs, *choice, environ=local_aws.env, cwd=third_party)
    assert done.returncode == 0, done.stderr
    s3 = local_aws.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    [written] = [key for key in keys if key.endswith("/Process/output/out/word.txt")]
    assert s3.get_object(Bucket=bucket, Key=written)["Body"].read() == b"abalone"


def test_no_wait_leaves_when_the_execution_is_started(local_aws: "LocalAws", third_party: Path):
    choice = ["-role-arn", ROLE, "--parameters", "Word=x", "--no-wait"]
    done = run("run_pipeline", *options(), *choice, environ=local_aws.env, cwd=third_party)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Execution      arn:aws:sagemaker:us-east-1:")
    assert "GiveUp" not in done.stdout + done.stderr


def test_wrong_parameters_are_refused_before_anything_is_made(local_aws: "LocalAws", third_party: Path):
    choice = ["-role-arn", ROLE, "--parameters", "Number=x"]
    done = run("run_pipeline", *options(), *choice, environ=local_aws.env, cwd=third_party)
    assert done.returncode == 2
    assert "Word: needs a value (String); Number=x: not a valid Integer" in done.stderr
    name = (third_party / "pipelines/abalone/names.py").read_text().split("'")[1]
    pipelines = local_aws.client("sagemaker").list_pipelines(PipelineNamePrefix=name)
    assert pipelines["PipelineSummaries"] == []


def test_a_user_without_a_role_is_told_to_name_one(local_aws: "LocalAws", third_party: Path):
    choice = ["--parameters", "Word=x"]
    done = run("run_pipeline", *options(), *choice, environ=local_aws.env, cwd=third_party)
    assert done.returncode == 1
    assert "no execution role: jobs cannot run as arn:aws:" in done.stderr
    assert "--role-arn" in done.stderr


def test_the_definition_goes_to_a_file(local_aws: "LocalAws", third_party: Path):
    file = third_party / "definition.json"
    done = run("get_pipeline_definition", *options(), "-f", str(file), environ=local_aws.env, cwd=third_party)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert json.loads(file.read_text())["Steps"][0]["Name"] == "GiveUp"


@pytest.fixture
def own(local_aws: "LocalAws", tmp_path: Path) -> Callable[[str], list[str]]:
    """Give the options that run a script as the only step of a pipeline."""
    name = f"own-{uuid.uuid4().hex}"
    local_aws.client("s3").create_bucket(Bucket=name)
    (tmp_path / "own.py").write_text(OWN)

    def choose(source: str) -> list[str]:
        kwargs = json.dumps({"bucket": name, "name": name, "source": source})
        return ["-n", "own", "-kwargs", kwargs, "-role-arn", ROLE]

    return choose


def test_the_last_lines_of_a_failed_jobs_log_are_shown(
    local_aws: "LocalAws", own: Callable[[str], list[str]], tmp_path: Path
):
    source = "import sys\nfor i in range(30): print('line', i)\nprint(sys.argv[1:])\nsys.exit(3)"
    done = run("run_pipeline", *own(source), environ=local_aws.env, cwd=tmp_path)
    assert done.returncode == 1
    assert "Work                 Failed" in done.stdout
    _, _, log = done.stderr.partition("The last lines of pipelines-")
    lines = log.splitlines()[1:]
    assert lines[0] == "  line 11"
    # It came through no shell.
    assert lines[19] == f"  {[ARGUMENT]}"


def test_ctrl_c_leaves_the_execution_going_and_says_how_to_stop_it(
    local_aws: "LocalAws", own: Callable[[str], list[str]], tmp_path: Path
):
    # Whoever runs the tests in the background has had Ctrl-C ignored, and that is inherited.
    heedful = ("env", "--default-signal=INT")
    process = subprocess.Popen(
        [*heedful, sys.executable, "-P", "-m", "pipelines.run_pipeline", *own("import time\ntime.sleep(60)")],
        cwd=tmp_path,
        env={**local_aws.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    arn = process.stdout.readline().split()[1]
    assert process.stdout.readline().split()[0] == "Work"
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    stop = f"aws sagemaker stop-pipeline-execution --pipeline-execution-arn {arn}"
    assert f"The execution goes on. To stop it: {stop}\n" in complaint
    sagemaker = local_aws.client("sagemaker")
    state = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
    assert state == "Executing"
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
