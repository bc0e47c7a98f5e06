"""AWS would refuse nothing of the templates; and each rule of `template_limits` finds a slip.

Names and texts are judged as long as the parameters let them be.
"""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.deploy import template_limits as limits
from tests.deploy.resolution import Template
from tests.deploy.test_handler_permissions import LAUNCH_ROLE
from tests.deploy.test_template_alarms import load
from tests.deploy.test_templates import TEMPLATES

Document = dict[str, Any]
PATHS = {path.stem: path for path in (*TEMPLATES, LAUNCH_ROLE)}
# These are nested, and come from S3; commands and persons send the others.
NESTED = {"automation", "build", "release"}

# A region does not fit into 64 characters beside a project and a stage; an account holds a stage of a project once.
NAMED_FOR_OTHERS = {"account"}


@cache
def longest(stem: str) -> Template:
    """A template with parameters as long as they may be."""
    return with_longest(load(PATHS[stem]))


def with_longest(document: Document) -> Template:
    declared = document.get("Parameters", {}).items()
    texts = {name: int(each["MaxLength"]) for name, each in declared if "MaxLength" in each}
    return Template(document, {name: "a" * length for name, length in texts.items()})


Slip = Callable[[Document], object]


def put(path: str, value: Any) -> Slip:
    """A slip: something else is written at a place in the properties of a resource."""

    def slip(document: Document) -> None:
        resource, *way, last = path.split(".")
        found: Any = document["Resources"][resource]["Properties"]
        for step in way:
            found = found[int(step)] if isinstance(found, list) else found[step]
        found[int(last) if isinstance(found, list) else last] = value

    return slip


def change(where: str, value: Any) -> Slip:
    """A slip: as `put`, anywhere in the document."""

    def slip(document: Document) -> None:
        *way, last = where.split(".")
        found = document
        for step in way:
            found = found[step]
        found[last] = value

    return slip


NAMED = {"Fn::Sub": "${SageMakerProjectName}-data"}
STATES = "StateMachine.Definition.States"
SLIPS: list[tuple[Callable[[Template], list[str]], str, Slip]] = [
    (limits.nulls, "system_test", put(f"{STATES}.Record.ResultPath", None)),
    (limits.counts, "endpoint", change("Outputs", {f"O{number}": {"Value": "v"} for number in range(201)})),
    (limits.texts, "api", change("Description", "d" * 1025)),
    (
        limits.names_too_long,
        "automation",
        put("Batch.FunctionName", {"Fn::Sub": "${SageMakerProjectName}" + "b" * 40}),
    ),
    (limits.names_too_long, "endpoint", change("Parameters.StageName.MaxLength", 40)),
    (limits.names_without_end, "endpoint", lambda found: found["Parameters"]["StageName"].pop("MaxLength")),
    (limits.descriptions, "automation", put("Batch.Description", "d" * 257)),
    (limits.descriptions, "automation", put("BatchRole.Description", "a role \u2013 of ours")),
    (
        limits.global_names,
        "endpoint",
        put("Dashboard.DashboardName", NAMED),
    ),
    (
        limits.global_names,
        "project",
        put("DataBucket.BucketName", NAMED),
    ),
    (limits.global_names, "build", put("BuildRole.RoleName", NAMED)),
    (
        limits.policies_too_long,
        "launch_role",
        put("Stores.PolicyDocument.Statement.0.Action", ["s3:GetObject"] * 400),
    ),
    (
        limits.policies_too_long,
        "release",
        put("DeployRole.Policies.0.PolicyDocument.Statement.0.Action", ["s3:GetObject"] * 700),
    ),
    (
        limits.statement_ids,
        "release",
        put("DeployRole.Policies.0.PolicyDocument.Statement.0.Sid", "Model-Role"),
    ),
    (
        limits.queue_policies,
        "automation",
        put("BatchQueuePolicy.PolicyDocument.Statement.0.Action", ["sqs:SendMessage"] * 8),
    ),
    (limits.queues, "automation", put("BatchDeadLetters.MessageRetentionPeriod", 1_209_601)),
    (limits.topic_policies, "automation", put("TopicPolicy.PolicyDocument.Statement.1.Action", "sns:*")),
    (limits.functions, "automation", put("Batch.Environment.Variables.QUEUE_URL", "u" * 4096)),
    (limits.functions, "automation", put("Batch.Environment.Variables.AWS_REGION", "eu-west-1")),
    (limits.functions, "automation", put("Batch.Timeout", 901)),
    (limits.waiting_batches, "automation", put("BatchMapping.BatchSize", 11)),
    (limits.queues_that_are_too_fast, "automation", put("BatchQueue.VisibilityTimeout", 10)),
    (
        limits.rules_of_events,
        "automation",
        put("BatchRule.Targets", [{"Id": "t"}] * 6),
    ),
    (limits.rules_of_events, "automation", put("BatchRule.EventPattern.source", ["aws.s3" * 400])),
    (limits.alarms, "automation", put("NewsDeliveryAlarm.Metrics.1.ReturnData", True)),
    (limits.alarms, "endpoint", put("LatencyAlarm.EvaluationPeriods", 1441)),
    (limits.dashboards, "endpoint", put("Dashboard.DashboardBody", '{"widgets": [}')),
    (limits.builds, "build", put("BuildProject.Environment.EnvironmentVariables.0.Name", "CODEBUILD_NAME")),
    (limits.builds, "build", put("BuildProject.TimeoutInMinutes", 4)),
    (limits.pipelines, "release", put("Pipeline.Stages.1.Actions.0.Namespace", "Source")),
    (limits.pipelines, "release", put("Pipeline.Stages.1.Actions.0.InputArtifacts.0.Name", "Coed")),
    (
        limits.pipelines,
        "build",
        put("Pipeline.Stages.1.Actions.0.Configuration.EnvironmentVariables", "v" * 1001),
    ),
    (limits.state_machines, "system_test", put(f"{STATES}.Record.Next", "Passed")),
    (limits.state_machines, "system_test", put(f"{STATES}.Record.Next", "HasPast")),
    (limits.apis, "api", put("StreamMethod.Integration.TimeoutInMillis", 30_000)),
    (limits.apis, "api", put("StreamModel.Name", "One-Record")),
    (limits.tags, "automation", put("Topic.Tags.0.Key", "aws:project")),
    (limits.what_schemas_refuse, "automation", put("ClaimsTable.BillingMode", "SOMETIMES")),
    (limits.what_schemas_refuse, "system_test", put("StateMachine.TracingConfiguration", {"Enable": True})),
]
RULES = list(dict.fromkeys(rule for rule, *_ in SLIPS))


@pytest.mark.parametrize("stem", PATHS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_aws_would_refuse_nothing(rule: Callable[[Template], list[str]], stem: str) -> None:
    excepted = rule is limits.global_names and stem in NAMED_FOR_OTHERS
    assert excepted or rule(longest(stem)) == []


@pytest.mark.parametrize(("rule", "stem", "slip"), SLIPS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_slip_would_be_found(rule: Callable[[Template], list[str]], stem: str, slip: Slip) -> None:
    document = copy.deepcopy(longest(stem).document)
    slip(document)
    assert rule(with_longest(document))


@pytest.mark.parametrize("stem", PATHS)
def test_a_template_is_short_enough_for_how_it_is_sent(stem: str) -> None:
    """51,200 bytes in a request, 1 MB from S3, which CloudFormation counts as 1,000,000 bytes."""
    length = PATHS[stem].stat().st_size
    most = 1_000_000 if stem in NESTED else 51_200
    assert length <= most, f"{length} bytes, of at most {most}: nest a part of it, or have it come from S3"


def test_every_named_type_is_judged() -> None:
    """So that a new type does not come in with a name that nobody measures."""
    every = {resource["Type"] for stem in PATHS for resource in longest(stem).document["Resources"].values()}
    nameless = {
        *("AWS::ApiGateway::Account", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::GatewayResponse"),
        *("AWS::ApiGateway::Method", "AWS::ApiGateway::Model", "AWS::ApiGateway::RequestValidator"),
        *("AWS::ApiGateway::Resource", "AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlanKey"),
        *("AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"),
        *("AWS::CloudFormation::Stack", "AWS::KMS::Key", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"),
        *("AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
        *("AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model", "AWS::WAFv2::WebACLAssociation"),
    }
    assert every - nameless == set(limits.LONGEST) & every
    assert every <= nameless | set(limits.LONGEST)
