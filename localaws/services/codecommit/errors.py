"""The errors of CodeCommit, beside those that every service has."""

from localaws.api_errors import ApiError


class RepositoryDoesNotExist(ApiError):
    """No repository has that name."""

    code = "RepositoryDoesNotExistException"


class RepositoryNameExists(ApiError):
    """The repository name is in use."""

    code = "RepositoryNameExistsException"


class BranchDoesNotExist(ApiError):
    """No branch has that name."""

    code = "BranchDoesNotExistException"


class BranchNameExists(ApiError):
    """The branch exists already."""

    code = "BranchNameExistsException"


class InvalidBranchName(ApiError):
    """Git does not accept the branch name."""

    code = "InvalidBranchNameException"


class DefaultBranchCannotBeDeleted(ApiError):
    """The branch is the default branch."""

    code = "DefaultBranchCannotBeDeletedException"


class CommitDoesNotExist(ApiError):
    """No commit, branch or tag has that name."""

    code = "CommitDoesNotExistException"


class CommitIdDoesNotExist(ApiError):
    """No commit has that ID."""

    code = "CommitIdDoesNotExistException"


class BlobIdDoesNotExist(ApiError):
    """No blob has that ID."""

    code = "BlobIdDoesNotExistException"


class FileDoesNotExist(ApiError):
    """No file at that path."""

    code = "FileDoesNotExistException"


class FolderDoesNotExist(ApiError):
    """No folder at that path."""

    code = "FolderDoesNotExistException"


class InvalidPath(ApiError):
    """The path is not valid in git."""

    code = "InvalidPathException"


class ParentCommitIdRequired(ApiError):
    """The branch has commits, and the request does not name the parent commit."""

    code = "ParentCommitIdRequiredException"


class ParentCommitIdOutdated(ApiError):
    """The branch has a newer commit than the named one."""

    code = "ParentCommitIdOutdatedException"


class FileEntryRequired(ApiError):
    """The commit contains no file."""

    code = "FileEntryRequiredException"


class NoChange(ApiError):
    """The commit changes nothing."""

    code = "NoChangeException"


class SameFileContent(ApiError):
    """The file has this content already."""

    code = "SameFileContentException"


class GitFailed(ApiError):
    """The git program is missing, or failed unexpectedly."""

    http_status = 500
