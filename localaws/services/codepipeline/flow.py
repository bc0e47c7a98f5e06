"""What happens next: which execution may enter a stage, which actions start, how a stage ends.

Nothing is carried out here; everything reads and writes the store, in one transaction.
"""

import time
import uuid
from collections import defaultdict

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.actions.action import Job, Progress, Provider, acting_for
from localaws.services.codepipeline.artifacts import ArtifactStore
from localaws.services.codepipeline.executions import ACTION, Executions
from localaws.services.codepipeline.structure import Providers, run_orders
from localaws.services.codepipeline.variables import UnknownVariable, resolve
from localaws.storage.store import Resource


class Flow:
    """The decisions.

    Parameters
    ----------
    context : Context
    executions : Executions
    providers : mapping of (category, provider) to Provider
    scale : float
        How many seconds one second of waiting for an approval takes here.
    """

    def __init__(self, context: Context, executions: Executions, providers: Providers, scale: float) -> None:
        self._context, self._executions, self._providers = context, executions, providers
        self._scale = scale

    def decide(self) -> bool:
        """Take all executions as far as they get without waiting; return whether anything has changed."""
        with self._context.store.transaction():
            by_pipeline: dict[str, list[Resource]] = defaultdict(list)
            for execution in self._executions.running():
                by_pipeline[execution.parent].append(execution)
            changed = False
            for arn, executions in by_pipeline.items():
                pipeline = self._context.store.by_arn(arn)
                if pipeline is not None:
                    entered = [each for each in executions if each.internal["entered"]]
                    waiting = [each for each in executions if not each.internal["entered"]]
                    advanced = [self._advance(execution) for execution in entered]
                    changed = self._admit(pipeline, entered, waiting) or any(advanced) or changed
            return changed

    def job(self, action: Resource) -> Job | None:
        """Return an action's run for its provider; None if its pipeline has been deleted."""
        execution = self._context.store.by_arn(action.parent)
        if execution is None:
            return None
        document, internal = action.document, action.internal
        pipeline_role, role_arn = execution.internal["declaration"]["roleArn"], internal["declaration"].get("roleArn")
        context = acting_for(self._context, pipeline_role, role_arn)
        return Job(
            context=context,
            number=action.name,
            again=internal["phase"] == "starting",
            pipeline_name=execution.document["pipelineName"],
            stage=document["stageName"],
            declaration=internal["declaration"],
            configuration=document["input"]["resolvedConfiguration"],
            inputs=_locations(document["input"]["inputArtifacts"]),
            outputs=_locations(document["output"]["outputArtifacts"]),
            artifacts=ArtifactStore.of(context, execution.internal["declaration"]),
            memory=internal["memory"],
            started=document["startTime"],
            expires=internal["expires"],
            revision=execution.internal.get("revisions", {}).get(document["actionName"]),
        )

    def provider(self, action: Resource) -> Provider:
        """Return the provider of an action."""
        kind = action.document["input"]["actionTypeId"]
        return self._providers[(kind["category"], kind["provider"])]

    def report(self, action: Resource, progress: Progress) -> None:
        """Record how far an action has got; one that has ended meanwhile stays as it is."""
        with self._context.store.transaction():
            known = self._context.store.by_arn(action.arn)
            if known is None or known.document["status"] != "InProgress":
                return
            result: Document = dict(progress.external)
            if progress.summary and progress.status != "Failed":
                result["externalExecutionSummary"] = progress.summary[:2048]
            if progress.status == "InProgress":
                self._remember(known, progress, result)
                return
            if progress.status == "Failed":
                result["errorDetails"] = {"code": progress.error_code, "message": progress.summary}
            output = {"executionResult": result, "outputVariables": dict(progress.variables)}
            self._executions.end_action(known, progress.status, progress.status.upper(), output)
            if progress.status == "Succeeded":
                self._give(known, progress)

    def _remember(self, action: Resource, progress: Progress, result: Document) -> None:
        memory = dict(progress.memory)
        if memory == action.internal["memory"] and action.internal["phase"] == "started":
            return

        def edit(document: Document, internal: Document) -> None:
            internal.update(phase="started", memory=memory)
            if result:
                document["output"]["executionResult"] = result

        self._context.store.change(action.arn, edit)

    def _give(self, action: Resource, progress: Progress) -> None:
        """Pass what an action has produced to the actions that follow."""
        execution = self._context.store.by_arn(action.parent)
        if execution is None:
            return
        document, declaration = action.document, action.internal["declaration"]
        made = _locations(document["output"]["outputArtifacts"])
        namespace = declaration.get("namespace")

        def edit(shown: Document, internal: Document) -> None:
            internal["artifacts"].update(made)
            if namespace:
                internal["namespaces"][namespace] = dict(progress.variables)
            if progress.revision:
                shown["sourceRevisions"].append({"actionName": declaration["name"], **progress.revision})
                now = {"created": time.time()}
                shown["artifactRevisions"] += [{"name": name, **now, **progress.revision} for name in made]

        self._executions.note(execution, edit)
        if progress.revision:
            seen = {declaration["name"]: progress.revision["revisionId"]}
            self._context.store.change(execution.parent, lambda _, internal: internal["seen"].update(seen))

    def _admit(self, pipeline: Resource, entered: list[Resource], waiting: list[Resource]) -> bool:
        """Let executions enter stages, as the pipeline's mode allows."""
        mode = pipeline.document["executionMode"]
        occupied = {_stage(execution)["name"] for execution in entered}
        before: dict[str, list[Resource]] = defaultdict(list)
        for execution in waiting:
            before[_stage(execution)["name"]].append(execution)
        changed = False
        for stage, candidates in before.items():
            remaining = self._supersede(candidates) if mode == "SUPERSEDED" else candidates
            is_open = pipeline.internal["transitions"].get(stage, {}).get("enabled", True)
            if is_open and mode != "PARALLEL":
                remaining = [] if stage in occupied else remaining[:1]
            for execution in remaining if is_open else ():
                self._executions.enter(execution, stage)
                changed = True
        return changed

    def _supersede(self, candidates: list[Resource]) -> list[Resource]:
        """Keep only the newest of the executions that wait for the same stage."""
        *older, newest = candidates
        for execution in older:
            summary = f"Superseded by the pipeline execution {newest.name}"
            self._executions.set_status(execution, "Superseded", "SUPERSEDED", summary)
        return [newest]

    def _advance(self, execution: Resource) -> bool:
        """Start the actions of an execution's stage that can start, or end the stage."""
        stage = _stage(execution)
        name = stage["name"]
        ids = execution.internal["actions"].get(name, {})
        found = {key: self._context.store.by_arn(f"{ACTION}/{number}") for key, number in ids.items()}
        statuses = {key: action.document["status"] for key, action in found.items() if action is not None}
        if "InProgress" not in statuses.values():
            if execution.document["status"] == "Stopping":
                self._executions.leave(execution, name, "Stopped", "STOPPED")
                return True
            if any(status != "Succeeded" for status in statuses.values()):
                self._executions.leave(execution, name, "Failed", "FAILED")
                return True
        elif execution.document["status"] == "Stopping" or set(statuses.values()) & {"Failed", "Abandoned"}:
            return False
        for together in run_orders(stage):
            missing = [action for action in together if action["name"] not in statuses]
            for declaration in missing:
                self._begin(execution, name, declaration)
            if missing:
                return True
            if any(statuses[action["name"]] != "Succeeded" for action in together):
                return False
        self._executions.leave(execution, name, "Succeeded", "SUCCEEDED")
        return True

    def _begin(self, execution: Resource, stage: str, declaration: Document) -> None:
        """Record that an action starts."""
        number, now = str(uuid.uuid4()), time.time()
        pipeline, configuration = execution.internal["declaration"], declaration.get("configuration", {})
        problem: UnknownVariable | None = None
        try:
            namespaces = execution.internal["namespaces"]
            configuration = {key: resolve(text, namespaces) for key, text in configuration.items()}
        except UnknownVariable as error:
            problem = error
        store = ArtifactStore.of(self._context, pipeline)
        outputs = [artifact["name"] for artifact in declaration.get("outputArtifacts", ())]
        made = [_artifact(name, store.location(pipeline["name"], name, number)) for name in outputs]
        document = {
            "pipelineExecutionId": execution.name,
            "actionExecutionId": number,
            "pipelineVersion": pipeline["version"],
            "stageName": stage,
            "actionName": declaration["name"],
            "startTime": now,
            "lastUpdateTime": now,
            "status": "InProgress",
            "input": self._input(execution, declaration, configuration),
            "output": {"outputArtifacts": made, "outputVariables": {}},
        }
        expires = now + self._patience(declaration)
        internal = {"phase": "new", "memory": {}, "declaration": declaration, "expires": expires}
        action = Resource(
            ACTION, number, f"{ACTION}/{number}", document, internal, parent=execution.arn, status="InProgress"
        )
        self._executions.add_action(execution, action)
        if problem is not None:
            self.report(action, Progress("Failed", str(problem), error_code="ConfigurationError"))

    def _input(self, execution: Resource, declaration: Document, resolved: Document) -> Document:
        """Return an action's input as ListActionExecutions shows it."""
        names = [artifact["name"] for artifact in declaration.get("inputArtifacts", ())]
        told = {
            "actionTypeId": declaration["actionTypeId"],
            "configuration": declaration.get("configuration", {}),
            "resolvedConfiguration": resolved,
            "roleArn": declaration.get("roleArn"),
            "region": self._context.aws.region,
            "namespace": declaration.get("namespace"),
            "inputArtifacts": [_artifact(name, execution.internal["artifacts"][name]) for name in names],
        }
        return {name: value for name, value in told.items() if value is not None}

    def _patience(self, declaration: Document) -> float:
        """Return how many seconds an action may take."""
        kind = declaration["actionTypeId"]
        provider = self._providers[(kind["category"], kind["provider"])]
        minutes: float = declaration.get("timeoutInMinutes", provider.timeout_minutes)
        return minutes * 60 * (self._scale if kind["category"] == "Approval" else 1.0)


def _stage(execution: Resource) -> Document:
    found: Document = execution.internal["declaration"]["stages"][execution.internal["stage"]]
    return found


def _artifact(name: str, location: Document) -> Document:
    return {"name": name, "s3location": location}


def _locations(artifacts: list[Document]) -> dict[str, Document]:
    return {artifact["name"]: artifact["s3location"] for artifact in artifacts}
