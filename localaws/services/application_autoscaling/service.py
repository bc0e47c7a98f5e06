"""The operations of Application Auto Scaling."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from localaws.document import Document
from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.service.tagging import Tagging
from localaws.services.application_autoscaling import activities, policies, schedules, targets
from localaws.services.application_autoscaling.errors import ResourceNotFound
from localaws.services.application_autoscaling.scaler import Scaler
from localaws.settings import time_scale


class ApplicationAutoScaling(Service):
    """Targets, policies, scheduled actions and activities.

    Parameters
    ----------
    context : Context
    """

    name = "application-autoscaling"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scaler = Scaler(context, time_scale())

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        return {
            "RegisterScalableTarget": self._register,
            "DescribeScalableTargets": partial(targets.describe, self.context),
            "DeregisterScalableTarget": self._deregister,
            "PutScalingPolicy": partial(policies.put, self.context),
            "DescribeScalingPolicies": partial(policies.describe, self.context),
            "DeleteScalingPolicy": partial(_empty, policies.delete, self.context),
            "PutScheduledAction": partial(schedules.put, self.context),
            "DescribeScheduledActions": partial(schedules.describe, self.context),
            "DeleteScheduledAction": partial(_empty, schedules.delete, self.context),
            "DescribeScalingActivities": partial(activities.describe, self.context),
            **Tagging(self.context.store, _no_target, resource="ResourceARN", tags="Tags", keys="TagKeys").handlers(),
        }

    def recover(self) -> None:
        """Start scaling; changes in progress are in the store."""
        self._scaler.start()

    def close(self) -> None:
        """Stop scaling."""
        self._scaler.close()

    def _register(self, request: Document) -> Document:
        target = targets.register(self.context, request)
        self._scaler.enforce_limits(target)
        return {"ScalableTargetARN": target.arn}

    def _deregister(self, request: Document) -> Document:
        target = targets.get(self.context, request)
        for policy in policies.of_target(self.context, target):
            policies.remove(self.context, policy)
        for action in self.context.store.every(schedules.KIND, parent=target.arn):
            self.context.store.remove(action.arn)
        self.context.store.remove(target.arn)
        return {}


def _no_target(arn: str) -> ResourceNotFound:
    return ResourceNotFound(f"No scalable target found for ARN: {arn}")


def _empty(change: Any, context: Context, request: Document) -> Document:
    change(context, request)
    return {}
