"""The lineage that is recorded by itself, as a client walks along it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from localaws.sagemaker.aws import SageMakerAws
from localaws.sagemaker.lineage.graph import IN_COLUMNS_OF_THEIR_OWN, Graph
from localaws.sagemaker.lineage.recording import record_job
from localaws.storage.store import Query, Resource, Store
from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import (
    IMAGE,
    Bench,
    channel,
    processing_input,
    processing_output,
    unique,
)
from tests.localaws.sagemaker.resources import refusal

Document = dict[str, Any]

TRAIN = "import pathlib; pathlib.Path('/opt/ml/model/weights').write_text('1'); print('accuracy=0.75')"
PREPARE = "import pathlib; pathlib.Path('/opt/ml/processing/output/x.csv').write_text('1')"


def edges(bench: Bench, **query: Any) -> list[Document]:
    pages = bench.sagemaker.get_paginator("list_associations").paginate(**query)
    return [row for page in pages for row in page["AssociationSummaries"]]


def artifact_of(bench: Bench, uri: str) -> Document:
    (row,) = bench.sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
    found: Document = row
    return found


def component_of(bench: Bench, job_arn: str) -> Document:
    (row,) = bench.sagemaker.list_trial_components(SourceArn=job_arn)["TrialComponentSummaries"]
    found: Document = bench.sagemaker.describe_trial_component(TrialComponentName=row["TrialComponentName"])
    return found


def test_the_edges_lead_from_a_package_to_the_raw_data(bench: Bench) -> None:
    raw, prepared = bench.put("raw/data.csv", "1"), f"s3://{bench.bucket}/prepared"
    processing = bench.run_processing(
        bench.processing(
            PREPARE,
            ProcessingInputs=[processing_input("raw", raw, "/opt/ml/processing/input/raw")],
            ProcessingOutputConfig={"Outputs": [processing_output("prepared", prepared, "/opt/ml/processing/output")]},
        )
    )
    training = bench.run_training(
        bench.training(
            TRAIN,
            InputDataConfig=[channel("train", prepared)],
            HyperParameters={"rate": "0.5", "optimizer": "sgd"},
            AlgorithmSpecification={"MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}]},
        )
    )
    model = training["ModelArtifacts"]["S3ModelArtifacts"]
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    package = bench.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": model}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]

    component = component_of(bench, training["TrainingJobArn"])
    assert component["TrialComponentName"] == f"{training['TrainingJobName']}-aws-training-job"
    assert component["Source"]["SourceType"] == "SageMakerTrainingJob"
    assert component["Status"]["PrimaryStatus"] == "Completed"
    assert component["Parameters"]["rate"] == {"NumberValue": 0.5}
    assert component["Parameters"]["optimizer"] == {"StringValue": "sgd"}
    assert component["InputArtifacts"]["train"] == {"Value": prepared}
    assert component["OutputArtifacts"]["SageMaker.ModelArtifact"] == {"Value": model}
    assert [(one["MetricName"], one["Last"]) for one in component["Metrics"]] == [("accuracy", 0.75)]

    arn_of = {uri: artifact_of(bench, uri)["ArtifactArn"] for uri in (raw, prepared, model)}
    (made,) = edges(bench, DestinationArn=arn_of[model])
    assert (made["SourceArn"], made["AssociationType"]) == (component["TrialComponentArn"], "Produced")
    read = edges(bench, DestinationArn=component["TrialComponentArn"], AssociationType="ContributedTo")
    assert {row["SourceType"] for row in read} == {"DataSet", "Image"}
    assert arn_of[prepared] in [row["SourceArn"] for row in read]
    preparation = component_of(bench, processing["ProcessingJobArn"])["TrialComponentArn"]
    assert [row["SourceArn"] for row in edges(bench, DestinationArn=arn_of[prepared])] == [preparation]

    packaged = artifact_of(bench, package)["ArtifactArn"]
    assert {row["SourceType"] for row in edges(bench, DestinationArn=packaged)} == {"Model", "Image", "Approval"}
    (membership,) = edges(bench, SourceArn=packaged)
    assert (membership["DestinationType"], membership["AssociationType"]) == ("ModelGroup", "AssociatedWith")

    ascendants = bench.sagemaker.query_lineage(StartArns=[packaged], Direction="Ascendants")
    types = {vertex["Arn"]: vertex["Type"] for vertex in ascendants["Vertices"]}
    assert types[arn_of[raw]] == "DataSet"
    assert types[component["TrialComponentArn"]] == "TrainingJob"
    assert types[preparation] == "ProcessingJob"
    assert {"SourceArn": arn_of[model], "DestinationArn": packaged, "AssociationType": "ContributedTo"} in (
        ascendants["Edges"]
    )
    near = bench.sagemaker.query_lineage(
        StartArns=[packaged], Direction="Ascendants", MaxDepth=1, Filters={"Types": ["Model"]}, IncludeEdges=False
    )
    assert [vertex["Arn"] for vertex in near["Vertices"]] == [arn_of[model]]
    assert near["Edges"] == []
    descendants = bench.sagemaker.query_lineage(StartArns=[arn_of[raw]], Direction="Descendants")["Vertices"]
    assert packaged in [vertex["Arn"] for vertex in descendants]
    first = bench.sagemaker.query_lineage(StartArns=[packaged], Direction="Ascendants", MaxResults=1)
    second = bench.sagemaker.query_lineage(
        StartArns=[packaged], Direction="Ascendants", MaxResults=1, NextToken=first["NextToken"]
    )
    assert [*first["Vertices"], *second["Vertices"]] == ascendants["Vertices"][:2]

    bench.sagemaker.delete_trial_component(TrialComponentName=component["TrialComponentName"])  # its edges go with it
    assert edges(bench, DestinationArn=arn_of[model]) == []


def test_each_change_of_the_approval_is_an_action(bench: Bench) -> None:
    name = {"ModelPackageGroupName": unique("group")}
    bench.sagemaker.create_model_package_group(**name)
    package = bench.sagemaker.create_model_package(
        **name,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    for change in ({"ModelApprovalStatus": "Approved"}, {"ApprovalDescription": "good"}, {"SourceUri": "s3://b/k"}):
        bench.sagemaker.update_model_package(ModelPackageArn=package, **change)
    actions = bench.sagemaker.list_actions(SourceUri=package, SortOrder="Ascending")["ActionSummaries"]
    statuses = [
        bench.sagemaker.describe_action(ActionName=row["ActionName"])["Properties"]["ModelApprovalStatus"]
        for row in actions
    ]
    assert statuses == ["PendingManualApproval", "Approved"]


def test_a_job_of_an_experiment_joins_its_trial_even_when_it_fails(bench: Bench) -> None:
    experiment, trial = unique("experiment"), unique("trial")
    config = {
        "ExperimentName": experiment,
        "TrialName": trial,
        "TrialComponentDisplayName": "first-try",
        "RunName": "one",
    }
    request = bench.processing("raise SystemExit('no')", ExperimentConfig=config)
    assert refusal(bench.sagemaker.create_processing_job, **request)[0] == "ResourceNotFound"
    bench.sagemaker.create_experiment(ExperimentName=experiment)
    bench.sagemaker.create_trial(TrialName=trial, ExperimentName=experiment)
    bench.run_processing(request)
    (row,) = bench.sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"]
    assert (row["DisplayName"], row["Status"]["PrimaryStatus"]) == ("first-try", "Failed")
    component = bench.sagemaker.describe_trial_component(TrialComponentName=row["TrialComponentName"])
    assert component.get("OutputArtifacts", {}) == {}
    by_name = {"Name": "TrialComponentName", "Operator": "Equals", "Value": row["TrialComponentName"]}
    (found,) = bench.sagemaker.search(Resource="ExperimentTrialComponent", SearchExpression={"Filters": [by_name]})[
        "Results"
    ]
    assert found["TrialComponent"]["RunName"] == "one"
    assert found["TrialComponent"]["Parents"] == [{"ExperimentName": experiment, "TrialName": trial}]
    assert found["TrialComponent"]["SourceDetail"]["ProcessingJob"]["ProcessingJobStatus"] == "Failed"


def training_job(name: str) -> Resource:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"
    document = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "InputDataConfig": [channel(f"channel-{number}", f"s3://bucket/{name}/{number}") for number in range(5)],
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://bucket/{name}/model.tar.gz"},
    }
    return Resource("training-job", name, arn, document, status="Completed")


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return Graph(Store(tmp_path / "store.sqlite"), SageMakerAws(None, "us-east-1", "000000000000"))


def test_a_job_with_five_channels_has_seven_associations(graph: Graph) -> None:
    for number in range(50):
        record_job(graph, training_job(f"job-{number}"), "Training")
    assert len(graph.store.page(Query("association", limit=1000))[0]) == 50 * 7


def test_a_transform_reads_and_makes_data(graph: Graph) -> None:
    document = {
        "ModelName": "model",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    record_job(graph, Resource("transform-job", "t", "arn:t", document, status="Completed"), "Transform")
    (component,) = graph.store.every("experiment-trial-component")
    assert component.document["Parameters"]["SageMaker.ModelName"] == {"StringValue": "model"}
    (read,) = graph.store.every("association", destination=component.arn)
    (made,) = graph.store.every("association", source=component.arn)
    assert read.source == graph.artifact("s3://bucket/in", "DataSet").arn
    assert made.destination == graph.artifact("s3://bucket/out", "DataSet").arn


def test_a_job_does_not_fail_because_of_its_lineage(graph: Graph, caplog: pytest.LogCaptureFixture) -> None:
    odd = Resource("training-job", "odd", "arn:odd", {"AlgorithmSpecification": None}, status="Completed")
    record_job(graph, odd, "Training")
    assert "The lineage of arn:odd could not be recorded" in caplog.text
    assert graph.store.every("experiment-trial-component") == []


def test_the_sdk_shows_the_table_of_a_job(local_aws: LocalAws, bench: Bench) -> None:
    job = bench.run_training(bench.training(TRAIN))
    script = (
        "from sagemaker.core.helper.session_helper import Session\n"
        "from sagemaker.core.lineage.visualizer import LineageTableVisualizer\n"
        f"session = Session(default_bucket={bench.bucket!r})\n"
        f"table = LineageTableVisualizer(session).show(training_job_name={job['TrainingJobName']!r})\n"
        "print(table.to_json(orient='records'))\n"
    )
    shown = local_aws.run([sys.executable, "-c", script])
    assert shown.returncode == 0, shown.stderr
    rows = {row["Type"]: (row["Direction"], row["Association Type"]) for row in json.loads(shown.stdout)}
    assert rows == {
        "DataSet": ("Input", "ContributedTo"),
        "Image": ("Input", "ContributedTo"),
        "Model": ("Output", "Produced"),
    }


def test_edges_of_an_earlier_version_are_found(tmp_path: Path) -> None:
    """Files of 0.1.0's first state kept an edge's ends in the columns `parent` and `name`."""
    store = Store(tmp_path / "store.sqlite")
    store.add(Resource("association", "arn:to", "arn:from arn:to", {}, parent="arn:from", status="Produced"))
    store.add(Resource("artifact", "a", "arn:a", {}, parent="s3://bucket/in", status="DataSet"))
    store.define(IN_COLUMNS_OF_THEIR_OWN)
    store.define(IN_COLUMNS_OF_THEIR_OWN)  # at each start
    (edge,) = store.every("association", source="arn:from", destination="arn:to", type="Produced")
    (artifact,) = store.every("artifact", source="s3://bucket/in", type="DataSet")
    assert (edge.parent, edge.status, artifact.parent, artifact.name) == ("", "", "", "a")
