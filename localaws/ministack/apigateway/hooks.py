"""The hooks into API Gateway."""

from functools import partial

from localaws.ministack.apigateway.hooks_deployments import serve_deployments
from localaws.ministack.apigateway.hooks_requests import (
    explain_invalid_bodies,
    hide_integration_errors,
    report_requests,
)
from localaws.ministack.apigateway.reporter import RequestReporter
from localaws.ministack.hook import Hook


def apigateway_hooks(reporter: RequestReporter) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    reporter : RequestReporter
        Takes each request that was answered.
    """
    return (
        Hook("apigateway", serve_deployments),
        # What is wrong with a body is explained by the deployment's model, not by what has become of it since.
        Hook("apigateway", explain_invalid_bodies, after=("serve_deployments",)),
        # The status is set around whatever else renders an error.
        Hook("apigateway", hide_integration_errors, after=("explain_invalid_bodies",)),
        # Reported is the error that the client gets, and a latency that includes everything.
        Hook(
            "apigateway",
            partial(report_requests, reporter.report),
            after=("hide_integration_errors",),
        ),
    )
