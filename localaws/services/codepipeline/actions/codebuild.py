"""Build and Test, CodeBuild: a build of the input artifacts."""

import json
from typing import ClassVar

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job, Progress, Provider, failed

_ATTEMPTS = 5


class CodeBuild(Provider):
    """The builds of actions: artifacts are passed to them and back in S3."""

    categories = ("Build", "Test")
    name = "CodeBuild"
    inputs = (1, 5)
    outputs = (0, 5)
    required = ("ProjectName",)
    optional = ("PrimarySource", "EnvironmentVariables", "BatchEnabled", "CombineArtifacts")
    refused: ClassVar = {"BatchEnabled": ("true",), "CombineArtifacts": ("true",)}
    timeout_minutes = 8 * 60

    def start(self, job: Job) -> Progress:
        """Start the build; CodeBuild recognizes the token of a build that it has started."""
        try:
            request = build_request(job)
        except ValueError as error:
            return failed(str(error), "ConfigurationError")
        build = job.context.aws.client("codebuild").start_build(**request)["build"]
        return Progress(external=_external(build), memory={"build": build["id"]})

    def poll(self, job: Job) -> Progress:
        """Return the progress of the build."""
        client = job.context.aws.client("codebuild")
        [build] = client.batch_get_builds(ids=[job.memory["build"]])["builds"]
        status, attempt = build["buildStatus"], int(job.memory.get("attempt", 1))
        if status == "FAULT" and attempt < _ATTEMPTS:
            # CodeBuild itself ended it, as it does when its server dies: the result of the build is unknown.
            request = {**build_request(job), "idempotencyToken": f"{job.number}-{attempt}"}
            again = client.start_build(**request)["build"]
            return Progress(external=_external(again), memory={"build": again["id"], "attempt": attempt + 1})
        if status == "IN_PROGRESS":
            return Progress(external=_external(build), memory=job.memory)
        if status != "SUCCEEDED":
            contexts = [context for phase in build.get("phases", ()) for context in phase.get("contexts", ())]
            reasons = [context["message"] for context in contexts if context.get("message")]
            message = f"Build terminated with state: {status}. {' '.join(reasons)}".strip()
            return failed(message, **_external(build))
        exported = build.get("exportedEnvironmentVariables", ())
        variables = {variable["name"]: variable.get("value", "") for variable in exported}
        return Progress("Succeeded", external=_external(build), variables=variables)

    def stop(self, job: Job) -> None:
        """Stop the build."""
        job.context.aws.client("codebuild").stop_build(id=job.memory["build"])


def build_request(job: Job) -> Document:
    """Return the StartBuild request of an action.

    Raises
    ------
    ValueError
        If the configuration does not match the artifacts.
    """
    names = list(job.inputs)
    primary = job.configuration.get("PrimarySource") or names[0]
    if len(names) > 1 and "PrimarySource" not in job.configuration:
        raise ValueError(f"Configuration property 'PrimarySource' is missing: which of {', '.join(names)} is it?")
    if primary not in job.inputs:
        raise ValueError(f"PrimarySource is {primary}; the input artifacts are {', '.join(names)}")
    outputs = [{**_artifact(location), "artifactIdentifier": name} for name, location in job.outputs.items()]
    only = outputs[0] if len(outputs) == 1 else {"type": "NO_ARTIFACTS"}
    request: Document = {
        "projectName": job.configuration["ProjectName"],
        "idempotencyToken": job.number,
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": _path(job.inputs[primary]),
        "secondarySourcesOverride": [
            {"type": "S3", "location": _path(job.inputs[name]), "sourceIdentifier": name}
            for name in names
            if name != primary
        ],
        "artifactsOverride": {name: value for name, value in only.items() if name != "artifactIdentifier"},
        "secondaryArtifactsOverride": outputs if len(outputs) > 1 else [],
        "environmentVariablesOverride": _environment(job),
    }
    if job.artifacts.encryption_key:
        request["encryptionKeyOverride"] = job.artifacts.encryption_key
    return request


def _environment(job: Job) -> list[Document]:
    text = job.configuration.get("EnvironmentVariables") or "[]"
    try:
        found: list[Document] = json.loads(text)
    except ValueError as error:
        raise ValueError(f"EnvironmentVariables is not JSON ({error}): {text}") from error
    return [{"type": "PLAINTEXT", **variable} for variable in found]


def _artifact(location: Document) -> Document:
    """Return an artifact at exactly this key: CodeBuild joins location, path and name."""
    path, _, name = location["key"].rpartition("/")
    return {
        "type": "S3",
        "location": location["bucket"],
        "path": path,
        "namespaceType": "NONE",
        "name": name,
        "packaging": "ZIP",
        "overrideArtifactName": False,
    }


def _path(location: Document) -> str:
    return f"{location['bucket']}/{location['key']}"


def _external(build: Document) -> dict[str, str]:
    found = {"externalExecutionId": build["id"]}
    link = (build.get("logs") or {}).get("deepLink")
    return {**found, "externalExecutionUrl": link} if link else found
