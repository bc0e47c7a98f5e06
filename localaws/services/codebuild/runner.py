"""The life of a build, in a thread: queue, provision, source, the buildspec's phases, artifacts, end.

::

    QUEUED             until a slot is free, for at most queuedTimeoutInMinutes
    PROVISIONING       the workspace is created
    DOWNLOAD_SOURCE    sources, buildspec, variables
    INSTALL ... POST_BUILD   the container runs the agent, whose reports are recorded as they arrive
    UPLOAD_ARTIFACTS   reports and artifacts, even of a build whose commands failed in BUILD
    FINALIZING         the rest of the log

Builds that were running when this server died are found at the next start: their processes died with the server, and
the builds end as FAULT.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from botocore.exceptions import ClientError

from localaws.account.roles import RoleError
from localaws.containers.container import Container, Limits
from localaws.containers.errors import JobFailure
from localaws.containers.logs import LogShipper
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codebuild import artifacts, buildspec, reports, sources, variables, workspace
from localaws.services.codebuild.buildspec import Buildspec, FileSet
from localaws.services.codebuild.errors import PhaseFailure
from localaws.services.codebuild.file_sets import NothingFound
from localaws.services.codebuild.record import IN_PROGRESS, KIND, BuildRecord
from localaws.services.codebuild.variables import Variables
from localaws.services.codebuild.workspace import Workspace
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

AT_ONCE = max(4, os.cpu_count() or 1)
KILLED = "The local CodeBuild was stopped while this build was running. Start the build again."
_POLL_SECONDS = 0.05
_MINUTE = 60.0
_STOP_SECONDS = 3.0


class Ended(Exception):
    """The build ends now with this status: it was stopped, or it timed out.

    Parameters
    ----------
    status : str
        ``STOPPED`` or ``TIMED_OUT``.
    message : str
        The message of the current phase.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class _Build:
    """A running build; its context calls the other services under the project's role."""

    context: Context
    record: BuildRecord
    document: Document
    internal: Document
    stop: threading.Event = field(default_factory=threading.Event)
    status: str = "SUCCEEDED"
    values: Mapping[str, str] = field(default_factory=dict)


class BuildRunner:
    """Starts, stops and monitors builds.

    Parameters
    ----------
    context : Context
    minute : float, default=60
        The length of one minute of the time limits, in seconds.
    at_once : int, default=AT_ONCE
        How many builds run concurrently; the others are queued.
    """

    def __init__(self, context: Context, minute: float = _MINUTE, at_once: int = AT_ONCE) -> None:
        self._context, self._minute = context, minute
        self._folder = context.account_dir / "codebuild"
        self._slots = threading.Semaphore(at_once)
        self._running: dict[str, tuple[_Build, threading.Thread]] = {}

    def recover(self) -> None:
        """End the builds that were running when the last server died."""
        for resource in self._context.store.every(KIND, status=IN_PROGRESS):
            if resource.arn not in self._running:
                self._fault(resource.arn)

    def clear(self) -> None:
        """Remove the folders that the last server left behind."""
        workspace.clear(self._folder)

    def start(self, resource: Resource) -> None:
        """Run a build that was just stored."""
        record = BuildRecord(self._context.store, self._context.outbox, resource.arn)
        context = self._context.acting_as(resource.document["serviceRole"], "codebuild")
        build = _Build(context, record, resource.document, resource.internal)
        thread = threading.Thread(target=self._live, args=(build,), name=resource.name, daemon=True)
        self._running[resource.arn] = (build, thread)
        thread.start()

    def stop(self, arn: str) -> None:
        """Ask a build to stop, and wait briefly until it has; do nothing if it has ended."""
        running = self._running.get(arn)
        if running:
            running[0].stop.set()
            running[1].join(_STOP_SECONDS)

    def close(self) -> None:
        """End all containers, whose builds did not end by themselves."""
        running = list(self._running.values())
        for build, _ in running:
            self._fault(build.record.arn)
            build.stop.set()
        for _, thread in running:
            thread.join(_STOP_SECONDS)

    def _fault(self, arn: str) -> None:
        record = BuildRecord(self._context.store, self._context.outbox, arn)
        record.end("FAULT", "INTERNAL_SERVICE_ERROR", KILLED)
        record.finish("FAULT")

    def _live(self, build: _Build) -> None:
        record = build.record
        try:
            with suppress(PhaseFailure):
                self._run_in_turn(build)
        except Ended as ended:
            build.status = ended.status
            record.end(ended.status, f"BUILD_{ended.status}", ended.message)
        except Exception as error:
            logger.exception("The build %s failed because of an error in the local CodeBuild", record.arn)
            build.status = "FAULT"
            record.end("FAULT", "INTERNAL_SERVICE_ERROR", f"{type(error).__name__}: {error}")
        finally:
            record.finish(build.status)
            self._running.pop(record.arn, None)

    def _run_in_turn(self, build: _Build) -> None:
        limit = time.monotonic() + build.document["queuedTimeoutInMinutes"] * self._minute
        while not self._slots.acquire(timeout=_POLL_SECONDS):
            self._go_on(build, limit, "Build timed out while it was queued.")
        try:
            self._go_on(build, limit, "")
            build.record.end("SUCCEEDED")
            build.record.begin("PROVISIONING")
            place = Workspace(self._folder)
            try:
                self._run_logged(build, place)
            finally:
                place.close()
        finally:
            self._slots.release()

    def _run_logged(self, build: _Build, place: Workspace) -> None:
        logs = build.document["logs"]
        shipper = None
        if "groupName" in logs:
            client = build.context.aws.client("logs")
            shipper = LogShipper(client, logs["groupName"], logs["streamName"], place.log)
        try:
            self._run(build, place)
        finally:
            if shipper:
                shipper.close()

    def _run(self, build: _Build, place: Workspace) -> None:
        deadline = time.monotonic() + build.document["timeoutInMinutes"] * self._minute
        record = build.record
        place.prepare()
        record.end("SUCCEEDED")
        record.begin("DOWNLOAD_SOURCE")
        with _Phase(build, place):
            spec = self._download(build, place)
            values = self._variables(build, place, spec)
            environment = self._environment(build, values)
        self._go_on(build, deadline, "Build has timed out.")
        self._run_commands(build, place, _plan(place, spec, values), environment, deadline)
        if any(phase["phaseType"] == "BUILD" for phase in record.document["phases"]):
            record.begin("UPLOAD_ARTIFACTS")
            with suppress(PhaseFailure), _Phase(build, place):
                self._make_reports(build, place, spec)
                self._upload(build, place, spec)
        record.begin("FINALIZING")
        record.end("SUCCEEDED")

    def _go_on(self, build: _Build, limit: float, message: str) -> None:
        """Raise Ended if the build was stopped or has timed out."""
        if build.stop.is_set():
            raise Ended("STOPPED", "Build was stopped.")
        if time.monotonic() > limit:
            raise Ended("TIMED_OUT", message)

    def _download(self, build: _Build, place: Workspace) -> Buildspec:
        aws, document = build.context.aws, build.document
        version = document.get("sourceVersion", "")
        place.say("Phase is DOWNLOAD_SOURCE")
        resolved = sources.fetch(aws, document["source"], version, place.source)
        for secondary in document.get("secondarySources", ()):
            target = place.source_of(secondary["sourceIdentifier"])
            target.mkdir()
            sources.fetch(aws, secondary, "", target)
        if resolved:
            build.record.update(resolvedSourceVersion=resolved)
        return buildspec.parse(sources.read_buildspec(aws, document["source"].get("buildspec", ""), place.source))

    def _variables(self, build: _Build, place: Workspace, spec: Buildspec) -> Variables:
        own = variables.own_variables(build.record.document, self._context.aws.region)
        own["CODEBUILD_SRC_DIR"] = place.inside(place.source)
        for secondary in build.document.get("secondarySources", ()):
            name = secondary["sourceIdentifier"]
            own[f"CODEBUILD_SRC_DIR_{name}"] = place.inside(place.source_of(name))
        own["HOME"] = place.inside(place.root / "tmp")
        return variables.resolve(build.context.aws, spec, build.document, own)

    def _environment(self, build: _Build, values: Variables) -> dict[str, str]:
        """Return the environment of the commands: the variables, and the credentials of the project's role."""
        build.values = values.values
        try:
            return self._context.aws.environment(values.values, build.document["serviceRole"], "codebuild")
        except RoleError as error:
            raise PhaseFailure("ACCESS_DENIED", str(error)) from error

    def _run_commands(
        self, build: _Build, place: Workspace, plan: Document, environment: Mapping[str, str], deadline: float
    ) -> None:
        command = place.command(plan, environment)
        limits = Limits(max(deadline - time.monotonic(), 0.0), grace_seconds=0)
        follower = _Follower(build, place.status)
        try:
            with Container(place.root, command, place.log) as container:
                code = container.wait(limits, build.stop)
        except JobFailure as failure:
            raise RuntimeError(str(failure)) from failure
        finally:
            follower.close()
        self._go_on(build, deadline, "Build has timed out.")
        if code is None or not follower.complete:
            # The agent reports every failed command: so something has ended the agent itself.
            raise RuntimeError(f"The build's container ended with exit code {code} before its commands did")

    def _files(self, build: _Build, place: Workspace, files: FileSet) -> FileSet:
        """Expand the variables in a set of files; paths in CODEBUILD_SRC_DIR become relative to it."""
        found = files.expanded(build.values)
        return replace(found, base_directory=found.base_directory.removeprefix(place.inside(place.source)))

    def _make_reports(self, build: _Build, place: Workspace, spec: Buildspec) -> None:
        made = []
        for name, files in spec.reports.items():
            try:
                made.append(
                    reports.make(build.context, build.document, name, self._files(build, place, files), place.source)
                )
            except (NothingFound, ValueError, ClientError) as error:
                place.say(f"Error processing report {name}: {error}")
        if made:
            build.record.update(reportArns=made)

    def _upload(self, build: _Build, place: Workspace, spec: Buildspec) -> None:
        client, internal = build.context.aws.client("s3"), build.internal
        wanted = internal["artifacts"]
        if wanted["type"] == "S3":
            if spec.artifacts is None:
                raise PhaseFailure("CLIENT_ERROR", "The buildspec has no artifacts: add artifacts/files")
            made = artifacts.upload(
                client, wanted, self._files(build, place, spec.artifacts), place.source, build.document
            )
            build.record.update(artifacts={**build.document["artifacts"], **made})
        done = []
        for secondary in internal["secondaryArtifacts"]:
            name = secondary["artifactIdentifier"]
            if name not in spec.secondary_artifacts:
                raise PhaseFailure("CLIENT_ERROR", f"The buildspec has no secondary-artifacts named {name}")
            files = self._files(build, place, spec.secondary_artifacts[name])
            made = artifacts.upload(client, secondary, files, place.source, build.document)
            done.append({"artifactIdentifier": name, **made})
        if done:
            build.record.update(secondaryArtifacts=done)


def _plan(place: Workspace, spec: Buildspec, values: Variables) -> Document:
    """Return the plan for the agent."""
    phases = [
        {
            "name": phase.name,
            "commands": list(phase.commands),
            "finally": list(phase.last),
            "on_failure": phase.on_failure,
        }
        for phase in spec.phases
    ]
    return {
        "shell": spec.shell,
        "directory": place.inside(place.source),
        "phases": phases,
        "exported": list(spec.exported_variables),
        "secrets": sorted(values.secrets),
        "notices": workspace.notices(spec.runtimes),
    }


class _Phase:
    """A phase that the server runs itself: it succeeds, or fails with the reason, in the record and in the log."""

    def __init__(self, build: _Build, place: Workspace) -> None:
        self._build, self._place = build, place

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        record, phase = self._build.record, self._build.record.document["currentPhase"]
        if isinstance(error, PhaseFailure):
            self._build.status = "FAILED"
            record.end("FAILED", error.status_code, error.message)
            self._place.say(f"Phase complete: {phase} State: FAILED")
            self._place.say(f"Phase context status code: {error.status_code} Message: {error.message}")
        elif error is None:
            record.end("SUCCEEDED")
            self._place.say(f"Phase complete: {phase} State: SUCCEEDED")
            self._place.say("Phase context status code:  Message: ")


class _Follower:
    """Records what the agent reports, as it arrives.

    Attributes
    ----------
    complete : bool
        Whether the agent has finished.
    """

    def __init__(self, build: _Build, status: Path) -> None:
        self._build, self._status = build, status
        self._position = 0
        self.complete = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="phases", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Record what is left."""
        self._closed.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closed.wait(_POLL_SECONDS):
            self._read()
        self._read()

    def _read(self) -> None:
        if not self._status.exists():
            return
        with self._status.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            self._note(json.loads(line))

    def _note(self, report: Document) -> None:
        record, at = self._build.record, report["time"]
        if "exported" in report:
            self.complete = True
            if report["exported"]:
                pairs = [{"name": name, "value": value} for name, value in report["exported"].items()]
                record.update(exportedEnvironmentVariables=pairs)
                self._build.values = {**self._build.values, **report["exported"]}
        elif report["status"] == IN_PROGRESS:
            record.begin(report["phase"], at)
        else:
            failed = report["status"] == "FAILED"
            if failed:
                self._build.status = "FAILED"
            code = "COMMAND_EXECUTION_ERROR" if failed else ""
            record.end(report["status"], code, report["message"], at, report["phase"])
