"""Search: what expressions match, and the pages of what is stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.search_expression import check, matches
from tests.localaws.sagemaker.conftest import ROLE, Bench, unique
from tests.localaws.sagemaker.definitions import definition, fail
from tests.localaws.sagemaker.resources import make_package, refusal

Document = dict[str, Any]

DOCUMENT: Document = {
    "TrainingJobName": "job-one",
    "TrainingJobStatus": "Completed",
    "EnableNetworkIsolation": False,
    "CreationTime": 1_700_000_000.5,
    "ResourceConfig": {"InstanceCount": 2},
    "HyperParameters": {"learning.rate": "0.10", "optimizer": "sgd", "missing": "nan"},
    "Metrics": {"accuracy": 0.91},
    "Tags": {"team.name": "blue", "cost": "007"},
    "Parameters": {"depth": {"NumberValue": 7.0}},
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/train"}}},
        {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/test"}}},
    ],
}


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("TrainingJobName", "Equals", "job-one", True),
        ("TrainingJobName", "Equals", "job", False),
        ("TrainingJobName", "Contains", "b-on", True),
        ("TrainingJobName", "NotEquals", "job-one", False),
        ("TrainingJobName", "In", "other, job-one", True),
        ("TrainingJobName", "In", "other", False),
        ("FailureReason", "NotEquals", "x", True),
        ("FailureReason", "Equals", "x", False),
        ("FailureReason", "NotExists", None, True),
        ("TrainingJobName", "Exists", None, True),
        ("EnableNetworkIsolation", "Equals", "false", True),
        ("EnableNetworkIsolation", "Equals", "true", False),
        ("ResourceConfig.InstanceCount", "GreaterThan", "1", True),
        ("ResourceConfig.InstanceCount", "GreaterThan", "2", False),
        ("ResourceConfig.InstanceCount", "GreaterThanOrEqualTo", "2", True),
        ("HyperParameters.learning.rate", "Equals", "0.1", True),
        ("HyperParameters.learning.rate", "LessThan", "0.2", True),
        ("HyperParameters.optimizer", "LessThan", "0.2", False),
        ("HyperParameters.optimizer", "Equals", "sgd", True),
        ("Metrics.accuracy", "GreaterThan", "0.9", True),
        ("Metrics.accuracy", "LessThanOrEqualTo", "0.9", False),
        ("Tags.team.name", "Equals", "blue", True),
        ("Tags.cost", "Equals", "007", True),
        ("Tags.cost", "Equals", "7", False),
        ("Tags.cost", "GreaterThan", "6", False),
        ("HyperParameters.missing", "Equals", "nan", True),
        ("Parameters.depth", "Equals", "7", True),
        ("CreationTime", "LessThan", "2023-11-14T22:13:21Z", True),
        ("CreationTime", "GreaterThan", "2023-11-14T22:13:21", False),
        ("InputDataConfig.ChannelName", "Equals", "test", True),
    ],
)
def test_operators(name: str, operator: str, value: str | None, expected: bool) -> None:
    one = {"Name": name, "Operator": operator} | ({} if value is None else {"Value": value})
    expression = {"Filters": [one]}
    check(expression, frozenset(DOCUMENT) | {"FailureReason"})
    assert matches(expression, DOCUMENT) is expected


def equals(name: str, value: str) -> Document:
    return {"Name": name, "Operator": "Equals", "Value": value}


def test_and_or_and_sub_expressions() -> None:
    right, wrong = equals("TrainingJobName", "job-one"), equals("TrainingJobName", "other")
    assert matches({}, DOCUMENT)
    assert not matches({"Filters": [right, wrong]}, DOCUMENT)
    assert matches({"Filters": [right, wrong], "Operator": "Or"}, DOCUMENT)
    inner = {"Filters": [wrong, right], "Operator": "Or"}
    assert matches({"Filters": [right], "SubExpressions": [inner]}, DOCUMENT)
    assert not matches({"Filters": [wrong], "SubExpressions": [inner]}, DOCUMENT)


def test_nested_filters_hold_for_one_item_together() -> None:
    def nested(channel: str, uri: str) -> Document:
        filters = [
            equals("InputDataConfig.ChannelName", channel),
            {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": uri},
        ]
        return {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}

    assert matches(nested("train", "b/train"), DOCUMENT)
    assert not matches(nested("train", "b/test"), DOCUMENT)


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        ({"Name": "Colour", "Operator": "Exists"}, "Unknown property name: Colour"),
        ({"Name": "Tags.a", "Operator": "Exists", "Value": "x"}, "takes no Value"),
        ({"Name": "Tags.a"}, "needs a Value"),
        ({"Name": "CreationTime", "Operator": "LessThan", "Value": "yesterday"}, "'yesterday' of CreationTime is no"),
    ],
)
def test_what_is_refused(one: Document, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        check({"SubExpressions": [{"Filters": [one]}]}, frozenset(("Tags", "CreationTime")))


def search(bench: Bench, resource: str, *filters: Document, **members: Any) -> list[Document]:
    expression = {"Filters": list(filters)}
    pages = bench.sagemaker.get_paginator("search").paginate(
        Resource=resource, SearchExpression=expression, PaginationConfig={"PageSize": 2}, **members
    )
    return [row for page in pages for row in page["Results"]]


def test_packages_by_tag_order_and_page(bench: Bench) -> None:
    group, tag = unique("group"), unique("tag")
    arn = bench.sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=[{"Key": "mark", "Value": tag}])[
        "ModelPackageGroupArn"
    ]
    (row,) = search(bench, "ModelPackageGroup", equals("Tags.mark", tag))
    assert row["ModelPackageGroup"]["ModelPackageGroupArn"] == arn
    assert row["ModelPackageGroup"]["Tags"] == [{"Key": "mark", "Value": tag}]
    arns = [make_package(bench, group) for _ in range(5)]
    bench.sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")
    own = equals("ModelPackageGroupName", group)

    def found(*filters: Document, **members: Any) -> list[str]:
        rows = search(bench, "ModelPackage", own, *filters, **members)
        return [row["ModelPackage"]["ModelPackageArn"] for row in rows]

    assert found() == [arns[1], arns[4], arns[3], arns[2], arns[0]]  # the last modified first
    assert found(SortBy="CreationTime", SortOrder="Ascending") == arns
    assert found(SortBy="ModelPackageVersion", SortOrder="Descending") == arns[::-1]
    assert found(equals("ModelApprovalStatus", "Approved")) == [arns[1]]
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found({"Name": "CreationTime", "Operator": "GreaterThan", "Value": later}) == []
    first = bench.sagemaker.search(Resource="ModelPackage", SearchExpression={"Filters": [own]}, MaxResults=2)
    assert first["TotalHits"] == {"Value": 5, "Relation": "EqualTo"}


def test_a_component_is_found_by_its_trial_and_shows_its_parents(bench: Bench) -> None:
    experiment, trial, component = unique("exp"), unique("trial"), unique("component")
    bench.sagemaker.create_experiment(ExperimentName=experiment)
    bench.sagemaker.create_trial(TrialName=trial, ExperimentName=experiment)
    bench.sagemaker.create_trial_component(TrialComponentName=component, Parameters={"rate": {"NumberValue": 0.5}})
    bench.sagemaker.associate_trial_component(TrialComponentName=component, TrialName=trial)
    filters = (
        equals("Parents.ExperimentName", experiment),
        {"Name": "Parameters.rate", "Operator": "GreaterThan", "Value": "0.4"},
    )
    (row,) = search(bench, "ExperimentTrialComponent", *filters)
    assert row["TrialComponent"]["Parents"] == [{"TrialName": trial, "ExperimentName": experiment}]
    (row,) = search(bench, "ExperimentTrial", equals("ExperimentName", experiment))
    assert [one["TrialComponentName"] for one in row["Trial"]["TrialComponentSummaries"]] == [component]


def test_versions_of_pipelines_show_their_last_execution(bench: Bench) -> None:
    name = unique("pipeline")
    arn = bench.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=definition(fail("No", "no")), RoleArn=ROLE
    )["PipelineArn"]
    bench.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition(fail("Never", "no")))
    execution = bench.start(name)
    bench.wait_for_execution(execution)
    rows = search(bench, "PipelineVersion", equals("PipelineArn", arn))
    last, first = [row["PipelineVersion"] for row in rows]
    assert (last["PipelineVersionId"], first["PipelineVersionId"]) == (2, 1)
    assert last["LastExecutedPipelineExecutionArn"] == execution
    assert last["LastExecutedPipelineExecutionStatus"] == "Failed"
    assert "LastExecutedPipelineExecutionArn" not in first


def test_names_of_tags_metrics_and_hyperparameters_are_suggested(bench: Bench) -> None:
    tag, rate = unique("team"), unique("rate")
    request = bench.training("print('score=1;')", HyperParameters={rate: "1"}, Tags=[{"Key": tag, "Value": "blue"}])
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "score", "Regex": "score=(.+);"}]
    bench.run_training(request)

    def suggested(resource: str, hint: str) -> list[str]:
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        answer = bench.sagemaker.get_search_suggestions(Resource=resource, SuggestionQuery=query)
        return [one["PropertyName"] for one in answer["PropertyNameSuggestions"]]

    assert suggested("TrainingJob", f"Tags.{tag[:-1]}") == [f"Tags.{tag}"]
    assert suggested("TrainingJob", f"HyperParameters.{rate}") == [f"HyperParameters.{rate}"]
    assert "Metrics.score" in suggested("TrainingJob", "Metrics.")
    assert suggested("Pipeline", f"Tags.{tag}") == []
    code, message = refusal(bench.sagemaker.get_search_suggestions, Resource="FeatureGroup")
    assert (code, "FeatureGroup" in message) == ("UnsupportedOperation", True)


def test_what_is_not_kept_here_is_not_searched(bench: Bench) -> None:
    assert refusal(bench.sagemaker.search, Resource="FeatureGroup")[0] == "UnsupportedOperation"
    assert refusal(bench.sagemaker.search, Resource="Pipeline", NextToken="x")[0] == "ValidationException"
