"""The errors of CodePipeline, beside those that every service has."""

from localaws.api_errors import ApiError


class PipelineNotFound(ApiError):
    """No pipeline has that name."""

    code = "PipelineNotFoundException"


class PipelineVersionNotFound(ApiError):
    """The pipeline has no such version."""

    code = "PipelineVersionNotFoundException"


class PipelineNameInUse(ApiError):
    """The pipeline name is in use."""

    code = "PipelineNameInUseException"


class PipelineExecutionNotFound(ApiError):
    """The pipeline has no such execution."""

    code = "PipelineExecutionNotFoundException"


class PipelineExecutionNotStoppable(ApiError):
    """The execution has ended already."""

    code = "PipelineExecutionNotStoppableException"


class DuplicatedStopRequest(ApiError):
    """The execution is being stopped already."""

    code = "DuplicatedStopRequestException"


class ConcurrentPipelineExecutionsLimitExceeded(ApiError):
    """The limit of concurrent executions is reached."""

    code = "ConcurrentPipelineExecutionsLimitExceededException"


class InvalidStructure(ApiError):
    """Stages, artifacts or variables are inconsistent."""

    code = "InvalidStructureException"


class InvalidStageDeclaration(ApiError):
    """A stage is invalid."""

    code = "InvalidStageDeclarationException"


class InvalidActionDeclaration(ApiError):
    """An action is invalid."""

    code = "InvalidActionDeclarationException"


class StageNotFound(ApiError):
    """The pipeline has no such stage."""

    code = "StageNotFoundException"


class ActionNotFound(ApiError):
    """The stage has no such action."""

    code = "ActionNotFoundException"


class StageNotRetryable(ApiError):
    """The stage has not failed."""

    code = "StageNotRetryableException"


class NotLatestPipelineExecution(ApiError):
    """A newer execution has reached the stage."""

    code = "NotLatestPipelineExecutionException"


class UnableToRollbackStage(ApiError):
    """The stage cannot be rolled back to that execution."""

    code = "UnableToRollbackStageException"


class InvalidApprovalToken(ApiError):
    """The token is not the one of the pending approval."""

    code = "InvalidApprovalTokenException"


class ApprovalAlreadyCompleted(ApiError):
    """The approval was answered already, or has timed out."""

    code = "ApprovalAlreadyCompletedException"


class JobNotFound(ApiError):
    """No job has that ID."""

    code = "JobNotFoundException"


class InvalidJobState(ApiError):
    """The job has ended."""

    code = "InvalidJobStateException"


class ResourceNotFound(ApiError):
    """No pipeline has that ARN."""

    code = "ResourceNotFoundException"
