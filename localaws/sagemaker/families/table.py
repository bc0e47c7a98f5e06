"""Describe, List and Delete of the simple families: a table, and one function for each verb."""

from collections.abc import Iterable
from dataclasses import dataclass

from localaws.document import Document
from localaws.sagemaker.families.lookup import find, page
from localaws.sagemaker.jobs.runner import refuse_running
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Resource


@dataclass(frozen=True)
class Family:
    """A family of resources.

    Attributes
    ----------
    noun : str
        A noun such as ``TrainingJob``: its document has ``TrainingJobName`` and ``TrainingJobArn``.
    kind : str
        A kind such as ``training-job``: the word in ARNs, and the kind in the store.
    plural : str
        A plural such as ``TrainingJobs``: the name of the List operation.
    descending : bool
        The order of a list if the request does not name one (API reference of each List operation).
    key : str
        The member that identifies the resource in Describe, Update and Delete: the noun's name if empty.
    """

    noun: str
    kind: str
    plural: str
    descending: bool = False
    deletable: bool = False
    key: str = ""

    def identify(self, request: Document) -> str:
        """Return the name or ARN in a request."""
        identity: str = request[self.key or f"{self.noun}Name"]
        return identity


FAMILIES = (
    Family("ProcessingJob", "processing-job", "ProcessingJobs", deletable=True),
    Family("TrainingJob", "training-job", "TrainingJobs", deletable=True),
    Family("TransformJob", "transform-job", "TransformJobs", descending=True),
    Family("Model", "model", "Models", descending=True, deletable=True),
    Family("ModelPackageGroup", "model-package-group", "ModelPackageGroups"),
    Family("Pipeline", "pipeline", "Pipelines"),
)


def handlers() -> dict[str, Handler]:
    """Return the operations of all families in this module's table by name."""
    return read_handlers(FAMILIES)


def read_handlers(families: Iterable[Family]) -> dict[str, Handler]:
    """Return Describe, List and, where the table says so, Delete of some families."""
    found: dict[str, Handler] = {}
    for family in families:
        found[f"Describe{family.noun}"] = _describe(family)
        found[f"List{family.plural}"] = _list(family)
        if family.deletable:
            found[f"Delete{family.noun}"] = _delete(family)
    return found


def _describe(family: Family) -> Handler:
    def describe(parts: Parts, request: Document) -> Document:
        return find(parts, family.kind, family.identify(request), f"Describe{family.noun}").document

    return describe


def _delete(family: Family) -> Handler:
    def delete(parts: Parts, request: Document) -> Document:
        resource = find(parts, family.kind, family.identify(request), f"Delete{family.noun}")
        if family.kind.endswith("-job"):
            refuse_running(resource)
        parts.store.remove(resource.arn)
        return {}

    return delete


def _list(family: Family) -> Handler:
    def list_them(parts: Parts, request: Document) -> Document:
        def row(resource: Resource) -> Document:
            # A summary has the Source of an experiment, trial or trial component under another name.
            return {f"{family.noun}Source": resource.document.get("Source"), **resource.document}

        return page(parts, f"List{family.plural}", family.kind, request, descending=family.descending, row=row)

    return list_them
