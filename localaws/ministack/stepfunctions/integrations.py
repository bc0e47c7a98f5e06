"""Which integration a resource's ARN means; what has no row here is MiniStack's."""

from collections.abc import Callable, Mapping
from typing import Any

from localaws.account.session import Clients
from localaws.ministack.stepfunctions import sagemaker, sdk
from localaws.ministack.stepfunctions.task import Task

Integration = Callable[[Clients, Task], Any]

# By the beginning of the ARN.
INTEGRATIONS: Mapping[str, Integration] = {
    "arn:aws:states:::sagemaker:": sagemaker.call,
    **{f"arn:aws:states:::aws-sdk:{service}:": sdk.call for service in sdk.SERVICES},
}
