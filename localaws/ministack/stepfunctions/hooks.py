"""The hooks into Step Functions."""

from collections.abc import Callable
from functools import partial

from localaws.account.session import Clients
from localaws.ministack.hook import Hook
from localaws.ministack.stepfunctions.hooks_executions import end_executions_once, journal_executions
from localaws.ministack.stepfunctions.hooks_nested import start_nested_executions_once
from localaws.ministack.stepfunctions.hooks_states import call_services_from_states, report_executions
from localaws.ministack.stepfunctions.hooks_tokens import Tokens
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.reporter import ExecutionReporter


def stepfunctions_hooks(
    journal: Journal,
    tokens: Tokens,
    reporter: ExecutionReporter,
    clients_of: Callable[[str | None], Clients],
    changed: Callable[[], None],
) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    journal : Journal
        Keeps what executions have done.
    tokens : Tokens
        The tasks that wait for an answer.
    reporter : ExecutionReporter
        Logs and counts what happens to executions.
    clients_of : callable(role's ARN or None) -> callable(service) -> boto3 client
        What the tasks of a state machine reach services with.
    changed : callable()
        Called when there is something to save.
    """
    return (
        Hook("stepfunctions", end_executions_once),
        Hook("stepfunctions", start_nested_executions_once),
        Hook("stepfunctions", partial(report_executions, changed, reporter)),
        Hook("stepfunctions", partial(call_services_from_states, clients_of)),
        # An event that the journal has already is not reported again, and a call that is made again has the rest of
        # its time, no new one.
        Hook(
            "stepfunctions",
            partial(journal_executions, journal, tokens),
            after=("report_executions", "call_services_from_states"),
        ),
    )
