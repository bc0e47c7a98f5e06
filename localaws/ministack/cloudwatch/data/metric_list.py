"""ListMetrics: which metrics there are."""

import json
from collections.abc import Sequence

from localaws.document import Document
from localaws.ministack.cloudwatch.data.errors import InvalidParameterValue
from localaws.ministack.cloudwatch.data.metric import Metric, Scope
from localaws.ministack.cloudwatch.data.retention import DAY, HOUR
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.data.token import read_token, token

_PAGE = 500


def list_metrics(store: MetricStore, scope: Scope, members: Document, now: float) -> Document:
    """Answer ListMetrics: those that had data in the past two weeks.

    Parameters
    ----------
    store : MetricStore
    scope : Scope
    members : dict
    now : float
        Seconds since the epoch.
    """
    if members.get("IncludeLinkedAccounts") or members.get("OwningAccount", scope.account_id) != scope.account_id:
        raise InvalidParameterValue("Local AWS links no accounts: leave out IncludeLinkedAccounts and OwningAccount")
    lasting = 3 * HOUR if members.get("RecentlyActive") else 14 * DAY
    after = read_token(members["NextToken"], InvalidParameterValue) if "NextToken" in members else ["", "", ""]
    names = store.names(
        scope,
        since=int((now - lasting) * 1000),
        namespace=members.get("Namespace"),
        name=members.get("MetricName"),
        after=[str(part) for part in after],
    )
    wanted = members.get("Dimensions") or []
    found: list[Metric] = []
    for metric in names:
        if not _has(metric, wanted):
            continue
        if len(found) == _PAGE:
            return {"Metrics": [_shown(each) for each in found], "NextToken": token(_place(found[-1]))}
        found.append(metric)
    return {"Metrics": [_shown(each) for each in found]}


def _has(metric: Metric, wanted: Sequence[Document]) -> bool:
    there = dict(metric.dimensions)
    return all(
        each["Name"] in there and each.get("Value", there[each["Name"]]) == there[each["Name"]] for each in wanted
    )


def _shown(metric: Metric) -> Document:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _place(metric: Metric) -> list[str]:
    return [metric.namespace, metric.name, json.dumps(metric.dimensions, separators=(",", ":"))]
