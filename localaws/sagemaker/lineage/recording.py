"""The lineage that SageMaker records automatically, for every job that ends and for every model package.

As in "Amazon SageMaker AI-Created Tracking Entities" of the SageMaker guide::

    dataset, image --ContributedTo--> trial component of the job --Produced--> model, dataset
    model, image   --ContributedTo--> model package   --AssociatedWith--> context of the group
    approval       --ContributedTo--> model package

Artifacts are identified by their URI: what one job produced and another reads is one artifact, so that the edges lead
from a package to the data. A job never fails because of its lineage; failures to record it are logged by the server.
"""

import logging
import math
import time
from collections.abc import Iterable
from typing import Any

from localaws.document import Document
from localaws.sagemaker.lineage.graph import Graph, parameter
from localaws.storage.store import Query, Resource

logger = logging.getLogger(__name__)

Artifacts = list[tuple[str, str, str]]
"""Name, URI and type of each artifact."""

_NAME_CHARACTERS = 120


def record_job(graph: Graph, job: Resource, noun: str) -> None:
    """Record a job that has ended: its trial component, its inputs and its outputs.

    Parameters
    ----------
    graph : Graph
    job : Resource
    noun : str
        ``Processing``, ``Training`` or ``Transform``: other jobs have no trial component.
    """
    if noun not in _INPUTS:
        return
    try:
        with graph.store.transaction():
            _record_job(graph, job, noun)
    except Exception:
        logger.exception("The lineage of %s could not be recorded", job.arn)


def record_package(graph: Graph, package: Resource) -> None:
    """Record a model package that was registered, approved or rejected."""
    try:
        with graph.store.transaction():
            _record_package(graph, package)
    except Exception:
        logger.exception("The lineage of %s could not be recorded", package.arn)


def _record_job(graph: Graph, job: Resource, noun: str) -> None:
    document = job.document
    inputs = _INPUTS[noun](document)
    outputs = _OUTPUTS[noun](document) if job.status == "Completed" else []
    experiment, reason = document.get("ExperimentConfig") or {}, document.get("FailureReason")
    name = f"{job.name}-aws-{noun.lower()}-job"
    component = graph.entity(
        "experiment-trial-component",
        name,
        {
            "TrialComponentName": name,
            "DisplayName": experiment.get("TrialComponentDisplayName") or name,
            "RunName": experiment.get("RunName"),
            "Source": {"SourceArn": job.arn, "SourceType": f"SageMaker{noun}Job"},
            "Status": {"PrimaryStatus": job.status} | ({"Message": reason} if reason else {}),
            "StartTime": document.get(f"{noun}StartTime"),
            "EndTime": document.get(f"{noun}EndTime"),
            "Parameters": {key: parameter(value) for key, value in _parameters(document, noun)},
            "InputArtifacts": {key: {"Value": uri} for key, uri, _ in inputs},
            "OutputArtifacts": {key: {"Value": uri} for key, uri, _ in outputs},
            "Metrics": _metrics(job),
        },
    )
    for _, uri, kind in inputs:
        graph.associate(graph.artifact(uri, kind), component, "ContributedTo")
    for _, uri, kind in outputs:
        graph.associate(component, graph.artifact(uri, kind), "Produced")
    if trial := experiment.get("TrialName"):
        graph.join(graph.aws.arn("experiment-trial", trial), component.arn)


def _parameters(document: Document, noun: str) -> Iterable[tuple[str, Any]]:
    resources = {
        "Processing": document.get("ProcessingResources", {}).get("ClusterConfig"),
        "Training": document.get("ResourceConfig"),
        "Transform": document.get("TransformResources"),
    }[noun]
    for name in ("InstanceCount", "InstanceType", "VolumeSizeInGB"):
        if resources and name in resources:
            yield f"SageMaker.{name}", resources[name]
    if "ModelName" in document:
        yield "SageMaker.ModelName", document["ModelName"]
    yield from (document.get("HyperParameters") or {}).items()


def _metrics(job: Resource) -> list[Document]:
    """Return a job's metrics, of which it only keeps the last value."""
    return [
        {
            "MetricName": metric["MetricName"],
            "SourceArn": job.arn,
            "TimeStamp": metric["Timestamp"],
            "Last": metric["Value"],
        }
        for metric in job.document.get("FinalMetricDataList") or []
        if math.isfinite(metric["Value"])
    ]


def _training_inputs(job: Document) -> Artifacts:
    found = [("SageMaker.ImageUri", job["AlgorithmSpecification"]["TrainingImage"], "Image")]
    for channel in job.get("InputDataConfig") or []:
        if uri := channel["DataSource"].get("S3DataSource", {}).get("S3Uri"):
            found.append((channel["ChannelName"], uri, "DataSet"))
    return found


def _training_outputs(job: Document) -> Artifacts:
    uri = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    return [("SageMaker.ModelArtifact", uri, "Model")] if uri else []


def _processing_inputs(job: Document) -> Artifacts:
    found = [("SageMaker.ImageUri", job["AppSpecification"]["ImageUri"], "Image")]
    for item in job.get("ProcessingInputs") or []:
        if uri := item.get("S3Input", {}).get("S3Uri"):
            found.append((item["InputName"], uri, "DataSet"))
    return found


def _processing_outputs(job: Document) -> Artifacts:
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs") or []
    return [(item["OutputName"], item["S3Output"]["S3Uri"], "DataSet") for item in outputs if "S3Output" in item]


def _transform_inputs(job: Document) -> Artifacts:
    return [("SageMaker.TransformInput", job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"], "DataSet")]


def _transform_outputs(job: Document) -> Artifacts:
    return [("SageMaker.TransformOutput", job["TransformOutput"]["S3OutputPath"], "DataSet")]


_INPUTS = {"Processing": _processing_inputs, "Training": _training_inputs, "Transform": _transform_inputs}
_OUTPUTS = {"Processing": _processing_outputs, "Training": _training_outputs, "Transform": _transform_outputs}


def _record_package(graph: Graph, package: Resource) -> None:
    name = package.name.replace("/", "-")
    artifact = graph.artifact(package.arn, "ModelPackage", name)
    for container in package.document.get("InferenceSpecification", {}).get("Containers", []):
        for member, kind in (("ModelDataUrl", "Model"), ("Image", "Image")):
            if uri := container.get(member):
                graph.associate(graph.artifact(uri, kind), artifact, "ContributedTo")
    if package.parent:
        group = f"{package.document['ModelPackageGroupName']}-aws-model-package-group"
        source = {"SourceUri": package.parent, "SourceType": "ARN"}
        context = {"ContextName": group, "ContextType": "ModelGroup", "Source": source}
        graph.associate(artifact, graph.entity("context", group, context), "AssociatedWith")
    if package.approval:
        _record_approval(graph, package, artifact, name)


def _record_approval(graph: Graph, package: Resource, artifact: Resource, name: str) -> None:
    """Record one action for each change of the approval."""
    last, _ = graph.store.page(Query("action", {"source = ?": package.arn}, limit=1))
    if last and last[0].document["Properties"]["ModelApprovalStatus"] == package.approval:
        return
    suffix = f"-{package.approval}-{int(1000 * time.time())}-aws-model-package"
    action = f"{name[: _NAME_CHARACTERS - len(suffix)].rstrip('-')}{suffix}"
    document = {
        "ActionName": action,
        "ActionType": "Approval",
        "Source": {"SourceUri": package.arn, "SourceType": "ARN"},
        "Status": "Completed",
        "Description": package.document.get("ApprovalDescription"),
        "Properties": {"ModelApprovalStatus": package.approval},
    }
    graph.associate(graph.entity("action", action, document), artifact, "ContributedTo")
