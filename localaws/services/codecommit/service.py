"""The operations of CodeCommit."""

import threading
from collections.abc import Mapping

from localaws.protocol.asgi import Application
from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.service.tagging import Tagging
from localaws.services.codecommit.commits import Commits
from localaws.services.codecommit.content import Content
from localaws.services.codecommit.errors import RepositoryDoesNotExist
from localaws.services.codecommit.http import routes
from localaws.services.codecommit.repositories import Repositories


class CodeCommit(Service):
    """Repositories, branches, commits, files.

    Parameters
    ----------
    context : Context
    """

    name = "codecommit"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._repositories = Repositories(context)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        repositories, content = self._repositories, Content(self._repositories)
        commits = Commits(repositories)
        return {
            "CreateRepository": repositories.create,
            "GetRepository": repositories.describe,
            "BatchGetRepositories": repositories.batch_get,
            "ListRepositories": repositories.every,
            "DeleteRepository": repositories.delete,
            "UpdateRepositoryDescription": repositories.update_description,
            "UpdateDefaultBranch": repositories.update_default_branch,
            "GetBranch": repositories.branch,
            "ListBranches": repositories.branches,
            "CreateBranch": repositories.create_branch,
            "DeleteBranch": repositories.delete_branch,
            "GetCommit": content.commit,
            "GetFile": content.file,
            "GetBlob": content.blob,
            "GetFolder": content.folder,
            "GetDifferences": content.differences,
            "CreateCommit": commits.create,
            "PutFile": commits.put_file,
            **Tagging(self.context.store, lambda arn: RepositoryDoesNotExist(f"{arn} does not exist")).handlers(),
        }

    def routes(self) -> Mapping[str, Application]:
        """Return the application for ``git clone`` and ``git push``."""
        return routes(self._repositories)

    def recover(self) -> None:
        """Announce the pushes that the last server accepted but did not announce."""
        threading.Thread(target=self._repositories.announce_all, name="codecommit", daemon=True).start()

    def close(self) -> None:
        """Do nothing: git programs end with their requests."""
