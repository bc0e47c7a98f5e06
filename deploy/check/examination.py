"""Run all checks of a catalog, and turn AWS's refusals into verdicts, too."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from deploy.check.check import Catalog, Check, Part, Subject, Whole
from deploy.check.finding import Finding, Status, Verdict, failed, unknown

_AT_A_TIME = 8
# How the services say that there is no such thing.
_ABSENT = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent", "404")
_ABSENT_MESSAGES = ("Could not find", "does not exist")
_FORBIDDEN = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation", "403")


def examine(catalog: Catalog[Whole, Part], whole: Whole) -> list[Finding]:
    """Make every check of everything there is, several subjects at a time: what takes time is AWS's answers."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = pool.map(lambda subject: list(examine_subject(catalog, whole, subject)), catalog.subjects(whole))
        return [finding for findings in found for finding in findings]


def examine_subject(catalog: Catalog[Whole, Part], whole: Whole, subject: Part) -> Iterator[Finding]:
    """Make the checks of one subject; the first says whether the others make sense."""
    for number, check in enumerate(catalog.checks[subject.type]):
        verdict = _verdict(whole, subject, check)
        if verdict is None:
            continue
        yield Finding(subject.label, subject.physical_id, check.name, verdict)
        if number == 0 and verdict.status is not Status.OK:
            return


def is_absence(error: ClientError) -> bool:
    """Return whether AWS says that there is no such thing."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return any(word in code for word in _ABSENT) or any(words in message for words in _ABSENT_MESSAGES)


def _verdict(whole: Whole, subject: Part, check: Check[Whole, Part]) -> Verdict | None:
    try:
        return check.judge(whole, subject)
    except ClientError as error:
        return _refusal(subject, error)
    except BotoCoreError as error:
        return unknown(f"not examined here: {error}", "try again where the service can be reached")


def _refusal(subject: Subject, error: ClientError) -> Verdict:
    """Return the verdict on an error that AWS answered with."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if any(word in code for word in _FORBIDDEN):
        return unknown(message or code, f"allow the caller to call {error.operation_name}")
    if is_absence(error):
        return failed(f"{subject.name} is not there: {message or code}", subject.when_absent)
    return unknown(
        f"not examined here: {error.operation_name} answers {code}{': ' if message else ''}{message}",
        "where this API is not there, nothing; elsewhere try again",
    )
