"""Search: all resources of one kind that match an expression, in any order, in pages; and GetSearchSuggestions.

The searched properties are those that botocore's SearchRecord shows of a resource, its tags (``Tags.team``), a training
job's final metrics (``Metrics.accuracy``), and a trial component's trials (``Parents``) and job (``SourceDetail``).
Suggestions are the names of those that vary: hyperparameters, tags and metrics.
"""

from dataclasses import dataclass
from typing import Any

from localaws.document import Document
from localaws.protocol.shapes import members_of
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.hosting.host import Host
from localaws.sagemaker.lineage.experiments import parents_of
from localaws.sagemaker.lineage.graph import MEMBERSHIP
from localaws.sagemaker.parts import Handler, Parts
from localaws.sagemaker.search_expression import check, matches, values
from localaws.sagemaker.service_model import search_record
from localaws.storage.store import Query, Resource, decode_token, encode_token

_PAGE = 10
_JOBS = {"training-job": "TrainingJob", "processing-job": "ProcessingJob", "transform-job": "TransformJob"}


@dataclass(frozen=True)
class _Searchable:
    kind: str
    member: str


SEARCHABLE = {
    "TrainingJob": _Searchable("training-job", "TrainingJob"),
    "HyperParameterTuningJob": _Searchable("hyper-parameter-tuning-job", "HyperParameterTuningJob"),
    "Experiment": _Searchable("experiment", "Experiment"),
    "ExperimentTrial": _Searchable("experiment-trial", "Trial"),
    "ExperimentTrialComponent": _Searchable("experiment-trial-component", "TrialComponent"),
    "ModelPackage": _Searchable("model-package", "ModelPackage"),
    "ModelPackageGroup": _Searchable("model-package-group", "ModelPackageGroup"),
    "Endpoint": _Searchable("endpoint", "Endpoint"),
    "Pipeline": _Searchable("pipeline", "Pipeline"),
    "PipelineVersion": _Searchable("pipeline-version", "PipelineVersion"),
    "PipelineExecution": _Searchable("pipeline-execution", "PipelineExecution"),
    "Project": _Searchable("project", "Project"),
}
"""The kinds of resources that can be searched, by the request's ``Resource``, and where a result holds them."""


def handlers(host: Host) -> dict[str, Handler]:
    """Return the operations of this module by name."""

    def search(parts: Parts, request: Document) -> Document:
        return _search(parts, host, request)

    return {"Search": search, "GetSearchSuggestions": suggest}


def _search(parts: Parts, host: Host, request: Document) -> Document:
    """Return one page of the resources that match an expression."""
    searchable = SEARCHABLE[request["Resource"]]
    shape = search_record(searchable.member)
    expression = request.get("SearchExpression") or {}
    sort_by = request.get("SortBy") or "LastModifiedTime"
    properties = frozenset((*shape.members, "Metrics", "Tags"))
    check(expression, properties)
    check({"Filters": [{"Name": sort_by, "Operator": "Exists"}]}, properties | {"LastModifiedTime"})
    tags = parts.store.tags_of_kind(searchable.kind)
    found = []
    for resource in parts.store.every(searchable.kind):
        document = _document(parts, host, resource)
        if matches(expression, document | _facets(document, tags.get(resource.arn, {}))):
            found.append((_sort_key(document, resource, sort_by), resource, document))
    descending = request.get("SortOrder", "Descending") == "Descending"
    rows, token = _page(found, descending, request.get("MaxResults") or _PAGE, request.get("NextToken"))
    results = []
    for _, resource, document in rows:
        own = [{"Key": key, "Value": value} for key, value in tags.get(resource.arn, {}).items()]
        results.append({searchable.member: members_of(shape, document | {"Tags": own or None})})
    return {"Results": results, "NextToken": token, "TotalHits": {"Value": len(found), "Relation": "EqualTo"}}


def suggest(parts: Parts, request: Document) -> Document:
    """Return the names of hyperparameters, tags and metrics that begin with a hint, in alphabetical order."""
    kind = SEARCHABLE[request["Resource"]].kind
    hint = ((request.get("SuggestionQuery") or {}).get("PropertyNameQuery") or {}).get("PropertyNameHint", "")
    tags, names = parts.store.tags_of_kind(kind), set()
    for resource in parts.store.every(kind):
        facets = _facets(resource.document, tags.get(resource.arn, {}))
        facets["HyperParameters"] = resource.document.get("HyperParameters") or {}
        names |= {f"{facet}.{name}" for facet, values_by_name in facets.items() for name in values_by_name}
    found = sorted(name for name in names if name.startswith(hint))
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in found]}


def _document(parts: Parts, host: Host, resource: Resource) -> Document:
    """Return a resource as it is stored, with the properties that Search adds."""
    document = resource.document
    if resource.kind == "endpoint":
        return document | host.summaries(resource)
    if resource.kind == "pipeline-version":
        return document | _of_version(parts, resource)
    if resource.kind == "experiment-trial-component":
        return document | _of_component(parts, resource)
    if resource.kind == "experiment-trial":
        return document | {"TrialComponentSummaries": _components(parts, resource)}
    if resource.kind == "pipeline-execution":
        given = resource.internal.get("parameters", {}).items()
        return document | {"PipelineParameters": [{"Name": name, "Value": str(value)} for name, value in given]}
    return document


def _of_component(parts: Parts, component: Resource) -> Document:
    arn = component.document.get("Source", {}).get("SourceArn", "")
    job = parts.store.by_arn(arn) if arn else None
    detail = {"SourceArn": arn, _JOBS[job.kind]: job.document} if job and job.kind in _JOBS else None
    return {"Parents": parents_of(parts, component.arn), "SourceDetail": detail}


def _of_version(parts: Parts, version: Resource) -> Document:
    """Return when a version of a pipeline was changed, and its last execution."""
    execution = parts.store.by_arn(version.document.get("LastExecutionPipelineExecutionArn", ""))
    last = {} if execution is None else execution.document
    return {"LastModifiedTime": version.modified} | {
        f"LastExecuted{name}": last[name]
        for name in ("PipelineExecutionArn", "PipelineExecutionDisplayName", "PipelineExecutionStatus")
        if name in last
    }


def _components(parts: Parts, trial: Resource) -> list[Document]:
    members, _ = parts.store.page(Query(MEMBERSHIP, {"source = ?": trial.arn}, descending=False, limit=1000))
    components = [parts.store.by_arn(member.destination) for member in members]
    names = ("TrialComponentName", "TrialComponentArn", "CreationTime", "CreatedBy")
    return [
        {name: component.document[name] for name in names} | {"TrialComponentSource": component.document.get("Source")}
        for component in components
        if component is not None
    ]


def _facets(document: Document, tags: dict[str, str]) -> Document:
    """Return the lists that a filter addresses by key."""
    metrics = document.get("FinalMetricDataList") or []
    summaries = document.get("Metrics") or []
    by_name = {metric["MetricName"]: metric["Value"] for metric in metrics}
    return {"Tags": tags, "Metrics": by_name | {summary["MetricName"]: summary for summary in summaries}}


def _sort_key(document: Document, resource: Resource, sort_by: str) -> list[Any]:
    """Return the sort key: missing values first, then numbers, then strings; equal ones by the resource's number."""
    if sort_by in ("LastModifiedTime", "CreationTime"):
        value: Any = resource.modified if sort_by == "LastModifiedTime" else resource.created
    else:
        value = next(values(document | _facets(document, {}), sort_by), None)
    if value is None or isinstance(value, dict):
        return [0, 0, resource.number]
    return [2, value, resource.number] if isinstance(value, str) else [1, value, resource.number]


def _page(
    found: list[tuple[list[Any], Resource, Document]], descending: bool, limit: int, token: str | None
) -> tuple[list[tuple[list[Any], Resource, Document]], str | None]:
    ordered = sorted(found, key=lambda row: row[0], reverse=descending)
    if token:
        value, number = decode_token(token)
        if not isinstance(value, list):
            raise ValidationError(f"Invalid NextToken '{token[:80]}': it belongs to another operation")
        last = [*value, number]
        ordered = [row for row in ordered if (row[0] < last if descending else row[0] > last)]
    rows = ordered[:limit]
    more = len(ordered) > limit
    return rows, encode_token(rows[-1][0][:2], rows[-1][0][2]) if more else None
