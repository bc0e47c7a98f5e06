"""The operations of CodeBuild."""

from collections.abc import Mapping
from functools import partial

from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.services.codebuild import projects, reports
from localaws.services.codebuild.builds import Builds
from localaws.services.codebuild.errors import InvalidInput
from localaws.services.codebuild.runner import BuildRunner


class CodeBuild(Service):
    """Projects, builds and reports.

    Parameters
    ----------
    context : Context
    """

    name = "codebuild"
    invalid = InvalidInput
    token_mismatch = InvalidInput

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._runner = BuildRunner(context)
        self._runner.clear()
        self._builds = Builds(context, self._runner)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        return {
            "CreateProject": partial(projects.create, self.context),
            "UpdateProject": partial(projects.update, self.context),
            "DeleteProject": partial(projects.delete, self.context),
            "BatchGetProjects": partial(projects.batch_get, self.context),
            "ListProjects": partial(projects.list_all, self.context),
            "StartBuild": self._builds.start,
            "RetryBuild": self._builds.retry,
            "StopBuild": self._builds.stop,
            "BatchGetBuilds": self._builds.batch_get,
            "BatchDeleteBuilds": self._builds.batch_delete,
            "ListBuilds": self._builds.list_all,
            "ListBuildsForProject": self._builds.list_all,
            "CreateReportGroup": partial(reports.create_group, self.context),
            "DeleteReportGroup": partial(reports.delete_group, self.context),
            "BatchGetReportGroups": partial(reports.batch_get_groups, self.context),
            "ListReportGroups": partial(reports.list_groups, self.context),
            "BatchGetReports": partial(reports.batch_get, self.context),
            "ListReports": partial(reports.list_all, self.context),
            "ListReportsForReportGroup": partial(reports.list_all, self.context),
            "DescribeTestCases": partial(reports.describe_test_cases, self.context),
        }

    def recover(self) -> None:
        """End the builds that were running when the last server died: their processes are gone."""
        self._runner.recover()

    def close(self) -> None:
        """End the running builds."""
        self._runner.close()
