"""What is shown of an endpoint's traffic: DescribeEndpoint's answers, as AWS gives them during a deployment."""

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from deploy import traffic
from deploy.deployment_view import DeploymentPicture, Moment, traffic_lines
from deploy.stacks import Event
from model_road.live import View

SHIFTING: dict[str, Any] = {
    "EndpointName": "p-production",
    "EndpointConfigName": "old",
    "EndpointStatus": "Updating",
    "ProductionVariants": [
        {"VariantName": "AllTraffic", "CurrentWeight": 1.0, "CurrentInstanceCount": 2, "DesiredInstanceCount": 2}
    ],
    "PendingDeploymentSummary": {
        "EndpointConfigName": "new",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "DesiredWeight": 1.0,
                "DesiredInstanceCount": 2,
                "CurrentInstanceCount": 1,
                "VariantStatus": [{"Status": "ActivatingTraffic", "StatusMessage": "10 %"}],
            }
        ],
    },
    "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "slow"}]}},
}


def test_both_fleets_and_the_alarms_that_are_not_ok_are_told():
    assert traffic.alarm_names(SHIFTING) == ["errors", "slow"]
    lines = traffic_lines(traffic.summarise(SHIFTING, {"errors": "ALARM", "slow": "OK"}))
    assert [line.split() for line in lines] == [
        ["p-production", "Updating"],
        ["serving", "old", "AllTraffic:", "weight", "1,", "2", "instance(s)"],
        ["coming", "new", "AllTraffic:", "weight", "1,", "1", "instance(s),", "ActivatingTraffic", "(10", "%)"],
        ["alarm", "errors", "ALARM"],
    ]


def test_a_serverless_variant_has_no_instances():
    document = {
        "EndpointName": "e",
        "EndpointStatus": "InService",
        "EndpointConfigName": "c",
        "ProductionVariants": [{"VariantName": "v", "CurrentServerlessConfig": {}, "CurrentInstanceCount": 0}],
        "ShadowProductionVariants": [{"VariantName": "s", "CurrentInstanceCount": 1}],
    }
    assert traffic_lines(traffic.summarise(document, {}))[1:] == [
        "  serving  c  v: serverless",
        "  serving  c  shadow s: 1 instance(s)",
    ]


def moment(status: str, seen: traffic.Traffic | None) -> Moment:
    event = Event(status, datetime.now(UTC), "Endpoint", "AWS::SageMaker::Endpoint", status, "")
    return Moment((event,), seen)


def test_lines_are_printed_once_for_each_change():
    out = io.StringIO()
    seen = traffic.summarise(SHIFTING, {})
    with View(DeploymentPicture(), Console(file=out, width=200)) as view:
        view.show(moment("UPDATE_IN_PROGRESS", seen))
        view.show(moment("UPDATE_COMPLETE", seen))
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("Endpoint ")] == ["UPDATE_COMPLETE"]
    assert len([line for line in lines if "coming" in line]) == 1


def test_a_resource_has_one_line_unless_it_fails():
    out = io.StringIO()
    statuses = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "DELETE_COMPLETE"]
    with View(DeploymentPicture(), Console(file=out, width=200)) as view:
        for status in statuses:
            view.show(moment(status, None))
    assert [line.split()[1] for line in out.getvalue().splitlines()] == statuses[2:]


def test_a_terminal_shows_resources_fleets_and_alarms_at_once():
    out = io.StringIO()
    console = Console(file=out, width=160, force_terminal=True)
    with View(DeploymentPicture(), console) as view:
        view.show(moment("UPDATE_IN_PROGRESS", traffic.summarise(SHIFTING, {"errors": "ALARM"})))
    shown = out.getvalue()
    for word in ("AWS::SageMaker::Endpoint", "serving old", "coming new", "ActivatingTraffic", "alarm errors"):
        assert word in shown
