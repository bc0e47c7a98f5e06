"""Real builds: what their commands see, what they leave, and how they end."""

import json
import subprocess
import time
import zipfile
from collections.abc import Callable, Collection
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest

from tests.conftest import LocalAws, wait_until_gone
from tests.localaws.services.codebuild.conftest import Project, phases, spec

SUCCEEDED = dict.fromkeys(
    (
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
        "UPLOAD_ARTIFACTS",
        "FINALIZING",
    ),
    "SUCCEEDED",
) | {"COMPLETED": ""}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_one_shell_runs_all_commands_and_the_log_is_codebuilds(project: Project, shell: str) -> None:
    project.create(
        f"""
version: 0.2
env: {{shell: {shell}, exported-variables: [RESULT]}}
phases:
  install: {{commands: [plain=1, cd /usr]}}
  build: {{commands: ["echo $plain in $PWD", "export RESULT=$((plain + 41)); exit 0"]}}
  post_build: {{commands: ["echo then $RESULT in $PWD"]}}
"""
    )
    build = project.build()
    assert build["buildStatus"] == "SUCCEEDED"
    assert phases(build) == SUCCEEDED
    assert build["exportedEnvironmentVariables"] == [{"name": "RESULT", "value": "42"}]
    assert build["endTime"] >= build["phases"][-2]["endTime"]
    log = project.log(build)
    assert "1 in /usr\n" in log
    assert "then 42 in /usr\n" in log
    assert "Running command echo $plain in $PWD\n" in log
    assert "Phase complete: BUILD State: SUCCEEDED\n" in log
    assert build["logs"]["groupName"] == f"/aws/codebuild/{project.name}"
    assert build["logs"]["streamName"] == build["id"].partition(":")[2]


def test_a_command_that_fails_ends_its_phase_and_post_build_is_told(project: Project) -> None:
    project.create(
        """
version: 0.2
phases:
  build: {commands: ["false", echo never], finally: [echo at last]}
  post_build: {commands: ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]}
"""
    )
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    assert phases(build) == SUCCEEDED | {"BUILD": "FAILED"}
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "BUILD")
    assert context == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: false. Reason: exit status 1",
    }
    log = project.log(build)
    assert "never" not in log
    assert "\nat last\n" in log
    assert "\nsucceeding=0\n" in log


def test_a_failed_install_is_followed_by_nothing(project: Project) -> None:
    project.create("{version: 0.2, phases: {install: {commands: [exit 3]}, build: {commands: [echo never]}}}")
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    assert list(phases(build))[4:] == ["INSTALL", "FINALIZING", "COMPLETED"]


def test_the_environment_is_codebuilds_the_projects_and_the_buildspecs(project: Project) -> None:
    local_aws = project.local_aws
    local_aws.client("ssm").put_parameter(Name=f"/{project.name}", Value="from-ssm", Type="SecureString")
    secret = json.dumps({"key": "from-secrets-manager"})
    local_aws.client("secretsmanager").create_secret(Name=project.name, SecretString=secret)
    text = f"""
version: 0.2
env:
  variables: {{BUILDSPEC: of-buildspec, PROJECT: of-buildspec, REQUEST: of-buildspec}}
  parameter-store: {{PARAMETER: /{project.name}}}
  secrets-manager: {{SECRET: "{project.name}:key"}}
phases:
  build:
    commands:
      - env > env.txt
      - echo "$PARAMETER and $SECRET"
artifacts: {{files: [env.txt]}}
"""
    variables = [{"name": name, "value": "of-project"} for name in ("PROJECT", "REQUEST")]
    source = project.put_source({"buildspec.yml": text})
    artifacts = {"type": "S3", "location": project.name, "path": "out", "packaging": "NONE", "name": "/"}
    project.create(
        source=source,
        artifacts=artifacts,
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": variables,
        },
    )
    build = project.build(environmentVariablesOverride=[{"name": "REQUEST", "value": "of-request"}])
    assert build["buildStatus"] == "SUCCEEDED", project.log(build)
    body = project.s3.get_object(Bucket=project.name, Key="out/env.txt")["Body"].read().decode()
    found = dict(line.partition("=")[::2] for line in body.splitlines())
    expected = {
        "BUILDSPEC": "of-buildspec",
        "PROJECT": "of-project",
        "REQUEST": "of-request",
        "PARAMETER": "from-ssm",
        "SECRET": "from-secrets-manager",
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_SRC_DIR": found["PWD"],
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build["resolvedSourceVersion"],
        "CODEBUILD_SOURCE_REPO_URL": source["location"],
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{local_aws.port}",
    }
    assert {name: found.get(name) for name in expected} == expected
    log = project.log(build)
    assert "\n*** and ***\n" in log
    assert "from-" not in log


def test_artifacts_are_in_s3_with_their_checksums(project: Project) -> None:
    more = """
artifacts:
  name: built-$CODEBUILD_BUILD_NUMBER.zip
  files: ["**/*"]
  base-directory: out
  exclude-paths: ["*.tmp"]
  secondary-artifacts: {second: {files: [x.txt]}}
"""
    artifacts = {
        "type": "S3",
        "location": project.name,
        "path": "a",
        "namespaceType": "BUILD_ID",
        "packaging": "ZIP",
        "overrideArtifactName": True,
    }
    second = {
        "type": "S3",
        "location": project.name,
        "name": "s.zip",
        "packaging": "ZIP",
        "artifactIdentifier": "second",
    }
    commands = ("mkdir -p out/b", "echo 1 > out/b/one", "touch out/two.tmp", "echo x > x.txt")
    project.create(spec(*commands, more=more), artifacts=artifacts, secondaryArtifacts=[second])
    build = project.build()
    assert build["buildStatus"] == "SUCCEEDED", project.log(build)
    key = f"a/{build['id'].partition(':')[2]}/built-1.zip"
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{project.name}/{key}"
    assert len(build["artifacts"]["sha256sum"]) == 64
    assert names(project, key) == ["b/one"]
    assert names(project, "s.zip") == ["x.txt"]
    [made] = build["secondaryArtifacts"]
    assert made["artifactIdentifier"] == "second" and made["location"].endswith("/s.zip")


def names(project: Project, key: str) -> list[str]:
    body = project.s3.get_object(Bucket=project.name, Key=key)["Body"].read()
    return sorted(zipfile.ZipFile(BytesIO(body)).namelist())


def test_artifacts_that_are_not_there_fail_the_build(project: Project) -> None:
    artifacts = {"type": "S3", "location": project.name}
    project.create(spec("true", more="artifacts: {files: [nothing.txt]}"), artifacts=artifacts)
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    assert phases(build) == SUCCEEDED | {"UPLOAD_ARTIFACTS": "FAILED"}
    assert build["phases"][-3]["contexts"][0]["message"] == "no matching artifact paths found: nothing.txt"


def test_a_report_is_kept_also_of_tests_that_fail(project: Project) -> None:
    junit = (
        '<testsuites><testsuite name="suite"><testcase classname="c" name="good" time="0.5"/>'
        '<testcase classname="c" name="bad" time="0.25"><failure message="1 is not 2"/></testcase>'
        "</testsuite></testsuites>"
    )
    more = (
        'env: {variables: {FILE: r.xml}}\nreports: {tests: {files: ["$FILE"], base-directory: $CODEBUILD_SRC_DIR/out}}'
    )
    project.create(spec("mkdir out", f"echo '{junit}' > out/r.xml", "false", more=more))
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    [report] = project.client.batch_get_reports(reportArns=build["reportArns"])["reports"]
    assert report["status"] == "FAILED"
    assert report["reportGroupArn"].endswith(f":report-group/{project.name}-tests")
    assert report["testSummary"]["total"] == 2
    assert report["testSummary"]["statusCounts"]["FAILED"] == 1
    listed = project.client.list_reports_for_report_group(reportGroupArn=report["reportGroupArn"])["reports"]
    assert listed == [report["arn"]]
    failed = {"reportArn": report["arn"], "filter": {"status": "FAILED"}}
    [case] = project.client.describe_test_cases(**failed)["testCases"]
    assert (case["name"], case["message"], case["durationInNanoSeconds"]) == ("bad", "1 is not 2", 250_000_000)
    first = project.client.describe_test_cases(reportArn=report["arn"], maxResults=1)
    second = project.client.describe_test_cases(reportArn=report["arn"], nextToken=first["nextToken"])
    assert [case["name"] for case in (*first["testCases"], *second["testCases"])] == ["good", "bad"]


def test_what_a_build_installs_stays_in_the_build(project: Project) -> None:
    package = {
        "setup.py": "from setuptools import setup\n"
        "setup(name='only-in-build', version='1', py_modules=['only_in_build'], entry_points={'console_scripts':"
        " ['only-in-build = only_in_build:main']})\n",
        "only_in_build.py": "import numpy\ndef main(): print('numpy', numpy.__version__)\n",
        "buildspec.yml": spec("pip install numpy", "python setup.py -q install 2>/dev/null", "only-in-build"),
    }
    project.create(source=project.put_source(package))
    build = project.build()
    log = project.log(build)
    assert build["buildStatus"] == "SUCCEEDED", log
    assert "Requirement already satisfied: numpy" in log
    assert f"\nnumpy {version('numpy')}" in log
    assert find_spec("only_in_build") is None


def test_the_log_is_there_while_the_build_runs_and_stop_ends_all_its_processes(project: Project) -> None:
    naps = [f"600.{time.time_ns()}", f"601.{time.time_ns()}"]
    project.create(spec(f"sleep {naps[0]} & echo begun; sleep {naps[1]}"))
    build_id = project.client.start_build(projectName=project.name)["build"]["id"]
    project.follow(build_id, lambda build: "\nbegun" in project.log(build))
    build = project.get(build_id)
    assert build["buildStatus"] == "IN_PROGRESS" and build["currentPhase"] == "BUILD"
    running = processes(naps)
    assert len(running) == 2
    stopped = project.client.stop_build(id=build_id)["build"]
    assert stopped["buildStatus"] == "STOPPED"
    assert phases(stopped)["BUILD"] == "STOPPED"
    wait_until_gone(running)


def processes(arguments: Collection[str]) -> list[int]:
    """The processes that sleep for one of these times."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_text().split("\0")
            if words[0] == "sleep" and words[1] in arguments:
                found.append(int(path.parent.name))
    return found


def test_the_source_must_have_the_buildspec(project: Project) -> None:
    project.create(source=project.put_source({"other.txt": ""}))
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")
    assert context["statusCode"] == "YAML_FILE_ERROR"
    assert context["message"] == "stat buildspec.yml: no such file or directory; the source has other.txt"


def test_secondary_sources_lie_beside_the_first(project: Project) -> None:
    source = project.put_source({"a/own.yml": spec('cat "$CODEBUILD_SRC_DIR_more/b.txt"')})
    project.s3.put_object(Bucket=project.name, Key="folder/b.txt", Body=b"of the second")
    more = {"type": "S3", "location": f"{project.name}/folder/", "sourceIdentifier": "more"}
    project.create(source={**source, "buildspec": "a/own.yml"}, secondarySources=[more])
    build = project.build()
    assert build["buildStatus"] == "SUCCEEDED", project.log(build)
    assert "\nof the second" in project.log(build)


def test_events_tell_of_the_build_and_its_phases(project: Project) -> None:
    client, sqs = (project.local_aws.client(name) for name in ("events", "sqs"))
    queue = sqs.create_queue(QueueName=project.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.codebuild"], "detail": {"project-name": [project.name]}}
    client.put_rule(Name=project.name, EventPattern=json.dumps(pattern))
    client.put_targets(Rule=project.name, Targets=[{"Id": "queue", "Arn": arn}])
    project.create(spec("false"))
    build = project.build()
    events: list[dict[str, object]] = []
    deadline = time.monotonic() + 60
    while not any(event["detail"].get("build-status") == "FAILED" for event in events):  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, events
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        events += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert all(event["resources"] == [build["arn"]] for event in events)
    kinds = [(event["detail-type"], event["detail"]) for event in events]
    states = [detail["build-status"] for kind, detail in kinds if kind == "CodeBuild Build State Change"]
    assert states == ["IN_PROGRESS", "FAILED"]
    changes = {detail["completed-phase"]: detail for kind, detail in kinds if kind == "CodeBuild Build Phase Change"}
    assert changes["BUILD"]["completed-phase-status"] == "FAILED"
    assert "COMMAND_EXECUTION_ERROR: Error while executing" in changes["BUILD"]["completed-phase-context"]
    assert changes["INSTALL"]["completed-phase-status"] == "SUCCEEDED"


def test_a_build_that_runs_when_the_server_dies_is_a_fault(own_local_aws: Callable[[], LocalAws]) -> None:
    local_aws = own_local_aws()
    project = Project(local_aws, "mine")
    nap = f"600.{time.time_ns()}"
    project.create(spec(f"sleep {nap}"))
    build_id = project.client.start_build(projectName="mine")["build"]["id"]
    project.follow(build_id, lambda _: processes([nap]))
    running = processes([nap])
    pid = local_aws.pids()["services"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    build = project.ended(build_id)
    assert build["buildStatus"] == "FAULT"
    assert phases(build)["BUILD"] == "FAULT"
    assert "Start the build again" in build["phases"][-2]["contexts"][0]["message"]
    wait_until_gone(running)
    again = project.client.retry_build(id=build_id)["build"]
    assert again["buildNumber"] == 2
    assert project.client.stop_build(id=again["id"])["build"]["buildStatus"] == "STOPPED"


def test_what_pip_and_uv_have_downloaded_goes_from_build_to_build(project: Project) -> None:
    project.create(spec('for cache in "$PIP_CACHE_DIR" "$UV_CACHE_DIR"; do ls "$cache"; mkdir -p "$cache/kept"; done'))
    assert "kept" not in project.log(project.build()).splitlines()
    assert project.log(project.build()).splitlines().count("kept") == 2


def test_a_source_that_leads_out_of_its_folder_fails_the_download(project: Project) -> None:
    source = project.put_source({"buildspec.yml": spec("true"), "../escaped": "x"})
    project.create(source=source)
    build = project.build()
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")
    assert f"s3://{source['location']} cannot be unpacked: '../escaped' leads out" in context["message"]
