"""How the traffic shifts from one fleet to the next: AWS's deployment guardrails as a plan, and its execution.

A blue/green update starts the green fleet beside the blue one, shifts the traffic in steps, and bakes after each: it
waits and watches the alarms. If an alarm fires, the green fleet does not start or the time is over, all traffic moves
back.

Source: "Blue/Green Deployments" and "Auto-Rollback Configuration and Monitoring" in the SageMaker Developer Guide.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from localaws.containers.errors import JobFailure
from localaws.document import Document

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Step:
    """A step of a shift.

    Attributes
    ----------
    share : float
        The green fleet's share of the traffic from now on.
    bake_seconds : float
        The baking period before the next step.
    """

    share: float
    bake_seconds: float


@dataclass(frozen=True)
class Shift:
    """A whole shift.

    Attributes
    ----------
    alarms : tuple of str
        The names of CloudWatch alarms that cause a rollback.
    termination_seconds : float
        How long the blue fleet stays after the shift.
    longest_seconds : float
        A shift that takes longer is rolled back.
    """

    steps: tuple[Step, ...]
    alarms: tuple[str, ...]
    termination_seconds: float
    longest_seconds: float


def plan(config: Document | None, instances: int) -> Shift:
    """Return the shift that a DeploymentConfig describes; all at once and without a wait by default.

    Parameters
    ----------
    config : dict or None
        A DeploymentConfig.
    instances : int
        The instances of the green fleet, for sizes given in instances.
    """
    config = config or {}
    alarms = tuple(alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        size = _share(policy["MaximumBatchSize"], instances)
        steps = _linear(size, policy["WaitIntervalInSeconds"])
        return Shift(steps, alarms, 0, policy.get("MaximumExecutionTimeoutInSeconds", 28_800))
    policy = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
    wait = routing["WaitIntervalInSeconds"]
    if routing["Type"] == "CANARY":
        steps = (Step(_share(routing["CanarySize"], instances), wait), Step(1.0, wait))
    elif routing["Type"] == "LINEAR":
        steps = _linear(_share(routing["LinearStepSize"], instances), wait)
    else:
        steps = (Step(1.0, wait),)
    longest = policy.get("MaximumExecutionTimeoutInSeconds", 28_800)
    return Shift(steps, alarms, policy.get("TerminationWaitInSeconds", 0), longest)


def effective(config: Document | None, fleets: Sequence[Document]) -> Document | None:
    """Return the DeploymentConfig that holds for a change between two EndpointConfigs; None on Inferentia 1.

    Endpoints of ml.inf1 fall back to all at once without baking, as those with Marketplace containers, which there are
    none of here. Source: "Exclusions" of the deployment guardrails in the SageMaker Developer Guide.
    """
    types = [variant.get("InstanceType", "") for fleet in fleets for variant in fleet["ProductionVariants"]]
    return None if any(each.startswith("ml.inf1.") for each in types) else config


def _share(size: Document, instances: int) -> float:
    value: float = size["Value"]
    return min(1.0, value / 100 if size["Type"] == "CAPACITY_PERCENT" else value / max(instances, 1))


def _linear(size: float, wait: float) -> tuple[Step, ...]:
    count = max(1, round(1 / size + 0.499))
    return tuple(Step(min(1.0, number * size), wait) for number in range(1, count + 1))


def carry_out(
    shift: Shift,
    move: Callable[[float], None],
    firing: Callable[[Sequence[str]], list[str]],
    stop: threading.Event,
    scale: float,
) -> None:
    """Shift the traffic step by step, and watch the alarms.

    Parameters
    ----------
    shift : Shift
    move : callable(share)
        Sets the green fleet's share.
    firing : callable(names) -> names
        Returns those of the alarms that are in ALARM.
    stop : Event
        Ends the shift: the server stops.
    scale : float
        How many seconds one second of waiting takes here.

    Raises
    ------
    JobFailure
        If an alarm fired or the shift took too long; the text says which.
    """
    deadline = time.monotonic() + shift.longest_seconds * scale
    for step in shift.steps:
        move(step.share)
        _bake(shift, time.monotonic() + step.bake_seconds * scale, deadline, firing, stop)


def _bake(
    shift: Shift, until: float, deadline: float, firing: Callable[[Sequence[str]], list[str]], stop: threading.Event
) -> None:
    while True:
        if shift.alarms and (fired := firing(shift.alarms)):
            names = ", ".join(fired)
            raise JobFailure(f"One or more configured alarms are in ALARM state: {names}. The update was rolled back.")
        now = time.monotonic()
        if now >= until:
            return
        if now >= deadline:
            raise JobFailure("The update took longer than MaximumExecutionTimeoutInSeconds and was rolled back.")
        if stop.wait(min(_LOOK_SECONDS, until - now)):
            raise JobFailure("The local SageMaker was stopped during the update.")
