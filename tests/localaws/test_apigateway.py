"""API Gateway's data plane as it is hosted here: what it answers when a request or a function is wrong."""

import asyncio
import io
import json
import os
import signal
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localaws.containers.memory import family
from localaws.ministack.apigateway.body_checker import BodyChecker
from localaws.ministack.apigateway.body_model import Model, compiled, objection
from tests.conftest import LocalAws

FUNCTION = """
def f(event, context):
    if event["body"] == '"raise"':
        raise RuntimeError("a secret")
    return "a secret" if event["body"] == '"text"' else {"statusCode": 200, "body": event["body"]}
"""
SCHEMA = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "string", "minLength": 2}


@pytest.fixture(scope="module")
def url(local_aws: LocalAws) -> str:
    """A route behind which a function fails as it is told."""
    name = f"g-{uuid.uuid4().hex[:8]}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", FUNCTION)
    made = local_aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="f.f",
        Role="arn:aws:iam::000000000000:role/f",
        Code={"ZipFile": packed.getvalue()},
    )
    gateway = local_aws.client("apigateway")
    api: dict[str, Any] = {"restApiId": gateway.create_rest_api(name=name)["id"]}
    gateway.create_model(**api, name="Word", contentType="application/json", schema=json.dumps(SCHEMA))
    validator = gateway.create_request_validator(**api, name="body", validateRequestBody=True)
    [root] = gateway.get_resources(**api)["items"]
    method = {**api, "resourceId": root["id"], "httpMethod": "POST"}
    models = {"application/json": "Word"}
    gateway.put_method(**method, authorizationType="NONE", requestValidatorId=validator["id"], requestModels=models)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{made['FunctionArn']}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    templates = {"application/json": '{"why": "${context.error.validationErrorString}"}'}
    gateway.put_gateway_response(**api, responseType="BAD_REQUEST_BODY", responseTemplates=templates)
    gateway.create_deployment(**api, stageName="s")
    return f"http://127.0.0.1:{local_aws.port}/_aws/execute-api/{api['restApiId']}/s/"


def post(url: str, body: Any, content_type: str = "application/json") -> tuple[int, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_hook_a_gateway_response_says_what_is_wrong_with_the_body(url: str) -> None:
    """`check_bodies`."""
    assert post(url, 1)[1] == {
        "why": '[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]'
    }


def test_hook_a_body_of_a_type_without_a_model_is_not_checked(url: str) -> None:
    """`check_bodies`."""
    assert post(url, 1, "text/plain") == (200, 1)
    assert post(url, 1, "Application/JSON; charset=utf-8")[0] == 400


def test_hook_a_function_that_fails_tells_nothing_of_itself(url: str) -> None:
    """`hide_integration_errors`."""
    assert post(url, "right") == (200, "right")
    for wrong in ("raise", "text"):
        assert post(url, wrong) == (502, {"message": "Internal server error"})


def explain(schema: Any, body: bytes) -> str | None:
    return objection(Model(schema, {}).text(), body)


def test_what_is_inside_something_wrong_is_not_looked_at() -> None:
    schema = {"maxItems": 1, "items": {"type": "string"}}
    assert explain(schema, b"[1, 2]") == (
        "[array is too long: must have at most 1 elements but instance has 2 elements]"
    )


def test_what_is_missing_is_said_once() -> None:
    schema = {"required": ["x", "y"], "additionalProperties": False, "properties": {"x": {}, "y": {}}}
    missing = 'object has missing required properties (["x","y"])'
    assert explain(schema, b"{}") == f"[{missing}]"
    unknown = 'object instance has properties which are not allowed by the schema: ["q"]'
    assert explain(schema, b'{"q": 1}') == f"[{missing}, {unknown}]"


def test_no_more_than_five_errors_are_said() -> None:
    said = explain({"items": {"type": "string"}}, json.dumps(list(range(100))).encode())
    assert said is not None
    assert said.count("instance type (integer)") == 5


def test_of_a_large_body_the_first_error_is_said() -> None:
    rows = [[0.5] * 75 for _ in range(10_000)]
    schema = {"items": {"items": {"type": "number"}}}
    assert explain(schema, json.dumps(rows).encode()) is None
    rows[7_000][3] = rows[9_000][3] = "0.5"  # type: ignore[call-overload]
    said = explain(schema, json.dumps(rows).encode())
    assert said == '[instance type (string) does not match any allowed primitive type (allowed: ["integer","number"])]'


@pytest.mark.parametrize(
    ("body", "is_json"),
    [
        (b"[NaN]", False),
        (b"[Infinity]", False),
        (b"\xef\xbb\xbf[1]", False),
        ("[1]".encode("utf-16"), False),
        (b'["\xff"]', False),
        (b"[1] 2", False),
        (b"[01]", False),
        (b"", False),
        (b"[" * 100_000, False),
        (b'[{"a": 1, "a": 2}]', True),
        (b"[1e400, -1e400, 123456789012345678901234567890]", True),
        (rb'["\ud800"]', True),
    ],
)
def test_what_is_json_is_decided_as_jackson_decides_it(body: bytes, is_json: bool) -> None:
    assert explain({}, body) == (None if is_json else "[the body is not JSON]")


def test_of_two_members_with_one_name_the_last_counts() -> None:
    schema = {"properties": {"a": {"type": "string"}}}
    assert explain(schema, b'{"a": 1, "a": "x"}') is None
    assert explain(schema, b'{"a": "x", "a": 1}') is not None


def test_an_integer_of_any_size_is_an_integer() -> None:
    assert explain({"type": "integer"}, b"123456789012345678901234567890") is None
    assert explain({"type": "integer"}, b"1.0") is not None


def test_a_schema_of_somewhere_else_is_not_fetched() -> None:
    assert compiled(Model({"$ref": "http://127.0.0.1:9/schema"}, {}).text()) is None


def test_a_schema_that_leads_back_to_itself_is_not_compiled() -> None:
    assert compiled(Model({"allOf": [{"$ref": "#"}]}, {}).text()) is None
    url = "https://apigateway.amazonaws.com/restapis/a/models/B"
    assert compiled(Model({"anyOf": [{"$ref": url}]}, {url: {"not": {"$ref": url}}}).text()) is None
    tree = {"properties": {"left": {"$ref": "#"}}, "anyOf": [{"$ref": "#/definitions/any"}], "definitions": {"any": {}}}
    assert compiled(Model(tree, {}).text()) is not None


def test_a_model_may_refer_to_another() -> None:
    url = "https://apigateway.amazonaws.com/restapis/a/models/B"
    assert objection(Model({"$ref": url}, {url: {"type": "string"}}).text(), b"1") is not None


def test_a_process_that_has_died_is_replaced() -> None:
    checker, model = BodyChecker(), Model({"items": {"type": "number"}}, {}).text()
    large = json.dumps([1] * 50_000).encode()
    assert asyncio.run(checker.objection(model, large)) is None
    for pid in family(os.getpid()):
        if b"body_checker" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    assert asyncio.run(checker.objection(model, large)) is None


def test_hook_a_stage_serves_its_deployment(local_aws: LocalAws) -> None:
    """`serve_deployments`: methods, models and validators, and back to an earlier one."""
    gateway = local_aws.client("apigateway")
    api: dict[str, Any] = {"restApiId": gateway.create_rest_api(name=f"d-{uuid.uuid4().hex[:8]}")["id"]}
    [root] = gateway.get_resources(**api)["items"]
    method = {**api, "resourceId": root["id"], "httpMethod": "POST"}
    gateway.create_model(**api, name="Word", contentType="application/json", schema=json.dumps(SCHEMA))
    validator = gateway.create_request_validator(**api, name="body", validateRequestBody=True)["id"]
    models = {"application/json": "Word"}
    gateway.put_method(**method, authorizationType="NONE", requestValidatorId=validator, requestModels=models)
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": '"one"'})
    first = gateway.create_deployment(**api, stageName="s")["id"]
    url = f"http://127.0.0.1:{local_aws.port}/_aws/execute-api/{api['restApiId']}/s/"
    assert (post(url, "long"), post(url, "x")[0]) == ((200, "one"), 400)

    patch = [{"op": "replace", "path": "/schema", "value": json.dumps({**SCHEMA, "minLength": 5})}]
    gateway.update_model(**api, modelName="Word", patchOperations=patch)
    gateway.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": '"two"'})
    assert (post(url, "long"), post(url, "x")[0]) == ((200, "one"), 400), "what is not deployed is served"
    gateway.create_deployment(**api, stageName="s")
    assert (post(url, "longer"), post(url, "long")[0]) == ((200, "two"), 400)

    gateway.delete_request_validator(**api, requestValidatorId=validator)
    gateway.delete_method(**method)
    third = gateway.create_deployment(**api, stageName="s")["id"]
    assert post(url, "longer")[0] == 403
    back = [{"op": "replace", "path": "/deploymentId", "value": first}]
    gateway.update_stage(**api, stageName="s", patchOperations=back)
    assert (post(url, "long"), post(url, "x")[0]) == ((200, "one"), 400)
    gateway.delete_deployment(**api, deploymentId=third)
    gateway.delete_rest_api(**api)
