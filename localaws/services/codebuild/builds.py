"""The operations on builds: StartBuild creates a build from a project and the overrides of the request."""

import time
import uuid

from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codebuild import artifacts, projects
from localaws.services.codebuild.errors import AccountLimitExceeded, InvalidInput, ResourceNotFound
from localaws.services.codebuild.listing import names_page
from localaws.services.codebuild.record import IN_PROGRESS, KIND, BuildRecord
from localaws.services.codebuild.runner import BuildRunner
from localaws.storage.store import Query, Resource

_TOKEN_SECONDS = 300.0
# Member of the request, and the member of the project that it overrides.
_OVERRIDES = {
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
    "sourceVersion": "sourceVersion",
}
_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "gitCloneDepthOverride": "gitCloneDepth",
    "buildspecOverride": "buildspec",
}
_ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "privilegedModeOverride": "privilegedMode",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
}
_TAKEN = {
    *_OVERRIDES,
    *_SOURCE,
    *_ENVIRONMENT,
    "projectName",
    "environmentVariablesOverride",
    "idempotencyToken",
}


class Builds:
    """The builds of an account.

    Parameters
    ----------
    context : Context
    runner : BuildRunner
    """

    def __init__(self, context: Context, runner: BuildRunner) -> None:
        self._context, self._store, self._runner = context, context.store, runner

    def start(self, request: Document) -> Document:
        """Handle StartBuild; for five minutes the same token starts only one build."""
        return self._context.once("codebuild.StartBuild", request, lambda: self._start(request), _TOKEN_SECONDS)

    def _start(self, request: Document) -> Document:
        if refused := [name for name in request if name not in _TAKEN and request[name]]:
            raise UnsupportedOperation(f"Local AWS does not support {', '.join(refused)} of StartBuild: leave it out")
        project = projects.get(self._context, request["projectName"])
        effective = _effective(project.document, request)
        projects.check(effective)
        _check_pipeline(effective)
        self._check_limit(project)
        resource = self._add(project, effective, request)
        BuildRecord(self._store, self._context.outbox, resource.arn).announce()
        self._store.after_commit(lambda: self._runner.start(resource))
        return {"build": resource.document}

    def retry(self, request: Document) -> Document:
        """Handle RetryBuild: the same request again; for five minutes the same token retries only once."""
        return self._context.once("codebuild.RetryBuild", request, lambda: self._retry(request), _TOKEN_SECONDS)

    def _retry(self, request: Document) -> Document:
        build = self._get(request["id"])
        if not build.document["buildComplete"]:
            raise InvalidInput(f"The build {build.name} is in progress: only a build that has ended can be retried")
        return self._start(build.internal["request"])

    def stop(self, request: Document) -> Document:
        """Handle StopBuild."""
        build = self._get(request["id"])
        self._runner.stop(build.arn)
        return {"build": self._get(request["id"]).document}

    def batch_get(self, request: Document) -> Document:
        """Handle BatchGetBuilds."""
        found = {build_id: self._store.by_arn(self._arn(build_id)) for build_id in request["ids"]}
        return {
            "builds": [build.document for build in found.values() if build],
            "buildsNotFound": [build_id for build_id, build in found.items() if build is None],
        }

    def batch_delete(self, request: Document) -> Document:
        """Handle BatchDeleteBuilds; running builds are not deleted."""
        deleted, left = [], []
        for build_id in request["ids"]:
            build = self._store.by_arn(self._arn(build_id))
            if build is None:
                left.append({"id": build_id, "statusCode": "BUILD_NOT_FOUND"})
            elif not build.document["buildComplete"]:
                left.append({"id": build_id, "statusCode": "BUILD_IN_PROGRESS"})
            else:
                self._store.remove(build.arn)
                deleted.append(build.arn)
        return {"buildsDeleted": deleted, "buildsNotDeleted": left}

    def list_all(self, request: Document) -> Document:
        """Handle ListBuilds and ListBuildsForProject; the newest come first."""
        where = {}
        if "projectName" in request:
            where["parent = ?"] = projects.get(self._context, request["projectName"]).arn
        query = Query(KIND, where, descending=request.get("sortOrder") != "ASCENDING")
        return names_page(self._store, query, request, "ids", lambda build: build.name)

    def _get(self, build_id: str) -> Resource:
        found = self._store.by_arn(self._arn(build_id))
        if found is None:
            raise ResourceNotFound(f"Build cannot be found: {build_id}")
        return found

    def _arn(self, build_id: str) -> str:
        return build_id if build_id.startswith("arn:") else self._context.arn("codebuild", f"build/{build_id}")

    def _check_limit(self, project: Resource) -> None:
        limit = project.document.get("concurrentBuildLimit")
        running = len(self._store.every(KIND, parent=project.arn, status=IN_PROGRESS))
        if limit is not None and running >= limit:
            raise AccountLimitExceeded(
                f"Cannot have more than {limit} builds in progress for the project {project.name}: its "
                "concurrentBuildLimit"
            )

    def _add(self, project: Resource, effective: Document, request: Document) -> Resource:
        counted = self._store.change(
            project.arn, lambda _, hidden: hidden.update(builds=int(hidden.get("builds", 0)) + 1)
        )
        number = counted.internal["builds"] if counted else 1
        build_id = f"{project.name}:{uuid.uuid4()}"
        document = _document(effective, build_id, self._arn(build_id), number)
        document["logs"] = _logs(self._context, effective, build_id)
        internal = {
            "request": request,
            "artifacts": effective["artifacts"],
            "secondaryArtifacts": effective.get("secondaryArtifacts", []),
        }
        resource = Resource(KIND, build_id, document["arn"], document, internal, project.arn, IN_PROGRESS)
        self._store.add(resource)
        return resource


def _effective(project: Document, request: Document) -> Document:
    """Return a project with the overrides of a request."""
    over = {member: request[name] for name, member in _OVERRIDES.items() if name in request}
    source = {member: request[name] for name, member in _SOURCE.items() if name in request}
    environment = {member: request[name] for name, member in _ENVIRONMENT.items() if name in request}
    variables = {
        variable["name"]: variable
        for variable in (
            *project["environment"].get("environmentVariables", ()),
            *request.get("environmentVariablesOverride", ()),
        )
    }
    environment["environmentVariables"] = list(variables.values())
    return {
        **project,
        **over,
        "source": {**project["source"], **source},
        "environment": {**project["environment"], **environment},
    }


def _check_pipeline(effective: Document) -> None:
    for member in ("source", "artifacts"):
        if effective[member]["type"] == "CODEPIPELINE":
            raise InvalidInput(
                f"The {member} of the project {effective['name']} come from CodePipeline: start a pipeline with the"
                f" project as an action, or pass {'sourceTypeOverride' if member == 'source' else 'artifactsOverride'}"
            )


def _document(effective: Document, build_id: str, arn: str, number: int) -> Document:
    """Return the response of BatchGetBuilds for a queued build."""
    now = time.time()
    submitted = {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now}
    kept = (
        "source",
        "secondarySources",
        "sourceVersion",
        "cache",
        "environment",
        "serviceRole",
        "encryptionKey",
        "vpcConfig",
    )
    document = {
        **{name: effective[name] for name in kept if name in effective},
        "id": build_id,
        "arn": arn,
        "buildNumber": number,
        "projectName": effective["name"],
        "startTime": now,
        "currentPhase": "QUEUED",
        "buildStatus": IN_PROGRESS,
        "buildComplete": False,
        "initiator": "root",
        "timeoutInMinutes": effective["timeoutInMinutes"],
        "queuedTimeoutInMinutes": effective["queuedTimeoutInMinutes"],
        "phases": [{**submitted, "durationInSeconds": 0}, {"phaseType": "QUEUED", "startTime": now}],
    }
    secondary = [artifacts.planned(wanted, document) for wanted in effective.get("secondaryArtifacts", ())]
    return {
        **document,
        "artifacts": artifacts.planned(effective["artifacts"], document),
        **({"secondaryArtifacts": secondary} if secondary else {}),
    }


def _logs(context: Context, effective: Document, build_id: str) -> Document:
    """Return the location of the log: a stream of its own, in the project's group unless the project says otherwise."""
    config = effective.get("logsConfig", {}).get("cloudWatchLogs", {"status": "ENABLED"})
    if config["status"] != "ENABLED":
        return {"cloudWatchLogs": config}
    group = config.get("groupName") or f"/aws/codebuild/{effective['name']}"
    own = build_id.partition(":")[2]
    stream = f"{config['streamName']}/{own}" if config.get("streamName") else own
    region = context.aws.region
    address = f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
    return {
        "groupName": group,
        "streamName": stream,
        "deepLink": f"{address}{group.replace('/', '$252F')}/log-events/{stream.replace('/', '$252F')}",
        "cloudWatchLogsArn": context.arn("logs", f"log-group:{group}:log-stream:{stream}"),
        "cloudWatchLogs": config,
    }
