"""The hooks into Lambda."""

import os
from functools import partial

from localaws.ministack.awslambda.hooks_archives import unpack_safely
from localaws.ministack.awslambda.hooks_logs import end_logs_with_answers, limit_output
from localaws.ministack.awslambda.hooks_metrics import count_asynchronous_events, count_invocations
from localaws.ministack.awslambda.hooks_payloads import limit_payloads
from localaws.ministack.awslambda.hooks_warm import limit_warm_workers
from localaws.ministack.awslambda.hooks_workers import limit_concurrent_starts, report_exception_class
from localaws.ministack.awslambda.metrics import FunctionMetrics
from localaws.ministack.hook import Hook
from localaws.settings import warm_functions


def awslambda_hooks(metrics: FunctionMetrics) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    metrics : FunctionMetrics
        Counts invocations and asynchronous events.
    """
    return (
        Hook("awslambda", partial(limit_concurrent_starts, os.cpu_count() or 1)),
        Hook("awslambda", report_exception_class),
        Hook("awslambda", end_logs_with_answers, after=("report_exception_class",)),
        Hook("awslambda", limit_payloads),
        Hook("awslambda", partial(limit_warm_workers, *warm_functions())),
        Hook("awslambda", limit_output),
        Hook("awslambda", unpack_safely),
        Hook("awslambda", partial(count_invocations, metrics)),
        Hook("awslambda", partial(count_asynchronous_events, metrics)),
    )
