"""api.yml on the real local AWS: what the gateway does by itself, before and after any function runs."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.conftest import LocalAws
from tests.deploy.api_stack import Api, change, create


@pytest.fixture(scope="module")
def api(local_aws: LocalAws) -> Api:
    return create(local_aws)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", "", "a/b"])
def test_a_wrong_body_is_refused_whatever_type_it_says_that_it_has(api: Api, content_type: str) -> None:
    status, _, document = api.post("/stream", {"y": 1}, content_type=content_type)
    assert (status, document["message"].partition(":")[0]) == (400, "Invalid request body")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/stream", {}),
        ("/stream", {"x": 1}),
        ("/stream", {"x": [[0.3], [0.4]]}),
        ("/stream", {"x": [["0.3"]]}),
        ("/stream", {"x": [[0.3]], "more": 1}),
        ("/stream", b"{not json"),
        ("/batch", {"x": []}),
        ("/batch", [[0.3]]),
    ],
)
def test_a_wrong_body_is_refused_before_any_function_runs(api: Api, route: str, body: Any) -> None:
    before = api.invocations()
    status, _, document = api.post(route, body)
    assert status == 400
    assert document["message"].startswith("Invalid request body")
    time.sleep(0.2)
    assert api.invocations() == before


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, '[object has missing required properties (["x"])]'),
        ({"x": [[0.3], [0.4]]}, "[array is too long: must have at most 1 elements but instance has 2 elements]"),
        (
            {"x": [["0.3"]]},
            '[instance type (string) does not match any allowed primitive type (allowed: ["integer","number"])]',
        ),
        ({"x": [[1]], "y": 1}, '[object instance has properties which are not allowed by the schema: ["y"]]'),
        (b"{not json", "[the body is not JSON]"),
    ],
)
def test_the_answer_says_what_is_wrong_with_the_body(api: Api, body: Any, wrong: str) -> None:
    assert api.post("/stream", body)[2] == {"message": f"Invalid request body: {wrong}"}


def test_the_gateways_own_answers_help(api: Api) -> None:
    status, _, document = api.post("/stream", {"x": [[1]]}, key="wrong")
    assert (status, "x-api-key" in document["message"]) == (403, True)
    status, _, document = api.post("/nowhere", {})
    assert (status, "/stream" in document["message"]) == (404, True)
    gateway, name = api.aws.client("apigateway"), uuid.uuid4().hex
    key = gateway.create_api_key(name=name, enabled=True)
    stages_of = [{"apiId": api.id, "stage": "v1"}]
    plan = gateway.create_usage_plan(name=name, apiStages=stages_of, throttle={"rateLimit": 0.01, "burstLimit": 1})
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    answers = [api.post("/stream", {}, key=key["value"]) for _ in range(2)]
    assert [status for status, _, _ in answers] == [400, 429]
    assert (answers[1][1]["Retry-After"], answers[1][2]["message"].partition(":")[0]) == ("1", "Too many requests")


def test_a_function_that_fails_or_is_not_run_tells_nothing_of_itself(api: Api) -> None:
    functions, name = api.aws.client("lambda"), f"{api.name}-invoke"
    try:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        status, _, document = api.post("/stream", {"x": [[1]]})
        assert (status, document["message"].partition(":")[0]) == (500, "The request could not be answered")
        functions.delete_function_concurrency(FunctionName=name)
        functions.update_function_configuration(FunctionName=name, Handler="handler.secret")
        status, _, document = api.post("/stream", {"x": [[1]]})
        assert (status, document["message"].partition(":")[0]) == (502, "The request could not be answered")
    finally:
        functions.update_function_configuration(FunctionName=name, Handler="handler.handler")
        functions.delete_function_concurrency(FunctionName=name)


def test_a_right_body_reaches_the_function(api: Api) -> None:
    status, _, document = api.post("/stream", {"x": [[0.3]]})
    assert (status, "message" in document) == (503, True), document


def test_each_request_is_in_the_access_log_and_counted(api: Api) -> None:
    marked = time.time()
    assert api.post("/stream", {})[0] == 400
    assert api.post("/stream", {"x": [[1]]}, key="wrong")[0] == 403
    logs, group = api.aws.client("logs"), f"/aws/apigateway/{api.name}"
    deadline = time.monotonic() + 60
    lines: list[dict[str, str]] = []
    while len(lines) < 2:
        assert time.monotonic() < deadline, lines
        events = logs.filter_log_events(logGroupName=group, startTime=int(marked * 1000))["events"]
        lines = [json.loads(event["message"]) for event in events]
        time.sleep(0.1)
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/stream", "400"),
        ("POST", "/stream", "403"),
    ]
    assert [line["error"] for line in lines] == ["BAD_REQUEST_BODY", "INVALID_API_KEY"]
    assert api.key not in str(lines)
    sums = api.aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ApiGateway",
        MetricName="4XXError",
        Dimensions=[{"Name": "ApiName", "Value": api.name}, {"Name": "Stage", "Value": "v1"}],
        StartTime=marked - 60,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in sums["Datapoints"]) >= 2


def test_the_api_describes_itself(api: Api) -> None:
    api_id = api.id
    exported = api.aws.client("apigateway").get_export(restApiId=api_id, stageName="v1", exportType="oas30")
    document = json.loads(exported["body"].read())
    assert set(document["paths"]) == {"/stream", "/batch"}
    content = document["paths"]["/stream"]["post"]["requestBody"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Stream"}
    assert document["components"]["schemas"]["Stream"]["required"] == ["x"]


def test_an_update_reaches_every_resource_and_keeps_the_rest(api: Api) -> None:
    gateway, api_id = api.aws.client("apigateway"), api.id
    before = gateway.get_stage(restApiId=api_id, stageName="v1")
    topic = api.aws.client("sns").create_topic(Name=api.name)["TopicArn"]
    limits = {"RateLimit": "50", "BurstLimit": "60", "QuotaLimit": "70000"}
    more = {"ReservedConcurrency": "7", "LatencyAlarmMilliseconds": "800", "LogRetentionInDays": "7"}
    change(api.aws, api.name, "update_stack", **limits, **more, NotificationTopicArn=topic)
    [plan] = [plan for plan in gateway.get_usage_plans()["items"] if plan["name"] == api.name]
    assert (plan["throttle"], plan["quota"]["limit"]) == ({"rateLimit": 50.0, "burstLimit": 60}, 70000)
    assert [(each["apiId"], each["stage"]) for each in plan["apiStages"]] == [(api_id, "v1")]
    concurrency = api.aws.client("lambda").get_function_concurrency(FunctionName=f"{api.name}-invoke")
    assert concurrency["ReservedConcurrentExecutions"] == 7
    alarms = [
        alarm
        for alarm in api.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if any(dimension["Value"].startswith(api.name) for dimension in alarm.get("Dimensions", ()))
    ]
    assert [alarm["AlarmActions"] for alarm in alarms] == [[topic]] * 3
    about = [{each["Name"]: each["Value"] for each in alarm["Dimensions"]} for alarm in alarms]
    assert sorted(about, key=len) == [
        {"FunctionName": f"{api.name}-invoke"},
        *[{"ApiName": api.name, "Stage": "v1"}] * 2,
    ]
    assert 800.0 in [alarm["Threshold"] for alarm in alarms]
    [group] = api.aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/apigateway/{api.name}")["logGroups"]
    assert group["retentionInDays"] == 7
    after = gateway.get_stage(restApiId=api_id, stageName="v1")
    kept = ("deploymentId", "accessLogSettings", "methodSettings", "tracingEnabled")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["accessLogSettings"]["format"]
    assert after["methodSettings"]["*/*"]["metricsEnabled"] is True
    [method] = [
        item["resourceMethods"]["POST"]
        for item in gateway.get_resources(restApiId=api_id, embed=["methods"])["items"]
        if item["path"] == "/stream"
    ]
    assert method["requestValidatorId"]
    assert api.post("/stream", {})[0] == 400
    assert api.post("/stream", {"x": [[1]]})[0] == 503
