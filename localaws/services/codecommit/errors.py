"""What CodeCommit answers when it does not carry out a request, beside what every service may."""

from localaws.api_errors import ApiError


class RepositoryDoesNotExist(ApiError):
    """No repository of that name."""

    code = "RepositoryDoesNotExistException"


class RepositoryNameExists(ApiError):
    """The name is taken."""

    code = "RepositoryNameExistsException"


class BranchDoesNotExist(ApiError):
    """No branch of that name."""

    code = "BranchDoesNotExistException"


class BranchNameExists(ApiError):
    """The branch is there already."""

    code = "BranchNameExistsException"


class InvalidBranchName(ApiError):
    """Git takes no branch of that name."""

    code = "InvalidBranchNameException"


class DefaultBranchCannotBeDeleted(ApiError):
    """The branch is the default one."""

    code = "DefaultBranchCannotBeDeletedException"


class CommitDoesNotExist(ApiError):
    """No commit, branch or tag of that name."""

    code = "CommitDoesNotExistException"


class CommitIdDoesNotExist(ApiError):
    """No commit of that id."""

    code = "CommitIdDoesNotExistException"


class BlobIdDoesNotExist(ApiError):
    """No blob of that id."""

    code = "BlobIdDoesNotExistException"


class FileDoesNotExist(ApiError):
    """No file at that path."""

    code = "FileDoesNotExistException"


class FolderDoesNotExist(ApiError):
    """No folder at that path."""

    code = "FolderDoesNotExistException"


class InvalidPath(ApiError):
    """Git takes no such path."""

    code = "InvalidPathException"


class ParentCommitIdRequired(ApiError):
    """The branch has commits: which one is meant to be followed?"""

    code = "ParentCommitIdRequiredException"


class ParentCommitIdOutdated(ApiError):
    """The branch has a newer commit than the one that was named."""

    code = "ParentCommitIdOutdatedException"


class FileEntryRequired(ApiError):
    """A commit of no file."""

    code = "FileEntryRequiredException"


class NoChange(ApiError):
    """A commit that changes nothing."""

    code = "NoChangeException"


class SameFileContent(ApiError):
    """The file is there with this content."""

    code = "SameFileContentException"


class GitFailed(ApiError):
    """The git program is not there, or failed where it must not."""

    http_status = 500
