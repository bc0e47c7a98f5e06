"""Resource policies: by name for the account, or of one log group."""

import json
import uuid
from typing import Any

from localaws.document import Document
from localaws.services.logs.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from localaws.services.logs.groups import Groups, milliseconds
from localaws.storage.store import Query, Resource, Store

KIND = "logs/resource-policy"
_MOST = 50
_MOST_OF_ACCOUNT = 10


class Policies:
    """The resource policies of an account.

    Parameters
    ----------
    store : Store
    groups : Groups
    """

    def __init__(self, store: Store, groups: Groups) -> None:
        self._store, self._groups = store, groups

    def put(self, request: Document) -> Document:
        """Create or replace a policy (PutResourcePolicy)."""
        _check(request.get("policyDocument"))
        group = self._groups.get(request["resourceArn"]) if request.get("resourceArn") else None
        name, parent = (request.get("policyName"), "") if group is None else (group.name, group.arn)
        if not name:
            raise InvalidParameter("policyName or resourceArn has to be given.")
        document = {
            "policyName": request.get("policyName"),
            "policyDocument": request["policyDocument"],
            "policyScope": "ACCOUNT" if group is None else "RESOURCE",
            "resourceArn": None if group is None else group.arn,
            "lastUpdatedTime": milliseconds(),
            "revisionId": uuid.uuid4().hex,
        }
        arn = _arn(name, parent)
        with self._store.transaction():
            found = self._store.by_arn(arn)
            if group is not None and request.get("expectedRevisionId") != (found and found.document["revisionId"]):
                raise InvalidParameter("The expectedRevisionId is not the policy's revision.")
            if found is None and group is None and len(self._store.every(KIND, parent="")) >= _MOST_OF_ACCOUNT:
                raise LimitExceeded(f"An account has at most {_MOST_OF_ACCOUNT} resource policies.")
            self._store.remove(arn)
            self._store.add(Resource(KIND, name, arn, document, parent=parent))
        return {"resourcePolicy": _shown(document), "revisionId": document["revisionId"] if group else None}

    def delete(self, request: Document) -> Document:
        """Delete a policy (DeleteResourcePolicy)."""
        if request.get("resourceArn"):
            group = self._groups.get(request["resourceArn"])
            arn = _arn(group.name, group.arn)
        elif request.get("policyName"):
            arn = _arn(request["policyName"], "")
        else:
            raise InvalidParameter("policyName or resourceArn has to be given.")
        if self._store.by_arn(arn) is None:
            raise ResourceNotFound("Policy with the given name does not exist.")
        self._store.remove(arn)
        return {}

    def describe(self, request: Document) -> Document:
        """Return a page of policies (DescribeResourcePolicies)."""
        where: dict[str, Any] = {}
        if request.get("resourceArn"):
            where["parent = ?"] = self._groups.get(request["resourceArn"]).arn
        elif request.get("policyScope"):
            where["(parent = '') = ?"] = int(request["policyScope"] == "ACCOUNT")
        limit, token = request.get("limit") or _MOST, request.get("nextToken")
        found, after = self._store.page(Query(KIND, where, "name", descending=False, limit=limit, token=token))
        return {"resourcePolicies": [_shown(each.document) for each in found], "nextToken": after}


def _arn(name: str, parent: str) -> str:
    return f"{parent}:resource-policy:{name}"


def _check(text: str | None) -> None:
    try:
        document = json.loads(text or "")
    except ValueError as error:
        raise InvalidParameter(f"The policy document is not JSON: {error}") from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise InvalidParameter("The policy document has no Statement.")


def _shown(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
