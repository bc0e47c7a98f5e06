"""The hooks into API Gateway."""

from functools import partial

from localaws.ministack.apigateway.body_checker import BodyChecker
from localaws.ministack.apigateway.hooks_bodies import check_bodies
from localaws.ministack.apigateway.hooks_deployments import serve_deployments
from localaws.ministack.apigateway.hooks_limits import limit_requests
from localaws.ministack.apigateway.hooks_requests import hide_integration_errors, report_requests
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
        # A body is checked by the deployment's model, not by what has become of it since.
        Hook("apigateway", partial(check_bodies, BodyChecker()), after=("serve_deployments",)),
        # The status is set around whatever else renders an error.
        Hook("apigateway", hide_integration_errors, after=("check_bodies",)),
        # A function that is late is not waited for, whatever it says then.
        Hook("apigateway", limit_requests, after=("hide_integration_errors",)),
        # Reported is the error that the client gets, and a latency that includes everything.
        Hook(
            "apigateway",
            partial(report_requests, reporter.report),
            after=("limit_requests",),
        ),
    )
