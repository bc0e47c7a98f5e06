"""Which trial components belong to which trials, and the lists that are filtered by that."""

from localaws.document import Document
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.lineage.graph import MEMBERSHIP, Graph, membership_key
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Query, Resource

EXPERIMENT, TRIAL, COMPONENT = "experiment", "experiment-trial", "experiment-trial-component"

_OF_TRIAL = "arn IN (SELECT destination FROM resource WHERE kind = 'trial-membership' AND source = ?)"
_OF_COMPONENT = "arn IN (SELECT source FROM resource WHERE kind = 'trial-membership' AND destination = ?)"
_OF_EXPERIMENT = (
    "arn IN (SELECT member.destination FROM resource AS member JOIN resource AS trial ON member.source = trial.arn"
    " WHERE member.kind = 'trial-membership' AND trial.kind = 'experiment-trial' AND trial.parent = ?)"
)


def handlers() -> dict[str, Handler]:
    """Return the operations of this module by name."""
    return {
        "AssociateTrialComponent": associate,
        "DisassociateTrialComponent": disassociate,
        "ListTrials": list_trials,
        "ListTrialComponents": list_components,
    }


def associate(parts: Parts, request: Document) -> Document:
    """Add a component to a trial; do nothing if it is part of it already."""
    trial, component = _both(parts, request, "AssociateTrialComponent")
    Graph(parts.store, parts.aws).join(trial.arn, component.arn)
    return {"TrialArn": trial.arn, "TrialComponentArn": component.arn}


def check_experiment_config(parts: Parts, operation: str, request: Document) -> None:
    """Refuse a job for an experiment or a trial that does not exist.

    Raises
    ------
    ResourceNotFound
    """
    config = request.get("ExperimentConfig") or {}
    for kind, member in ((EXPERIMENT, "ExperimentName"), (TRIAL, "TrialName")):
        if member in config:
            find(parts, kind, config[member], operation)


def disassociate(parts: Parts, request: Document) -> Document:
    """Remove a component from a trial."""
    trial, component = _both(parts, request, "DisassociateTrialComponent")
    parts.store.remove(membership_key(trial.arn, component.arn))
    return {"TrialArn": trial.arn, "TrialComponentArn": component.arn}


def list_trials(parts: Parts, request: Document) -> Document:
    """Return a page of trials, of one experiment or with one component."""
    query, where = dict(request), {}
    if name := query.pop("ExperimentName", None):
        where["parent = ?"] = find(parts, EXPERIMENT, name, "ListTrials").arn
    if name := query.pop("TrialComponentName", None):
        where[_OF_COMPONENT] = find(parts, COMPONENT, name, "ListTrials").arn
    return _page(parts, "ListTrials", TRIAL, query, where)


def list_components(parts: Parts, request: Document) -> Document:
    """Return a page of trial components, of one trial, experiment or source."""
    query, where = dict(request), {}
    if name := query.pop("ExperimentName", None):
        where[_OF_EXPERIMENT] = find(parts, EXPERIMENT, name, "ListTrialComponents").arn
    if name := query.pop("TrialName", None):
        where[_OF_TRIAL] = find(parts, TRIAL, name, "ListTrialComponents").arn
    return _page(parts, "ListTrialComponents", COMPONENT, query, where)


def parents_of(parts: Parts, component_arn: str) -> list[Document]:
    """Return the trials of a component, with their experiments, as Search shows them."""
    members, _ = parts.store.page(Query(MEMBERSHIP, {"destination = ?": component_arn}, descending=False, limit=1000))
    trials = [parts.store.by_arn(member.source) for member in members]
    return [
        {"TrialName": trial.name, "ExperimentName": trial.document["ExperimentName"]}
        for trial in trials
        if trial is not None
    ]


def _page(parts: Parts, operation: str, kind: str, query: Document, where: Document) -> Document:
    def row(resource: Resource) -> Document:
        source = resource.document.get("Source")
        return resource.document | {"TrialSource": source, "TrialComponentSource": source}

    return page(parts, operation, kind, query, descending=True, where=where, row=row)


def _both(parts: Parts, request: Document, operation: str) -> tuple[Resource, Resource]:
    trial = find(parts, TRIAL, request["TrialName"], operation)
    return trial, find(parts, COMPONENT, request["TrialComponentName"], operation)
