"""Run all checks of a system, and turn AWS's refusals into verdicts, too."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from deploy.check.catalog import CHECKS, subjects
from deploy.check.check import Check
from deploy.check.finding import Finding, Status, Verdict, failed, unknown
from deploy.check.system import Resource, System

_AT_A_TIME = 8
# How the services say that there is no such thing.
_ABSENT = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent", "404")
_ABSENT_MESSAGES = ("Could not find", "does not exist")
_FORBIDDEN = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation", "403")


def examine(system: System) -> list[Finding]:
    """Make every check of everything in a system, several resources at a time: what takes time is AWS's answers."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = pool.map(lambda subject: list(examine_resource(system, subject)), subjects(system))
        return [finding for findings in found for finding in findings]


def examine_resource(system: System, resource: Resource) -> Iterator[Finding]:
    """Make the checks of one resource; the first says whether the others make sense."""
    for number, check in enumerate(CHECKS[resource.type]):
        verdict = _verdict(system, resource, check)
        if verdict is None:
            continue
        yield Finding(resource.label, resource.physical_id, check.name, verdict)
        if number == 0 and verdict.status is not Status.OK:
            return


def _verdict(system: System, resource: Resource, check: Check) -> Verdict | None:
    try:
        return check.judge(system, resource)
    except ClientError as error:
        return _refusal(resource, error)
    except BotoCoreError as error:
        return unknown(str(error), "try again where the service can be reached")


def _refusal(resource: Resource, error: ClientError) -> Verdict:
    """Return the verdict on an error that AWS answered with."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if any(word in code for word in _FORBIDDEN):
        return unknown(message or code, f"allow the caller to call {error.operation_name}")
    if any(word in code for word in _ABSENT) or any(words in message for words in _ABSENT_MESSAGES):
        return failed(
            f"{resource.name} is not there: {message or code}",
            f"the stack {resource.stack.name} says that it made it, but it was deleted; make it again by hand, "
            "or delete the stack and create it anew",
        )
    return unknown(
        f"{error.operation_name} answers {code}{': ' if message else ''}{message}",
        "where this API is not there, nothing; elsewhere try again",
    )
