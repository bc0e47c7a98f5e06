"""ForEach steps: the body once per item, as child steps ``<body step>-<index>``, with limited concurrency.

The expressions ``ForEach.CurrentItem...`` in the body are replaced by the item, references to its own steps by those to
the children of the same item; then the children are an ordinary definition, which the executor runs. Source: SDK v3's
`ForEachStep`.
"""

import json
from dataclasses import replace
from typing import Any

from localaws.document import Document
from localaws.sagemaker.pipelines.definition import Definition, Step
from localaws.sagemaker.pipelines.expressions import UnresolvedError, follow, path_of
from localaws.sagemaker.pipelines.next_steps import Outcome
from localaws.sagemaker.pipelines.steps.context import Progress, StepContext, StepFailed, StepStopped

_ITEM = "ForEach.CurrentItem"


def run(step: Step, context: StepContext, _: Progress) -> Document:
    """Run the body for all items; the step's properties summarize them."""
    items = _items(step, context)
    children = {child.name: child for index, item in enumerate(items) for child in _children(step, index, item)}
    outcomes = context.run_children(Definition({}, children), step.arguments["MaxConcurrency"])
    properties = _properties(step, context, len(items), outcomes)
    if properties["FailedStepCount"]:
        raise StepFailed(f"ClientError: {properties['FailedStepCount']} of {len(children)} steps of the body failed")
    if context.stopping.is_set() and properties["SucceededStepCount"] < len(children):
        raise StepStopped
    context.properties[step.name] = properties
    return {}


def _items(step: Step, context: StepContext) -> list[Any]:
    given = context.value(step.arguments["IterableItems"])
    try:
        items = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        items = None
    if not isinstance(items, list):
        raise StepFailed(f"ClientError: IterableItems is {given!r}: a list, or its JSON, was expected")
    return items


def _children(step: Step, index: int, item: Any) -> list[Step]:
    siblings = {each.name for each in step.body}
    return [
        replace(
            each,
            name=f"{each.name}-{index}",
            arguments=bind(each.arguments, siblings, index, item),
            document=bind(each.document, siblings, index, item),
            needs={f"{name}-{index}": trigger for name, trigger in each.needs.items() if name in siblings},
        )
        for each in step.body
    ]


def bind(node: Any, siblings: set[str], index: int, item: Any) -> Any:
    """Bind a document of the body to one item: insert the item, and rename the body's steps to this item's children."""
    if isinstance(node, list):
        return [bind(each, siblings, index, item) for each in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("Get") if len(node) == 1 else None
    if not isinstance(reference, str):
        return {key: bind(value, siblings, index, item) for key, value in node.items()}
    if reference.startswith(_ITEM):
        return _member(item, reference)
    root, name, *_ = [*path_of(reference), ""]
    if root == "Steps" and name in siblings:
        return {"Get": reference.replace(f"Steps.{name}", f"Steps.{name}-{index}", 1)}
    return node


def _member(item: Any, reference: str) -> Any:
    path = path_of(reference)[2:]
    if not path:
        return item
    try:
        document = json.loads(item) if isinstance(item, str) else item
    except ValueError as error:
        raise UnresolvedError(f"'{reference}' has no value: the item {item!r} is not JSON") from error
    return follow(document, path, f"'{reference}'")


def _properties(step: Step, context: StepContext, count: int, outcomes: dict[str, Outcome]) -> Document:
    by_item = [
        {each.name: context.properties.get(f"{each.name}-{index}", {}) for each in step.body} for index in range(count)
    ]
    ended = list(outcomes.values())
    failed = ended.count(Outcome.FAILED)
    properties: Document = {
        "Status": "Failed" if failed else "Succeeded",
        "InputItemCount": count,
        "TotalStepCount": count * len(step.body),
        "SucceededStepCount": ended.count(Outcome.SUCCEEDED),
        "FailedStepCount": failed,
        "StoppedStepCount": ended.count(Outcome.STOPPED),
        "IterationOutputs": by_item,
    }
    selector = step.arguments.get("Selector")
    if selector and by_item and not failed:
        properties["Selected"] = _selected(selector, by_item)
    return properties


def _selected(selector: Document, by_item: list[Document]) -> Document:
    reference = selector["Field"]["Get"]
    _, body_step, *path = path_of(reference)
    best = max if selector["Pick"] == "MaxBy" else min
    chosen: Document = best(by_item, key=lambda item: float(follow(item[body_step], path, f"'{reference}'")))[body_step]
    return chosen
