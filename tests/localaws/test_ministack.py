"""MiniStack as it is hosted here: the hooks into it, the gateway before it, and S3 to the last byte."""

import base64
import hashlib
import http.server
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.errors import HookMissingError
from localaws.ministack.gateway import may_change_state
from localaws.ministack.host import load_application
from localaws.ministack.private import private
from localaws.protocol import routing
from tests.conftest import LocalAws, free_ports, until

MEBIBYTE = 1 << 20


# The hooks. Each test fails with the hook's name when a new MiniStack lacks it or behaves otherwise.


def test_hook_application() -> None:
    assert callable(load_application())


def test_hook_put_events_takes_aws_sources_from_services_only(local_aws: LocalAws) -> None:
    """`accept_events_of_services`: a user's event of the source aws.sagemaker is refused, as EventBridge does."""
    events = local_aws.client("events")
    entry = {"Source": "aws.sagemaker", "DetailType": "Test", "Detail": "{}"}
    refused = events.put_events(Entries=[entry])
    assert refused["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    events.meta.events.register("before-send", lambda request, **_: request.headers.update({"X-Localaws-Service": "s"}))
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_hook_a_silent_function_answers_soon_and_a_log_comes_with_its_answer(local_aws: LocalAws) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def f(event, context):\n    if event:\n        print(event)\n    return 1\n")
    client, name = local_aws.client("lambda"), f"f-{time.time_ns()}"
    role = "arn:aws:iam::000000000000:role/f"
    code = {"ZipFile": packed.getvalue()}
    client.create_function(FunctionName=name, Runtime="python3.12", Handler="f.f", Role=role, Code=code)
    client.invoke(FunctionName=name, Payload=b"null")

    def seconds() -> float:
        started = time.perf_counter()
        client.invoke(FunctionName=name, Payload=b"null")
        return time.perf_counter() - started

    until(lambda: seconds() < 0.05)  # never without the hook, on however quiet a machine
    answer = client.invoke(FunctionName=name, Payload=b'"said"', LogType="Tail")
    assert b"said" in base64.b64decode(answer["LogResult"])
    client.delete_function(FunctionName=name)


def test_hook_a_burst_starts_few_environments_of_a_function(local_aws: LocalAws) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "import os, time\ntime.sleep(0.3)\ndef f(event, context):\n    return os.getpid()\n")
    client, name = local_aws.client("lambda", config=Config(max_pool_connections=20)), f"f-{time.time_ns()}"
    role = "arn:aws:iam::000000000000:role/f"
    code = {"ZipFile": packed.getvalue()}
    client.create_function(FunctionName=name, Runtime="python3.12", Handler="f.f", Role=role, Code=code)
    with ThreadPoolExecutor(20) as callers:
        answers = callers.map(lambda _: client.invoke(FunctionName=name)["Payload"].read(), range(20))
        processes = set(answers)
    assert len(processes) <= 3 * (os.cpu_count() or 1)  # 20 without the hook
    client.delete_function(FunctionName=name)


def test_hook_email_waits_for_consent(local_aws: LocalAws) -> None:
    """`send_email_notifications`: subscriptions, however made, wait; then messages become mails (`test_mail.py`)."""
    sns = local_aws.client("sns")
    topic = sns.create_topic(Name="hook-email")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="hook@example.com")
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    assert "hook@example.com" in local_aws.command("mail").stdout


def test_hook_targets_are_ours(local_aws: LocalAws) -> None:
    """`refuse_unsupported_targets`: unknown kinds of targets (`test_eventbridge.py` has the rest)."""
    events = local_aws.client("events")
    events.put_rule(Name="hook-targets", EventPattern='{"source": ["hook-targets"]}')
    with pytest.raises(events.exceptions.ClientError, match="Local AWS cannot deliver events to"):
        events.put_targets(Rule="hook-targets", Targets=[{"Id": "t", "Arn": "arn:aws:ecs:us-east-1:1:cluster/c"}])


def test_hook_alarms_become_events(local_aws: LocalAws) -> None:
    """`perform_alarm_actions`: SetAlarmState, too, reaches the event bus (`test_alarm_actions.py` has the rest)."""
    cloudwatch, events, sqs = (local_aws.client(service) for service in ("cloudwatch", "events", "sqs"))
    url = sqs.create_queue(QueueName="hook-alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="hook-alarms", EventPattern='{"detail": {"alarmName": ["hook-alarms"]}}')
    events.put_targets(Rule="hook-alarms", Targets=[{"Id": "q", "Arn": arn}])
    cloudwatch.put_metric_alarm(
        AlarmName="hook-alarms",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName="hook-alarms", StateValue="ALARM", StateReason="said so")
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["detail"]["state"]["reason"] == "said so"


def test_hook_alarms_keep_their_expressions(local_aws: LocalAws) -> None:
    """`keep_alarm_expressions` (`test_metric_math.py` has the rest)."""
    cloudwatch = local_aws.client("cloudwatch")
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    metrics = [{"Id": "m", "MetricStat": stat, "ReturnData": False}, {"Id": "e", "Expression": "2 * m"}]
    limits = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName="hook-expression", Metrics=metrics, **limits)
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["hook-expression"])["MetricAlarms"]
    assert [query["Id"] for query in alarm["Metrics"]] == ["m", "e"]


def test_hook_schedules_know_time_zones(local_aws: LocalAws) -> None:
    """`apply_schedule_time_zones` (`test_schedules.py` sees one come)."""
    scheduler = local_aws.client("scheduler")
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"}
    with pytest.raises(scheduler.exceptions.ClientError, match="No time zone found"):
        scheduler.create_schedule(
            Name="hook-schedules",
            ScheduleExpression="cron(0 3 * * ? *)",
            ScheduleExpressionTimezone="Mars/Olympus",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )


def test_a_missing_hook_is_named() -> None:
    with pytest.raises(HookMissingError, match=r"MiniStack 1\.5\.33 has no ministack\.app\.no_such_name"):
        private("ministack.app", "no_such_name")


def test_hook_configuration_one_listener_on_loopback(local_aws: LocalAws) -> None:
    """BIND_HOST, IOT_MTLS_ENABLED, SFTP_ENABLED: nothing else listens, and not to the network."""
    assert _listeners(local_aws.pids()["ministack"]) == {f"0100007F:{local_aws.port:04X}"}


def _listeners(pid: int) -> set[str]:
    """The local addresses on which a process listens, in the hexadecimal form of /proc/net/tcp."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(descriptor.readlink().name.removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in sockets}


def test_hook_configuration_all_files_in_the_state_folder(local_aws: LocalAws) -> None:
    """STATE_DIR, S3_DATA_DIR, TMPDIR: MiniStack's own habits reach no shared folder."""
    local_aws.client("s3").create_bucket(Bucket="a-folder-of-its-own")
    data = local_aws.state_dir / "ministack"
    assert (data / "s3" / "000000000000" / "a-folder-of-its-own").is_dir()
    assert not list(Path(tempfile.gettempdir()).glob(f"ministack*{local_aws.port}*"))


# The gateway.


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({"x-amz-target": "SageMaker.ListModels"}, "", "sagemaker"),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, S"},
            "",
            "sagemaker",
        ),
        ({}, "X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fsagemaker%2Faws4_request&X-Amz-Date=1", "sagemaker"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, S"}, "", None),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=sagemaker/20260101/us-east-1/s3/aws4_request"}, "", None),
        ({"x-amz-target": "DynamoDB_20120810.Query"}, "", None),
        ({"x-amz-target": "Logs_20140328.PutLogEvents"}, "", "services"),
        ({"x-amz-target": "CodeBuild_20161006.StartBuild"}, "", "services"),
        (
            {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/codebuild/aws4_request"},
            "",
            "services",
        ),
        ({}, "", None),
    ],
)
def test_which_server_a_request_is_for(headers: dict[str, str], query: str, expected: str | None) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"path": "/", "headers": pairs, "query_string": query.encode()}
    route = routing.of_request(scope)
    assert (route.server if route else None) == expected


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "", False),
        ("PUT", "", True),
        ("POST", "", True),
        ("POST", "Logs_20140328.GetLogEvents", False),
        ("POST", "Logs_20140328.PutLogEvents", True),
        ("POST", "DynamoDB_20120810.Query", False),
    ],
)
def test_which_requests_may_change_state(method: str, target: str, expected: bool) -> None:
    scope = {"type": "http", "method": method, "headers": [(b"x-amz-target", target.encode())]}
    assert may_change_state(scope) is expected


def test_one_endpoint_url_for_sagemaker_too(local_aws: LocalAws) -> None:
    name = "seen-from-both-sides"
    straight = local_aws.client("sagemaker")
    through = local_aws.client("sagemaker", endpoint_url=f"http://127.0.0.1:{local_aws.port}")
    through.create_model_package_group(ModelPackageGroupName=name)
    arns = [
        client.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
        for client in (straight, through)
    ]
    assert arns[0] == arns[1]
    with pytest.raises(through.exceptions.ClientError) as refused:
        through.describe_model(ModelName="no-such-model")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


_slow: list[bytes] = []
_answer_the_slow = threading.Event()


class _Echo(http.server.BaseHTTPRequestHandler):
    """Stands where SageMaker stands: says what reached it; when asked to be slow, not before it is told to."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"slow":
            _slow.append(body)
            _answer_the_slow.wait(60)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("X-Seen-Path", self.path)
        self.send_header("X-Seen-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def before_an_echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a MiniStack whose SageMaker is an echo."""
    echo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    with _ministack(tmp_path_factory.mktemp("echo"), f"http://127.0.0.1:{echo.server_port}") as port:
        yield port
    echo.shutdown()
    echo.server_close()


class _ministack:  # noqa: N801 - reads as the function that it is
    """``python -m localaws.ministack``, for as long as a with-block lasts."""

    def __init__(self, data_dir: Path, sagemaker_url: str) -> None:
        self._port = free_ports().gateway
        command = [sys.executable, "-P", "-m", "localaws.ministack", "--port", str(self._port)]
        command += ["--state-dir", str(data_dir), "--sagemaker-url", sagemaker_url]
        command += ["--services-url", "http://127.0.0.1:1"]
        self._process = subprocess.Popen(command)

    def __enter__(self) -> int:
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", self._port)) != 0:
            assert time.monotonic() < deadline
            assert self._process.poll() is None
            time.sleep(0.02)
        return self._port

    def __exit__(self, *_exception: object) -> None:
        self._process.terminate()
        assert self._process.wait(60) in (0, -15)


def _client(service_name: str, port: int, **options: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.Session(**keys, region_name="us-east-1").client(
        service_name, endpoint_url=f"http://127.0.0.1:{port}", **options
    )


def test_a_request_is_passed_on_as_it_is(before_an_echo: int) -> None:
    body = bytes(range(256)) * 4096
    answer = _client("sagemaker-runtime", before_an_echo).invoke_endpoint(
        EndpointName="an-endpoint", Body=body, ContentType="application/x-npy"
    )
    assert answer["Body"].read() == body
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-seen-path"] == "/endpoints/an-endpoint/invocations"
    assert headers["x-seen-type"] == "application/x-npy"


def test_a_slow_model_holds_up_nobody(before_an_echo: int) -> None:
    runtime = _client("sagemaker-runtime", before_an_echo, config=Config(max_pool_connections=20))
    slow = [
        threading.Thread(target=runtime.invoke_endpoint, kwargs={"EndpointName": "an-endpoint", "Body": b"slow"})
        for _ in range(20)
    ]
    s3 = _client("s3", before_an_echo)
    for thread in slow:
        thread.start()
    until(lambda: len(_slow) == len(slow))
    s3.list_buckets()
    assert all(thread.is_alive() for thread in slow), "S3 answered after a slow invocation"
    _answer_the_slow.set()
    for thread in slow:
        thread.join()


def test_without_sagemaker_an_aws_error_says_what_to_do(tmp_path: Path) -> None:
    once = Config(retries={"total_max_attempts": 1})
    with _ministack(tmp_path, "http://127.0.0.1:1") as port:
        client = _client("sagemaker", port, config=once)
        with pytest.raises(client.exceptions.ClientError, match="local-aws status") as refused:
            client.list_models()
        runtime = _client("sagemaker-runtime", port, config=once)
        with pytest.raises(runtime.exceptions.ClientError) as refused_too:
            runtime.invoke_endpoint(EndpointName="an-endpoint", Body=b"")
    for error in (refused, refused_too):
        assert error.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize(
    ("service", "operation"), [("servicecatalog", "search_products_as_admin"), ("redshift", "describe_clusters")]
)
def test_a_service_that_there_is_not_is_refused_by_name(local_aws: LocalAws, service: str, operation: str) -> None:
    with pytest.raises(ClientError, match=r"\(UnsupportedOperation\).* Local AWS has no .*docs/localaws/README.md"):
        getattr(local_aws.client(service), operation)()


# S3, as boto3 and the AWS CLI use it without further settings.


@pytest.mark.parametrize("n_bytes", [0, 1, MEBIBYTE, 20 * MEBIBYTE])
def test_objects_arrive_intact(local_aws: LocalAws, n_bytes: int) -> None:
    s3 = local_aws.client("s3")
    bucket = f"intact-{n_bytes}"
    s3.create_bucket(Bucket=bucket)
    content = os.urandom(n_bytes)
    s3.put_object(Bucket=bucket, Key="at once", Body=content)
    s3.put_object(Bucket=bucket, Key="sha256", Body=content, ChecksumAlgorithm="SHA256")
    s3.upload_fileobj(io.BytesIO(content), bucket, "in parts of 8 MiB")
    for key in ("at once", "sha256", "in parts of 8 MiB"):
        found = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        assert hashlib.sha256(found["Body"].read()).digest() == hashlib.sha256(content).digest(), key
        assert "ContentEncoding" not in found, key
        assert "ChecksumCRC32" in found or "ChecksumSHA256" in found, key
    assert s3.head_object(Bucket=bucket, Key="at once")["ContentLength"] == n_bytes


def test_a_signed_payload_with_a_checksum_arrives_intact(local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3", config=Config(s3={"payload_signing_enabled": True}))
    s3.create_bucket(Bucket="signed")
    content = os.urandom(3 * MEBIBYTE + 1)
    s3.put_object(Bucket="signed", Key="k", Body=io.BytesIO(content), ChecksumAlgorithm="CRC32")
    assert s3.get_object(Bucket="signed", Key="k")["Body"].read() == content


def test_the_aws_cli_copies_both_ways(local_aws: LocalAws, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(9 * MEBIBYTE))
    script = f"aws s3 mb s3://by-cli && aws s3 cp {there} s3://by-cli/k && aws s3 cp s3://by-cli/k {back}"
    done = local_aws.run(["sh", "-c", script])
    assert done.returncode == 0, done.stderr
    assert back.read_bytes() == there.read_bytes()


def test_multipart_objects_survive_kill_9(tmp_path: Path) -> None:
    content = os.urandom(9 * MEBIBYTE)
    first = _ministack(tmp_path, "http://127.0.0.1:1")
    port = first.__enter__()
    s3 = _client("s3", port)
    s3.create_bucket(Bucket="killed")
    s3.upload_fileobj(io.BytesIO(content), "killed", "in parts")
    first._process.kill()
    first._process.wait(5)
    with _ministack(tmp_path, "http://127.0.0.1:1") as port:
        found = _client("s3", port).get_object(Bucket="killed", Key="in parts")
        assert found["Body"].read() == content


def test_the_gateways_health_names_its_process(local_aws: LocalAws) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{local_aws.port}/_localaws/health", timeout=60) as answer:
        assert json.load(answer) == {"status": "ok", "pid": local_aws.pids()["ministack"]}
