"""What a request to a service of ours needs to be allowed: IAM's actions, and the resources that they are done to.

1. The operation comes from ``X-Amz-Target``, or from the path for SageMaker Runtime and SageMaker Metrics.
2. IAM's own list, which cfn-lint brings along, says which types of resources the action has, and how their ARNs begin.
3. The request's members name the resources: an ARN, or the name that belongs to the type (``EndpointName``). Where no
   resource is named, all of the first type stand for it, such as ``endpoint/*``.
4. Tagging a SageMaker resource while creating it needs ``sagemaker:AddTags`` for it.
5. Passing a role to a service needs ``iam:PassRole`` for it.
6. The tags that a request gives or takes away are condition keys; those of the resources are in their service's store
   (`localaws.account.resource_tags`).

Nothing is decided here: `localaws.account.policy` does that (`localaws.ministack.iam.hooks_authorizer`).

Source: Service Authorization Reference; "Granting a user permissions to pass a role to an AWS service" in IAM's guide.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

from localaws.account import log_arns
from localaws.account.cfn_lint import data_folder
from localaws.document import Document
from localaws.protocol import routing
from localaws.protocol.model import operations_by_path
from localaws.protocol.routing import GIT_PATH
from localaws.settings import ACCOUNT_ID, REGION

_INVOCATION = re.compile(r"/endpoints/([^/]+)/([a-z-]+)$")
_INVOCATIONS = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}

# Where a resource's name is not in the member <type>Name.
_NAMES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("sagemaker", "experiment-trial"): ("TrialName",),
    ("sagemaker", "experiment-trial-component"): ("TrialComponentName",),
    ("codebuild", "project"): ("projectName", "name", "names", "id", "ids"),
    ("codebuild", "report-group"): ("name", "reportGroupName"),
    ("codecommit", "repository"): ("repositoryName", "repositoryNames"),
    ("codepipeline", "pipeline"): ("pipelineName", "name"),
    ("codepipeline", "stage"): (),
    ("codepipeline", "action"): (),
}

# The members that hand a role over, each as a path; "*" is every item of a list.
_ROLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "sagemaker": (
        ("RoleArn",),
        ("ExecutionRoleArn",),
        ("TrainingJobDefinition", "RoleArn"),
        ("TrainingJobDefinitions", "*", "RoleArn"),
    ),
    "codebuild": (("serviceRole",),),
    "codepipeline": (("pipeline", "roleArn"),),
    "logs": (("roleArn",),),
}

# The members of a request that are a condition key of their service, and those that are one for each of their keys.
_CONDITIONS = frozenset({"ModelApprovalStatus"})
_KEYED_CONDITIONS = frozenset({"CustomerMetadataProperties"})


@dataclass(frozen=True)
class Check:
    """A question to the caller's policies.

    Attributes
    ----------
    service : str
        Botocore's name, such as ``sagemaker``.
    action : str
        Such as ``sagemaker:CreateModel``.
    resource : str
        An ARN, or ``*``.
    context : mapping of str to str or sequence of str
        Condition keys.
    """

    service: str
    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A service in an account."""

    service: str
    account_id: str


def checks(target: str, path: str, body: bytes, account_id: str = ACCOUNT_ID) -> list[Check]:
    """Return all that must be allowed for a request; nothing if it names no operation: its server refuses it.

    Parameters
    ----------
    target : str
        The header ``X-Amz-Target``, such as ``SageMaker.CreateModel``; empty for REST.
    path : str
    body : bytes
    account_id : str
        The caller's, in which resources are that are named without an ARN.
    """
    if invocation := _INVOCATION.match(path):
        operation = _INVOCATIONS.get(invocation[2])
        name = {"EndpointName": unquote(invocation[1])}
        return _own(Place("sagemaker", account_id), operation, name) if operation else []
    if metrics := operations_by_path("sagemaker-metrics").get(path):
        return _own(Place("sagemaker", account_id), metrics.name, _measured(_parsed(body)))
    route = routing.of_target(target)
    if route is None:
        return []
    operation, request = target.partition(".")[2], _parsed(body)
    own = _own(Place(route.service, account_id), operation, request)
    return [*own, *_tagged(operation, own, request), *_passed_roles(route.service, request)]


def git_check(repository_path: str, query: str, path: str, account_id: str = ACCOUNT_ID) -> Check:
    """Return what a git request to CodeCommit needs.

    Parameters
    ----------
    repository_path : str
        Such as ``/v1/repos/iris``.
    query : str
    path : str
        The whole path, which ends with what git wants, unless the query says it.
    account_id : str
        The repository's.
    """
    pushes = "git-receive-pack" in (query.rpartition("service=")[2], path.rpartition("/")[2])
    name = repository_path.rpartition("/")[2].removesuffix(".git")
    action = "codecommit:GitPush" if pushes else "codecommit:GitPull"
    return Check("codecommit", action, _beginning(Place("codecommit", account_id), "repository") + name)


def resources(target: str, path: str, query: str, body: bytes, account_id: str) -> list[str]:
    """Return the ARNs of what a request to a service of ours is about, a git request's, too."""
    if path.startswith(GIT_PATH):
        return [git_check("/".join(path.split("/")[:4]), query, path, account_id).resource]
    return [each.resource for each in checks(target, path, body, account_id) if each.service != "iam"]


def _parsed(body: bytes) -> Document:
    """Return the request; an empty one for a body that its server will refuse."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _measured(request: Document) -> Document:
    """Return what a request to SageMaker Metrics names: a trial component, or the resources of its queries."""
    queries = request.get("MetricQueries")
    arns = (
        [query.get("ResourceArn") for query in queries if isinstance(query, dict)] if isinstance(queries, list) else []
    )
    return {"TrialComponentName": request.get("TrialComponentName"), "ResourceArn": arns}


def _own(place: Place, operation: str, request: Document) -> list[Check]:
    service = place.service
    action = f"{service}:{operation}"
    context = _context(service, request)
    return [Check(service, action, resource, context) for resource in _resources(place, operation, request)]


def _context(service: str, request: Document) -> dict[str, str | Sequence[str]]:
    """Return the condition keys that a request itself gives values."""
    found = _tag_context(request)
    found |= {f"{service}:{name}": value for name, value in _texts(request) if name in _CONDITIONS}
    for member in _KEYED_CONDITIONS & request.keys():
        if isinstance(request[member], dict):
            found |= {f"{service}:{member}/{key}": str(value) for key, value in request[member].items()}
    return found


def _tag_context(request: Document) -> dict[str, str | Sequence[str]]:
    """Return the condition keys of the tags that a request gives, and of those that it takes away."""
    given: dict[str, str] = {}
    keys: list[str] = []
    for member, value in request.items():
        if member.lower() == "tags":
            given |= dict(_tags(value))
        elif member.lower() == "tagkeys" and isinstance(value, list):
            keys += [key for key in value if isinstance(key, str)]
    keys += given
    found: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{key}": value for key, value in given.items()}
    return found | ({"aws:TagKeys": keys} if keys else {})


def _tags(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the tags of a member: a map, or a list of keys and values that are written large or small."""
    if isinstance(value, dict):
        yield from ((key, str(each)) for key, each in value.items())
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            tag = {name.lower(): each for name, each in item.items()}
            if "key" in tag:
                yield str(tag["key"]), str(tag.get("value", ""))


def _tagged(operation: str, own: list[Check], request: Document) -> Iterator[Check]:
    """Yield what the tags of a new SageMaker resource need; it is the first that the request is about."""
    if own and own[0].service == "sagemaker" and operation.startswith("Create") and request.get("Tags"):
        context = {**_tag_context(request), "sagemaker:TaggingAction": operation}
        yield Check("sagemaker", "sagemaker:AddTags", own[0].resource, context)
    elif own and own[0].action == "logs:CreateLogGroup" and request.get("tags"):
        yield Check("logs", "logs:TagResource", log_arns.tagged(own[0].resource), _tag_context(request))


def _passed_roles(service: str, request: Document) -> Iterator[Check]:
    for path in _ROLES.get(service, ()):
        for role in _at(request, path):
            yield Check("iam", "iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"})


def _at(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if not path:
        if isinstance(value, str):
            yield value
    elif path[0] == "*" and isinstance(value, list):
        for item in value:
            yield from _at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _resources(place: Place, operation: str, request: Document) -> list[str]:
    """Return the ARNs that an operation applies to; ``*`` if IAM has no resource for it."""
    types = _types(place.service, operation)
    if place.service == "logs" and types:
        return log_arns.resources(_beginning(place, "log-group"), operation, request)
    named = {arn: None for kind in types for arn in _named(place, kind, request)}
    if named:
        return list(named)
    return [f"{_beginning(place, types[0])}*"] if types else ["*"]


def _named(place: Place, kind: str, request: Document) -> Iterator[str]:
    """Yield the ARNs of the resources of one type that a request names."""
    service, beginning = place.service, _beginning(place, kind)
    if service == "codepipeline" and isinstance(request.get("pipeline"), dict):
        request = request["pipeline"]
    names = {name.lower() for name in _NAMES.get((service, kind), (f"{kind.replace('-', '')}Name",))}
    for member, value in _texts(request):
        arn = value.split(":", 5) if value.startswith("arn:") else []
        if arn[2:3] == [service] and value.startswith(":".join([*arn[:5], beginning.split(":", 5)[5]])):
            yield value
        elif member.lower() in names and (name := _in_arn(service, value)):
            yield beginning + name
    if service == "codepipeline" and kind in ("stage", "action"):
        parts = [request.get(member) for member in ("pipelineName", "stageName", "actionName")]
        yield beginning + "/".join(str(part) for part in parts if part is not None)
    if kind == "model-package" and isinstance(group := request.get("ModelPackageGroupName"), str):
        # A group that is named by its ARN may be another account's.
        start = f"{group.partition(':model-package-group/')[0]}:model-package/" if ":" in group else beginning
        yield f"{start}{group.rpartition('/')[2].lower()}/*"


def _texts(request: Document) -> Iterator[tuple[str, str]]:
    """Yield the members of a request that are text, and the items of those that are lists of text."""
    for member, value in request.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield member, item


def _in_arn(service: str, value: str) -> str:
    """Return a resource's name as its ARN has it: SageMaker's in lower case, for a build its project's."""
    if service == "codebuild":
        return value.rpartition(":build/")[2].partition(":")[0]
    if value.startswith("arn:"):
        return ""
    return value.lower() if service == "sagemaker" else value


@cache
def _reference(service: str) -> Document:
    """Return IAM's reference of a service: the actions by lower-case name, and the types of resources."""
    path = data_folder() / "AdditionalSpecs" / "Policies.json"
    found: Document = json.loads(path.read_text())[service]
    return found


def _types(service: str, operation: str) -> list[str]:
    action = _reference(service)["Actions"].get(operation.lower(), {})
    return [kind for kind in action.get("Resources", []) if kind.lower() in _reference(service)["Resources"]]


def _beginning(place: Place, kind: str) -> str:
    """Return how the ARNs of a type begin: ``arn:aws:sagemaker:us-east-1:000000000000:endpoint/``."""
    pattern: str = _reference(place.service)["Resources"][kind.lower()]["ARNFormats"][0]
    beginning = pattern.removesuffix(".*")
    for name, value in (("Partition", "aws"), ("Region", REGION), ("Account", place.account_id)):
        beginning = beginning.replace(f"${{{name}}}", value)
    return beginning
