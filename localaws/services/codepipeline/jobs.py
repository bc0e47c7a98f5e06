"""Jobs of Lambda functions, and the results that the functions report."""

import time

from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codepipeline.errors import InvalidJobState, JobNotFound
from localaws.storage.store import Resource

KIND = "codepipeline/job"


class Jobs:
    """The account's jobs.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def open(self, number: str) -> None:
        """Create a job that waits for a result; an existing job stays as it is."""
        self._context.store.add(Resource(KIND, number, f"{KIND}/{number}", {"id": number}))

    def result(self, number: str) -> Document | None:
        """Return the result reported for a job, or None."""
        found = self._context.store.by_arn(f"{KIND}/{number}")
        return None if found is None else found.document.get("result")

    def succeed(self, request: Document) -> Document:
        """Handle PutJobSuccessResult."""
        return self._end(request)

    def fail(self, request: Document) -> Document:
        """Handle PutJobFailureResult."""
        return self._end(request)

    def _end(self, request: Document) -> Document:
        number = request["jobId"]

        def edit(document: Document, _: Document) -> None:
            if "result" in document:
                raise InvalidJobState(f"The job {number} has ended already")
            document["result"] = {**request, "at": time.time()}

        if self._context.store.change(f"{KIND}/{number}", edit) is None:
            raise JobNotFound(f"There is no job {number}")
        return {}
