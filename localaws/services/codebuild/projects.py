"""Projects: what is built, from where, in which environment, and where the result goes."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codebuild.errors import InvalidInput, ResourceAlreadyExists, ResourceNotFound
from localaws.services.codebuild.listing import names_page
from localaws.storage.store import Query, Resource

KIND = "codebuild/project"
_SOURCES = ("CODECOMMIT", "CODEPIPELINE", "S3", "NO_SOURCE")
_ENVIRONMENTS = ("LINUX_CONTAINER",)
_NOT_HERE = ("fileSystemLocations", "buildBatchConfig", "secondarySourceVersions", "autoRetryLimit")
_DEFAULTS: Document = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "cache": {"type": "NO_CACHE"}}


def create(context: Context, request: Document) -> Document:
    """Handle CreateProject."""
    arn = context.arn("codebuild", f"project/{request['name']}")
    check(request)
    now = time.time()
    given = {name: value for name, value in request.items() if name != "badgeEnabled"}
    document = {
        **_DEFAULTS,
        "encryptionKey": context.arn("kms", "alias/aws/s3"),
        **given,
        "arn": arn,
        "created": now,
        "lastModified": now,
        "badge": {"badgeEnabled": False},
        "projectVisibility": "PRIVATE",
    }
    if not context.store.add(Resource(KIND, request["name"], arn, document)):
        raise ResourceAlreadyExists(f"Project already exists: {arn}")
    return {"project": document}


def update(context: Context, request: Document) -> Document:
    """Handle UpdateProject: the given members replace the project's."""
    project = get(context, request["name"])
    check({**project.document, **request})
    given = {name: value for name, value in request.items() if name not in ("name", "badgeEnabled")}

    def edit(document: Document, _: Document) -> None:
        document.update(given, lastModified=time.time())

    changed = context.store.change(project.arn, edit)
    return {"project": changed.document if changed else {}}


def delete(context: Context, request: Document) -> Document:
    """Handle DeleteProject; the project's builds stay, and deleting an absent project succeeds."""
    context.store.remove(_arn(context, request["name"]))
    return {}


def batch_get(context: Context, request: Document) -> Document:
    """Handle BatchGetProjects."""
    found, missing = [], []
    for name in request["names"]:
        project = context.store.by_arn(_arn(context, name))
        if project is None:
            missing.append(name)
        else:
            found.append(project.document)
    return {"projects": found, "projectsNotFound": missing}


def list_all(context: Context, request: Document) -> Document:
    """Handle ListProjects."""
    columns = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "modified"}
    query = Query(
        KIND, sort_by=columns[request.get("sortBy", "NAME")], descending=request.get("sortOrder") == "DESCENDING"
    )
    return names_page(context.store, query, request, "projects", lambda project: project.name)


def get(context: Context, name: str) -> Resource:
    """Return the project with this name or ARN.

    Raises
    ------
    ResourceNotFound
    """
    arn = _arn(context, name)
    found = context.store.by_arn(arn)
    if found is None:
        raise ResourceNotFound(f"Project cannot be found: {arn}")
    return found


def check(project: Mapping[str, Any]) -> None:
    """Refuse a project, with or without a build's overrides, that breaks a rule or needs something unsupported.

    Raises
    ------
    InvalidInput, UnsupportedOperation
    """
    for member in _NOT_HERE:
        if project.get(member):
            raise UnsupportedOperation(f"Local AWS does not support {member} of a CodeBuild project: leave it out")
    if project.get("badgeEnabled"):
        raise UnsupportedOperation("Local AWS does not support badges of CodeBuild: leave badgeEnabled out")
    _check_environment(project["environment"])
    cache = (project.get("cache") or {}).get("type", "NO_CACHE")
    if cache != "NO_CACHE":
        raise UnsupportedOperation(f"Local AWS does not support the cache {cache} of CodeBuild: use NO_CACHE")
    if project.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise UnsupportedOperation("Local AWS does not support s3Logs of CodeBuild: the log goes to CloudWatch Logs")
    for source in (project["source"], *project.get("secondarySources", ())):
        _check_source(source)
    for secondary, member in (("secondarySources", "sourceIdentifier"), ("secondaryArtifacts", "artifactIdentifier")):
        if any(not item.get(member) for item in project.get(secondary, ())):
            raise InvalidInput(f"Invalid {secondary}: each needs its {member}")
    for artifacts in (project["artifacts"], *project.get("secondaryArtifacts", ())):
        if artifacts["type"] == "S3" and not artifacts.get("location"):
            raise InvalidInput("Invalid artifacts: location must be provided for artifacts of the type S3")


def _check_environment(environment: Document) -> None:
    if environment["type"] not in _ENVIRONMENTS:
        raise UnsupportedOperation(
            f"Local AWS runs builds of the environment types {', '.join(_ENVIRONMENTS)}, not {environment['type']}"
        )


def _check_source(source: Document) -> None:
    kind = source["type"]
    if kind not in _SOURCES:
        raise UnsupportedOperation(f"Local AWS builds from {', '.join(_SOURCES)}, not from {kind}")
    if kind in ("CODECOMMIT", "S3") and not source.get("location"):
        raise InvalidInput(f"Invalid project source: location must be provided for sources of the type {kind}")
    if kind == "NO_SOURCE" and not source.get("buildspec"):
        raise InvalidInput("Invalid project source: a buildspec must be provided when the source type is NO_SOURCE")


def _arn(context: Context, name: str) -> str:
    return name if name.startswith("arn:") else context.arn("codebuild", f"project/{name}")
