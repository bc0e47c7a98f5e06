"""The families that are documents only: what botocore's model says of them is what they do."""

from typing import Any

import pytest

from localaws.sagemaker.families.documents import SIMPLE_FAMILIES, SimpleFamily, changes
from tests.localaws.sagemaker.conftest import Bench, unique
from tests.localaws.sagemaker.resources import refusal

Document = dict[str, Any]


def snake(noun: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in noun).removeprefix("_")


def call(bench: Bench, verb: str, family: SimpleFamily, **request: Any) -> Document:
    answer: Document = getattr(bench.sagemaker, f"{verb}_{snake(family.noun)}")(**request)
    return answer


def request_for(bench: Bench, family: SimpleFamily) -> Document:
    """A Create request with the required members."""
    name = unique("Family")
    request: Document = {f"{family.noun}Name": name}
    if family.noun in ("Artifact", "Context", "Action"):
        request |= {"Source": {"SourceUri": f"s3://bucket/{name}"}, f"{family.noun}Type": "Test"}
    if family.noun == "Trial":
        request["ExperimentName"] = unique("experiment")
        bench.sagemaker.create_experiment(ExperimentName=request["ExperimentName"])
    return request


@pytest.mark.parametrize("family", SIMPLE_FAMILIES, ids=lambda family: family.noun)
def test_a_simple_family_from_create_to_delete(bench: Bench, family: SimpleFamily) -> None:
    request = request_for(bench, family)
    tags = [{"Key": "team", "Value": "blue"}]
    arn = call(bench, "create", family, **request, Tags=tags)[f"{family.noun}Arn"]
    assert f":{family.kind}/" in arn
    assert bench.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    key = {family.key: arn} if family.key else {f"{family.noun}Name": request[f"{family.noun}Name"]}
    described = call(bench, "describe", family, **key)
    assert {name: described[name] for name in request} == request
    assert {"CreationTime", "LastModifiedTime", "CreatedBy", "LastModifiedBy", f"{family.noun}Arn"} <= set(described)

    code, message = refusal(getattr(bench.sagemaker, f"create_{snake(family.noun)}"), **request)
    assert (code, "already exists" in message) == ("ValidationException", True)

    text = {
        "Artifact": "ArtifactName",
        "Project": "ProjectDescription",
        "Context": "Description",
        "Action": "Description",
    }
    member = text.get(family.noun, "DisplayName")
    call(bench, "update", family, **key, **{member: "changed"})
    updated = call(bench, "describe", family, **key)
    assert updated[member] == "changed"
    assert updated["LastModifiedTime"] >= described["LastModifiedTime"]

    listed = listed_by(bench, family, CreatedAfter=described["CreationTime"].timestamp() - 1)
    assert arn in [row[f"{family.noun}Arn"] for row in listed]
    assert arn not in [row[f"{family.noun}Arn"] for row in listed_by(bench, family, CreatedAfter=4_000_000_000)]

    call(bench, "delete", family, **key)
    code, _ = refusal(getattr(bench.sagemaker, f"describe_{snake(family.noun)}"), **key)
    assert code == ("ValidationException" if family.noun == "Project" else "ResourceNotFound")


def listed_by(bench: Bench, family: SimpleFamily, **filters: Any) -> list[Document]:
    if family.noun == "Project":
        filters = {"CreationTimeAfter": filters["CreatedAfter"]}
    operation = f"list_{snake(family.plural)}"
    pages = (
        bench.sagemaker.get_paginator(operation).paginate(**filters)
        if bench.sagemaker.can_paginate(operation)
        else [getattr(bench.sagemaker, operation)(MaxResults=100, **filters)]
    )
    return [row for page in pages for rows in page.values() if isinstance(rows, list) for row in rows]


def test_an_update_merges_maps_and_removes_keys() -> None:
    document = {"Parameters": {"a": 1, "b": 2}, "DisplayName": "old"}
    request = {
        "TrialComponentName": "c",
        "DisplayName": "new",
        "Parameters": {"b": 3, "c": 4},
        "ParametersToRemove": ["a"],
        "InputArtifactsToRemove": ["never there"],
    }
    assert changes("UpdateTrialComponent", document, request) == {
        "DisplayName": "new",
        "Parameters": {"b": 3, "c": 4},
        "InputArtifacts": {},
    }


def test_there_is_one_artifact_of_a_source(bench: Bench) -> None:
    source = {"SourceUri": f"s3://{unique('bucket')}/data"}
    arn = bench.sagemaker.create_artifact(Source=source, ArtifactType="DataSet")["ArtifactArn"]
    assert "already exists" in refusal(bench.sagemaker.create_artifact, Source=source, ArtifactType="Model")[1]
    found = bench.sagemaker.list_artifacts(SourceUri=source["SourceUri"], ArtifactType="DataSet")["ArtifactSummaries"]
    assert [row["ArtifactArn"] for row in found] == [arn]
    assert (
        bench.sagemaker.list_artifacts(SourceUri=source["SourceUri"], ArtifactType="Model")["ArtifactSummaries"] == []
    )
    assert bench.sagemaker.delete_artifact(Source=source)["ArtifactArn"] == arn
    assert refusal(bench.sagemaker.delete_artifact)[0] == "ValidationException"


def test_components_belong_to_trials_and_trials_to_experiments(bench: Bench) -> None:
    sagemaker = bench.sagemaker
    experiment, trial, component = unique("Exp"), unique("Trial"), unique("Component")
    assert refusal(sagemaker.create_trial, TrialName=trial, ExperimentName=experiment)[0] == "ResourceNotFound"
    sagemaker.create_experiment(ExperimentName=experiment)
    sagemaker.create_trial(TrialName=trial, ExperimentName=experiment)
    sagemaker.create_trial_component(
        TrialComponentName=component, Parameters={"rate": {"NumberValue": 0.1}}, Status={"PrimaryStatus": "Completed"}
    )
    assert sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"] == []
    sagemaker.associate_trial_component(TrialComponentName=component, TrialName=trial)
    sagemaker.associate_trial_component(TrialComponentName=component, TrialName=trial)
    for of in ({"TrialName": trial}, {"ExperimentName": experiment}):
        rows = sagemaker.list_trial_components(**of)["TrialComponentSummaries"]
        assert [row["TrialComponentName"] for row in rows] == [component]
        assert rows[0]["Status"] == {"PrimaryStatus": "Completed"}
    for of in ({"TrialComponentName": component}, {"ExperimentName": experiment}):
        assert [row["TrialName"] for row in sagemaker.list_trials(**of)["TrialSummaries"]] == [trial]
    other = unique("Exp")
    sagemaker.create_experiment(ExperimentName=other)
    assert sagemaker.list_trials(ExperimentName=other)["TrialSummaries"] == []
    assert sagemaker.list_trial_components(ExperimentName=other)["TrialComponentSummaries"] == []

    assert "still has trials" in refusal(sagemaker.delete_experiment, ExperimentName=experiment)[1]
    assert "still has trial components" in refusal(sagemaker.delete_trial, TrialName=trial)[1]
    assert "still has trials" in refusal(sagemaker.delete_trial_component, TrialComponentName=component)[1]
    sagemaker.disassociate_trial_component(TrialComponentName=component, TrialName=trial)
    sagemaker.delete_trial_component(TrialComponentName=component)
    sagemaker.delete_trial(TrialName=trial)
    sagemaker.delete_experiment(ExperimentName=experiment)


def test_associations(bench: Bench) -> None:
    sagemaker = bench.sagemaker
    data, model = (
        sagemaker.create_artifact(
            ArtifactName=kind, ArtifactType=kind, Source={"SourceUri": f"s3://{unique('bucket')}/{kind}"}
        )["ArtifactArn"]
        for kind in ("DataSet", "Model")
    )
    edge = {"SourceArn": data, "DestinationArn": model}
    assert sagemaker.add_association(**edge, AssociationType="DerivedFrom")["SourceArn"] == data
    code, message = refusal(sagemaker.add_association, **edge)
    assert (code, "already exists" in message) == ("ValidationException", True)
    for query in (
        {"SourceArn": data},
        {"DestinationArn": model},
        {"SourceArn": data, "DestinationType": "Model", "AssociationType": "DerivedFrom"},
        {"SourceArn": data, "SortBy": "DestinationType", "SortOrder": "Ascending"},
    ):
        (row,) = sagemaker.list_associations(**query)["AssociationSummaries"]
        assert (row["SourceName"], row["DestinationName"], row["AssociationType"]) == (
            "DataSet",
            "Model",
            "DerivedFrom",
        )
    assert sagemaker.list_associations(SourceArn=data, DestinationType="DataSet")["AssociationSummaries"] == []
    assert sagemaker.list_associations(SourceArn=model)["AssociationSummaries"] == []
    assert "still has associations" in refusal(sagemaker.delete_artifact, ArtifactArn=data)[1]
    assert refusal(sagemaker.add_association, SourceArn=f"{data}0", DestinationArn=model)[0] == "ResourceNotFound"
    sagemaker.delete_association(**edge)
    assert refusal(sagemaker.delete_association, **edge)[0] == "ResourceNotFound"
    sagemaker.delete_artifact(ArtifactArn=data)


def test_a_project_is_complete_at_once_and_not_provisioned_anew(bench: Bench) -> None:
    name = unique("project")
    template = {"TemplateName": "build", "TemplateURL": "https://bucket.s3.amazonaws.com/build.yaml"}
    created = bench.sagemaker.create_project(ProjectName=name, TemplateProviders=[{"CfnTemplateProvider": template}])
    assert created["ProjectId"].startswith("p-")
    described = bench.sagemaker.describe_project(ProjectName=name)
    assert described["ProjectStatus"] == "CreateCompleted"
    assert described["TemplateProviderDetails"] == [{"CfnTemplateProviderDetail": template}]
    rows = bench.sagemaker.list_projects(NameContains=name)["ProjectSummaryList"]
    assert [row["ProjectName"] for row in rows] == [name]
    details = {"ProvisioningArtifactId": "pa-1"}
    refused = refusal(bench.sagemaker.update_project, ProjectName=name, ServiceCatalogProvisioningUpdateDetails=details)
    assert refused[0] == "UnsupportedOperation"
