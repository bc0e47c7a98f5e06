"""The thread that advances executions: it decides what to do, and polls each running action in a thread of its own.

Polling is short: an action's work is done elsewhere. A service that cannot be reached is polled again; an action whose
request is refused has failed.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from localaws.api_errors import ApiError
from localaws.service.context import Context
from localaws.services.codecommit.git import GitError
from localaws.services.codepipeline.actions.action import Job, Progress, Provider, failed
from localaws.services.codepipeline.executions import ACTION
from localaws.services.codepipeline.flow import Flow
from localaws.services.codepipeline.polling import Polling
from localaws.storage import disk
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0
_THREADS = 8
# A role lacks a permission or cannot be assumed; S3 answers HEAD with nothing but the number.
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")
_POLLING = "polling"


class Engine:
    """Carries out pipelines.

    Parameters
    ----------
    context : Context
    flow : Flow
    polling : Polling
    """

    def __init__(self, context: Context, flow: Flow, polling: Polling) -> None:
        self._context, self._flow, self._polling = context, flow, polling
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="action")
        self._under_way: set[str] = set()
        self._lock = threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="codepipeline", daemon=True)

    def start(self) -> None:
        """Start the thread; what was running is in the store."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and wait for it to end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def wake(self) -> None:
        """Make the thread look now, since something has changed."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            seconds = _BUSY_SECONDS
            try:
                while self._flow.decide():
                    pass
                seconds = _BUSY_SECONDS if self._look() else _IDLE_SECONDS
                self._once(_POLLING, self._polling.look)
            except (BotoCoreError, ClientError, ApiError) as error:
                logger.warning("CodePipeline waits: %s", error)
            except Exception:
                logger.exception("Unexpected error in CodePipeline")
            self._wake.wait(seconds)

    def _look(self) -> bool:
        """Poll each running action, unless it is being polled already; return whether there are any."""
        actions = self._context.store.every(ACTION, status="InProgress")
        for action in actions:
            self._once(action.arn, partial(self._take_on, action.arn))
        return bool(actions)

    def _once(self, what: str, work: Callable[[], None]) -> None:
        """Run work in a thread unless it is running already."""
        with self._lock:
            if what in self._under_way:
                return
            self._under_way.add(what)
        self._pool.submit(self._do, what, work)

    def _do(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception("Unexpected error in CodePipeline at %s", what)
        finally:
            with self._lock:
                self._under_way.discard(what)

    def _take_on(self, arn: str) -> None:
        action = self._context.store.by_arn(arn)
        if action is None or action.document["status"] != "InProgress":
            return
        job = self._flow.job(action)
        if job is None:
            self._context.store.remove(arn)
            return
        progress = self._progress(action, job)
        if progress is not None:
            self._flow.report(action, progress)
            if progress.status != "InProgress":
                self.wake()

    def _progress(self, action: Resource, job: Job) -> Progress | None:
        """Return how far an action has got, or None if that cannot be found out now."""
        provider, where = self._flow.provider(action), f"{job.pipeline_name}/{job.stage}/{job.declaration['name']}"
        try:
            return self._ask(provider, action, job)
        except (BotoCoreError, ClientError) as error:
            if (refusal := _refusal(error)) is not None:
                return refusal
            logger.warning("%s waits: %s", where, error)
            return None
        except ApiError as error:
            return failed(error.message, error.code)
        except GitError as error:
            return failed(str(error))
        except Exception as error:
            return self._unforeseen(error, where)

    def _unforeseen(self, error: Exception, where: str) -> Progress:
        if disk.is_full(error):
            return failed(disk.full(self._context.state_dir), "InsufficientStorage")
        logger.error("Unexpected error in CodePipeline at %s", where, exc_info=error)
        return failed("A defect in local AWS itself: see local-aws logs services", "InternalFailure")

    def _ask(self, provider: Provider, action: Resource, job: Job) -> Progress:
        if time.time() >= job.expires:
            return self._expire(provider, action, job)
        if action.internal["phase"] == "started":
            return provider.poll(job)
        # Recorded before it happens: after a crash the next server checks whether the action was started.
        self._context.store.change(action.arn, lambda _, internal: internal.update(phase="starting"))
        return provider.start(job)

    def _expire(self, provider: Provider, action: Resource, job: Job) -> Progress:
        if action.internal["phase"] == "started":
            provider.stop(job)
        minutes = job.declaration.get("timeoutInMinutes", provider.timeout_minutes)
        return failed(
            f"The action {job.declaration['name']} has timed out: it took more than {minutes} minutes", "TimedOut"
        )


def _refusal(error: BotoCoreError | ClientError) -> Progress | None:
    """Return the end of an action whose request was refused; None if the service could not answer."""
    if not isinstance(error, ClientError):
        return None
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    answer = error.response["Error"]
    code = "PermissionError" if answer["Code"] in _DENIED else answer["Code"]
    return failed(answer["Message"], code) if status < 500 else None
