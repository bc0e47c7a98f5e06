"""The hooks into IAM and STS."""

from localaws.ministack.hook import Hook
from localaws.ministack.iam.hooks_decision import decide_by_our_evaluator
from localaws.ministack.iam.hooks_grants import show_encryption_context
from localaws.ministack.iam.hooks_policies import treat_loopback_as_tls
from localaws.ministack.iam.hooks_registry import refuse_registry_requests
from localaws.ministack.iam.hooks_s3 import ask_for_what_s3_headers_need
from localaws.ministack.iam.hooks_signatures import check_every_signature, keep_functions_secrets
from localaws.ministack.iam.hooks_simulation import simulate_as_requests_are_decided


def iam_hooks() -> tuple[Hook, ...]:
    """Return the hooks."""
    return (
        Hook("iam", decide_by_our_evaluator),
        Hook("iam", check_every_signature),
        Hook("iam", keep_functions_secrets),
        Hook("iam", show_encryption_context),
        Hook("iam", ask_for_what_s3_headers_need),
        Hook("iam", refuse_registry_requests),
        Hook("iam", simulate_as_requests_are_decided, after=("decide_by_our_evaluator",)),
        Hook("iam", treat_loopback_as_tls),
    )
