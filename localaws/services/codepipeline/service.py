"""The operations of CodePipeline."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from localaws.api_errors import UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.service.tagging import Tagging
from localaws.services.codepipeline.actions.catalog import PROVIDERS
from localaws.services.codepipeline.declarations import Declarations
from localaws.services.codepipeline.engine import Engine
from localaws.services.codepipeline.errors import PipelineNotFound, ResourceNotFound
from localaws.services.codepipeline.events import Events
from localaws.services.codepipeline.executions import ACTION, KIND, Executions
from localaws.services.codepipeline.flow import Flow
from localaws.services.codepipeline.interventions import Interventions
from localaws.services.codepipeline.jobs import Jobs
from localaws.services.codepipeline.polling import Polling
from localaws.services.codepipeline.structure import check
from localaws.services.codepipeline.views import Views
from localaws.settings import time_scale

_REVISIONS = ("COMMIT_ID", "S3_OBJECT_VERSION_ID")


class CodePipeline(Service):
    """Pipelines, their executions, approvals and jobs.

    Parameters
    ----------
    context : Context
    """

    name = "codepipeline"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._declarations = Declarations(context, partial(check, providers=PROVIDERS, region=context.aws.region))
        self._executions = Executions(context, Events(context.outbox, context.aws.region))
        self._views = Views(context, self._declarations, self._executions)
        flow = Flow(context, self._executions, PROVIDERS, time_scale())
        self._engine = Engine(context, flow, Polling(context, self._executions, PROVIDERS))

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        declarations, views, jobs = self._declarations, self._views, Jobs(self.context)
        interventions = Interventions(self.context, declarations, self._executions, views)
        return {
            "CreatePipeline": self._then_look(self._create),
            "UpdatePipeline": declarations.update,
            "GetPipeline": declarations.describe,
            "DeletePipeline": self._delete,
            "ListPipelines": declarations.every,
            "StartPipelineExecution": self._then_look(self._start),
            "StopPipelineExecution": self._then_look(self._stop),
            "GetPipelineState": views.state,
            "GetPipelineExecution": views.execution,
            "ListPipelineExecutions": views.executions,
            "ListActionExecutions": views.actions,
            "PutApprovalResult": self._then_look(interventions.approve),
            "RetryStageExecution": self._then_look(interventions.retry),
            "RollbackStage": self._then_look(interventions.roll_back),
            "EnableStageTransition": self._then_look(declarations.enable_transition),
            "DisableStageTransition": declarations.disable_transition,
            "PutJobSuccessResult": self._then_look(jobs.succeed),
            "PutJobFailureResult": self._then_look(jobs.fail),
            **Tagging(self.context.store, _no_pipeline, are_listed=True).handlers(),
        }

    def recover(self) -> None:
        """Resume every execution."""
        self._engine.start()

    def close(self) -> None:
        """Start nothing more; what actions have started continues elsewhere."""
        self._engine.close()

    def _then_look(self, handler: Callable[[Document], Document]) -> Handler:
        def handle(request: Document) -> Document:
            answer = handler(request)
            self._engine.wake()
            return answer

        return handle

    def _create(self, request: Document) -> Document:
        """Handle CreatePipeline; the pipeline starts immediately."""
        with self.context.store.transaction():
            pipeline = self._declarations.create(request)
            self._executions.start(pipeline, {"triggerType": "CreatePipeline", "triggerDetail": self._user})
        return {"pipeline": pipeline.document, "tags": request.get("tags", [])}

    def _start(self, request: Document) -> Document:
        """Handle StartPipelineExecution; the same token starts only one execution."""
        return self.context.once("codepipeline.StartPipelineExecution", request, lambda: self._begin(request))

    def _begin(self, request: Document) -> Document:
        variables = {variable["name"]: variable["value"] for variable in request.get("variables", ())}
        pipeline = self._declarations.get(request["name"])
        trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": self._user}
        revisions = _revisions(pipeline.document, request.get("sourceRevisions", ()))
        return {"pipelineExecutionId": self._executions.start(pipeline, trigger, variables, revisions)}

    def _stop(self, request: Document) -> Document:
        return self._executions.stop(self._declarations.get(request["pipelineName"]), request)

    def _delete(self, request: Document) -> Document:
        """Handle DeletePipeline; deleting an absent pipeline succeeds."""
        store = self.context.store
        with store.transaction():
            try:
                pipeline = self._declarations.get(request["name"])
            except PipelineNotFound:
                return {}
            for execution in store.every(KIND, parent=pipeline.arn):
                for action in store.every(ACTION, parent=execution.arn):
                    store.remove(action.arn)
                store.remove(execution.arn)
            store.remove(pipeline.arn)
        return {}

    @property
    def _user(self) -> str:
        return f"arn:aws:iam::{self.context.aws.account_id}:root"


def _no_pipeline(arn: str) -> ResourceNotFound:
    return ResourceNotFound(f"There is no pipeline {arn}")


def _revisions(declaration: Document, given: Sequence[Document]) -> dict[str, str]:
    """Return the requested revisions by source action."""
    sources = [action["name"] for action in declaration["stages"][0]["actions"]]
    for each in given:
        if each["actionName"] not in sources:
            raise ValidationError(f"{each['actionName']} is not a source action, unlike {', '.join(sources)}")
        if each["revisionType"] not in _REVISIONS:
            raise UnsupportedOperation(f"Local AWS has revisions of the type {_REVISIONS}, not {each['revisionType']}")
    return {each["actionName"]: each["revisionValue"] for each in given}
