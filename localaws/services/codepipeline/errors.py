"""What CodePipeline answers when it does not carry out a request, beside what every service may."""

from localaws.api_errors import ApiError


class PipelineNotFound(ApiError):
    """No pipeline of that name."""

    code = "PipelineNotFoundException"


class PipelineVersionNotFound(ApiError):
    """The pipeline has no such version."""

    code = "PipelineVersionNotFoundException"


class PipelineNameInUse(ApiError):
    """The name is taken."""

    code = "PipelineNameInUseException"


class PipelineExecutionNotFound(ApiError):
    """The pipeline has no such execution."""

    code = "PipelineExecutionNotFoundException"


class PipelineExecutionNotStoppable(ApiError):
    """The execution has ended."""

    code = "PipelineExecutionNotStoppableException"


class DuplicatedStopRequest(ApiError):
    """The execution is being stopped already."""

    code = "DuplicatedStopRequestException"


class ConcurrentPipelineExecutionsLimitExceeded(ApiError):
    """So many executions at once there cannot be."""

    code = "ConcurrentPipelineExecutionsLimitExceededException"


class InvalidStructure(ApiError):
    """Stages, artifacts or variables do not fit together."""

    code = "InvalidStructureException"


class InvalidStageDeclaration(ApiError):
    """A stage cannot be like that."""

    code = "InvalidStageDeclarationException"


class InvalidActionDeclaration(ApiError):
    """An action cannot be like that."""

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
    """A newer execution has come to the stage."""

    code = "NotLatestPipelineExecutionException"


class UnableToRollbackStage(ApiError):
    """The stage cannot go back to that execution."""

    code = "UnableToRollbackStageException"


class InvalidApprovalToken(ApiError):
    """The approval is waited for under another token."""

    code = "InvalidApprovalTokenException"


class ApprovalAlreadyCompleted(ApiError):
    """Somebody has answered already, or nobody in time."""

    code = "ApprovalAlreadyCompletedException"


class JobNotFound(ApiError):
    """No job of that id."""

    code = "JobNotFoundException"


class InvalidJobState(ApiError):
    """The job has ended."""

    code = "InvalidJobStateException"


class ResourceNotFound(ApiError):
    """No pipeline of that ARN."""

    code = "ResourceNotFoundException"
