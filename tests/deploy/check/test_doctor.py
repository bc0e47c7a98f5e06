"""`deploy-model doctor` as a user runs it, before there is a project: on local AWS, and where AWS lets nobody in."""

import json
import os
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from deploy import stages
from tests.conftest import LocalAws
from tests.deploy.check.conftest import wait
from tests.deploy.conftest import run_module

OF_SAGEMAKER = (
    *("ml.m5.large for endpoint usage", "ml.t2.medium for endpoint usage", "ml.m5.large for training job usage"),
    *("ml.m5.large for transform job usage", "ml.t3.medium for processing job usage"),
)
OF_OTHERS = (
    *("Concurrently running builds for Linux/Medium environment", "Regional APIs", "Buckets"),
    "Concurrently running builds for Linux/Small environment",
)
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["sqs:*", "sns:*", "iam:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "codebuild:*", "Resource": "arn:aws:codebuild:*:*:project/other-*"},
        {"Effect": "Allow", "Action": "events:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "events:TagResource", "Resource": "*"},
    ],
}


def doctor(cwd: Path, environ: dict[str, str], *arguments: str) -> "CompletedProcess[str]":
    return run_module("deploy_model", "doctor", *arguments, environ=environ, cwd=cwd)


def findings(done: "CompletedProcess[str]") -> dict[tuple[str, str], dict[str, str]]:
    assert "Traceback" not in done.stderr
    return {(each["Resource"], each["Check"]): each for each in json.loads(done.stdout)["Findings"]}


@pytest.fixture(autouse=True)
def bucket(request: pytest.FixtureRequest) -> None:
    """The account's default bucket, where the test has an account."""
    if "local_aws" in request.fixturenames:
        request.getfixturevalue("local_aws").client("s3").create_bucket(Bucket="sagemaker-us-east-1-000000000000")


def test_where_nothing_is_missing_nothing_fails_and_what_cannot_be_known_is_named(local_aws: LocalAws, tmp_path: Path):
    name = f"new-{uuid.uuid4().hex[:8]}"
    done = doctor(tmp_path, local_aws.env, "--project-name", name, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = findings(done)
    unknown = {key: each for key, each in told.items() if each["Status"] == "unknown"}
    assert set(unknown) == {(f"Quota {quota}", "Enough") for quota in (*OF_SAGEMAKER, *OF_OTHERS)}
    assert {each["Why"].partition(":")[0] for each in unknown.values()} == {"not examined here"}
    assert [key for key, each in told.items() if each["Status"] == "warning"] == [("Caller of AWS", "NotRoot")]
    assert told[(f"Project {name}", "New")]["Why"] == "there is none of this name yet"


def test_the_table_has_a_line_for_what_is_not_well(local_aws: LocalAws, tmp_path: Path):
    environ = {**local_aws.env, "LOCALAWS_STATE_DIR": str(local_aws.state_dir)}
    done = doctor(tmp_path, environ, "--local")
    assert done.returncode == 0, done.stderr
    head, *_, summary = done.stdout.splitlines()
    assert head.split() == ["Status", "What", "Check", "Why", "What", "to", "do", "next"]
    assert "Service sagemaker" not in done.stdout
    assert summary.endswith(f"1 warning, 0 failed, {len(OF_SAGEMAKER) + len(OF_OTHERS)} unknown")


def test_names_that_are_taken(local_aws: LocalAws, tmp_path: Path):
    name = f"old-{uuid.uuid4().hex[:8]}"
    local_aws.client("s3").create_bucket(Bucket=f"sagemaker-project-{name}-data")
    local_aws.client("codecommit").create_repository(repositoryName=f"sagemaker-{name}")
    local_aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    local_aws.client("dynamodb").create_table(
        TableName=f"{name}-jobs",
        KeySchema=[{"AttributeName": "Type", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Type", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    given = ("--project-name", name, "--project-id", name, "--format", "json")
    done = doctor(tmp_path, local_aws.env, *given)
    assert done.returncode == 1
    failed = {key[0]: each for key, each in findings(done).items() if each["Status"] == "failed"}
    taken = (name, f"{name}-jobs", f"sagemaker-{name}", f"sagemaker-project-{name}-data")
    assert set(failed) == {f"Name {each}" for each in taken}
    assert all("Deleting and creating again" in each["Action"] for each in failed.values())


def test_what_the_caller_may_not_do(local_aws: LocalAws, tmp_path: Path):
    iam, name = local_aws.client("iam"), f"ann-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    signed = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    done = doctor(tmp_path, {**local_aws.env, **signed}, "--format", "json")
    assert done.returncode == 1
    told = {key[0].removeprefix("Permissions "): each for key, each in findings(done).items() if key[1] == "Allowed"}
    assert [service for service, each in told.items() if each["Status"] == "ok"] == ["iam", "sns", "sqs"]
    # Only what may be called for a property that no template has.
    assert [service for service, each in told.items() if each["Status"] == "warning"] == ["events"]
    assert told["codebuild"]["Why"] == (
        f"arn:aws:iam::000000000000:user/{name} may not codebuild:CreateProject, codebuild:BatchGetProjects, "
        "codebuild:DeleteProject, codebuild:UpdateProject on "
        "arn:aws:codebuild:us-east-1:000000000000:project/model-road-build"
    )
    assert "deploy/launch_role.yml" in told["codebuild"]["Action"]


def test_what_a_launch_role_may_not_do(local_aws: LocalAws, tmp_path: Path):
    iam, name = local_aws.client("iam"), f"launch-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "servicecatalog.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    wide = {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/SC-*"}
    iam.put_role_policy(
        RoleName=name, PolicyName="some", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    )
    done = doctor(tmp_path, local_aws.env, "--launch-role-arn", arn, "--format", "json")
    told = {key[0].removeprefix("Permissions "): each for key, each in findings(done).items() if key[1] == "Allowed"}
    assert [service for service, each in told.items() if each["Status"] == "ok"] == ["iam"]
    assert arn in told["sqs"]["Why"]


def test_the_launch_role_of_this_project_fails_nothing(local_aws: LocalAws, tmp_path: Path):
    cloudformation, name = local_aws.client("cloudformation"), f"launch-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(stages.FOLDER / "launch_role.yml").read_text(),
        Parameters=[{"ParameterKey": "AssetsBucket", "ParameterValue": "assets"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert wait(cloudformation, name) == "CREATE_COMPLETE"
    roles = local_aws.client("iam").list_roles(MaxItems=1000)["Roles"]
    [arn] = [role["Arn"] for role in roles if role["RoleName"].startswith(name)]
    done = doctor(tmp_path, local_aws.env, "--launch-role-arn", arn, "--format", "json")
    assert done.returncode == 0, done.stdout
    assert findings(done)[("Permissions sqs", "Allowed")]["Status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--definitions", "nowhere.json"], "--definitions nowhere.json: cannot be read: No such file"),
        (["--definitions", "broken.json"], "--definitions broken.json: is not JSON"),
        (["--definitions", "other.json"], "--definitions other.json: has no Steps"),
        (["--launch-role-arn", "me"], "'me': expected an ARN"),
        (["--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_arguments(local_aws: LocalAws, tmp_path: Path, arguments: list[str], why: str):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text("{}")
    done = doctor(tmp_path, local_aws.env, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


# Where AWS lets nobody in.

BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>"


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """The address of a server that answers every request with the error that its path names, as AWS's query APIs do."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = ERROR.format(code=self.path.strip("/")).encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("ExpiredToken", "the session is over: run `aws sso login`"),
        ("InvalidClientTokenId", "AWS does not know this access key"),
        ("SignatureDoesNotMatch", "the secret does not belong to the access key"),
        ("RequestExpired", "set this machine's clock"),
        ("SomethingElse", "`aws sts get-caller-identity` has to work first"),
    ],
)
def test_credentials_that_aws_refuses(refusing: str, tmp_path: Path, code: str, action: str):
    environ = {**BARE, **KEYS, "AWS_ENDPOINT_URL": f"{refusing}/{code}"}
    done = doctor(tmp_path, environ, "--format", "json")
    assert done.returncode == 1, done.stderr
    told = findings(done)
    assert [(key, each["Status"]) for key, each in told.items()] == [
        (("Region eu-west-1", "Known"), "ok"),
        (("Caller of AWS", "Known"), "failed"),
    ]
    caller = told[("Caller of AWS", "Known")]
    assert code in caller["Why"]
    assert action in caller["Action"]


def test_other_commands_say_it_in_a_sentence(refusing: str, tmp_path: Path):
    environ = {**BARE, **KEYS, "AWS_ENDPOINT_URL": f"{refusing}/ExpiredToken"}
    done = run_module("deploy_model", "status", environ=environ, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "(ExpiredToken)" in line
    assert "-- the session is over: run `aws sso login`" in line


@pytest.mark.parametrize(
    ("environ", "arguments", "returncode", "words"),
    [
        ({}, [], 2, ["no AWS credentials found", "add --local", "`aws sso login`"]),
        ({**KEYS, "AWS_DEFAULT_REGION": ""}, [], 2, ["no AWS region: give --region"]),
        ({**KEYS, "AWS_PROFILE": "nobodys"}, [], 1, ["nobodys", "`aws configure list-profiles`"]),
        (KEYS, ["--region", "eu-wset-1"], 1, ["boto3 knows no region eu-wset-1", "did you mean eu-west-1"]),
        ({**KEYS, "AWS_ENDPOINT_URL": "http://no.invalid:9"}, [], 1, ["Could not connect", "check the region's name"]),
        ({**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, [], 1, ["Could not connect", "run `local-aws start`"]),
    ],
    ids=["no credentials", "no region", "no profile", "wrong region", "no network", "no local AWS"],
)
def test_no_way_in(tmp_path: Path, environ: dict[str, str], arguments: list[str], returncode: int, words: list[str]):
    done = doctor(tmp_path, {**BARE, **environ, "COLUMNS": "1000"}, *arguments)
    assert done.returncode == returncode, done.stderr
    [line] = [line for line in (done.stdout + done.stderr).splitlines() if words[0] in line]
    assert all(word in line for word in words)
    assert "Traceback" not in done.stderr
