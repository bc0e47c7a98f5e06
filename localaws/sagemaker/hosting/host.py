"""Every endpoint of one local SageMaker: its running fleets, and its state in the store.

A change (create, update, scale, delete) is carried out in a thread of its own; meanwhile the endpoint's status is not
``InService``, so that there is one change at a time. The store is written first and last, and holds enough to recover
from a kill -9: an endpoint that was in service comes back, one that was being updated comes back as it was before.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.containers.errors import JobFailure
from localaws.document import Document
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.hosting.announcements import announce, announce_deployment
from localaws.sagemaker.hosting.deployment import carry_out, effective, plan
from localaws.sagemaker.hosting.fleet import Capacity, LiveFleet, folders_of_fleets, retained
from localaws.sagemaker.hosting.routes import Instance, Route, Routes
from localaws.sagemaker.parts import Parts
from localaws.settings import time_scale
from localaws.storage.store import Resource

logger = logging.getLogger(__name__)

ENDPOINT = "endpoint"
CONFIG = "endpoint-config"
_CHANGING = ("Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting")
_INTERRUPTED = "The update was interrupted by a stop of the local SageMaker; the earlier configuration is in service."


@dataclass
class _Live:
    """The running fleets of an endpoint."""

    fleets: list[LiveFleet] = field(default_factory=list)


class Host:
    """Runs the endpoints.

    Parameters
    ----------
    parts : Parts
    routes : Routes
        Kept up to date by the host.
    """

    def __init__(self, parts: Parts, routes: Routes) -> None:
        self._parts = parts
        self._routes = routes
        self._live: dict[str, _Live] = {}
        self._changes: dict[str, threading.Thread] = {}  # the last one of each endpoint
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._left_behind = folders_of_fleets(parts.account_dir)
        routes.on_failure = self._suspect
        routes.on_wake = self._wake

    def recover(self) -> None:
        """Restore the endpoints that were in service when the last server ended."""
        for resource in self._parts.store.every(ENDPOINT):
            if resource.status == "Deleting":
                self._parts.store.remove(resource.arn)
            elif resource.status in ("InService", *_CHANGING):
                self._in_thread(self._bring_back, resource)
        for folder in self._left_behind:  # left by the server that was killed; its model servers died with it
            shutil.rmtree(folder, ignore_errors=True)

    def create(self, resource: Resource) -> None:
        """Start an endpoint that was just stored as Creating."""
        self._in_thread(self._create, resource)

    def update(self, resource: Resource, config_name: str, options: Document) -> None:
        """Move an endpoint that was just stored as Updating to another EndpointConfig.

        Parameters
        ----------
        resource : Resource
        config_name : str
            The name of the EndpointConfig.
        options : dict
            The request's DeploymentConfig, RetainAllVariantProperties and ExcludeRetainedVariantProperties.
        """
        self._in_thread(self._update, resource, config_name, options)

    def scale(self, resource: Resource, capacities: Mapping[str, Capacity]) -> None:
        """Set weights and counts of variants of an endpoint that was just stored as Updating."""
        self._in_thread(self._scale, resource, capacities)

    def delete(self, resource: Resource) -> None:
        """Take down an endpoint that was just stored as Deleting."""
        self._routes.remove(resource.name)
        self._in_thread(self._delete, resource)

    def close(self) -> None:
        """Accept no more changes; the model servers end with this process."""
        self._stop.set()

    def summaries(self, resource: Resource) -> Document:
        """Return the members of DescribeEndpoint that describe what is running."""
        with self._lock:
            live = self._live.get(resource.arn)
            fleets = list(live.fleets) if live else []
        found: Document = {}
        if fleets:
            found |= _variants(fleets[0])
        if len(fleets) > 1:
            found["PendingDeploymentSummary"] = _pending(fleets[-1])
        return found

    def capacities(self, resource: Resource) -> dict[str, Capacity]:
        """Return the present weights and counts of an endpoint's variants."""
        stored = resource.internal.get("Capacities", {})
        return {name: Capacity(**capacity) for name, capacity in stored.items()}

    # Changes, each in its own thread

    def _create(self, resource: Resource) -> None:
        fleet: LiveFleet | None = None
        try:
            fleet = self._new_fleet(resource, self._config(resource.document["EndpointConfigName"]), {})
            fleet.start()
            self._take_over(resource, fleet)
            self._settle(resource, "InService")
        except (JobFailure, ApiError, OSError, ClientError, BotoCoreError) as error:
            if fleet is not None:
                fleet.end()
            self._settle(resource, "Failed", str(error))

    def _bring_back(self, resource: Resource) -> None:
        interrupted = resource.status in ("Updating", "RollingBack", "SystemUpdating")
        try:
            config = self._config(resource.document["EndpointConfigName"])
            fleet = self._new_fleet(resource, config, self.capacities(resource))
            fleet.share = 1.0
            self._keep(resource, [fleet])  # it serves as soon as the first server is ready
            fleet.start()
            self._settle(resource, "InService", _INTERRUPTED if interrupted else None, only_from=resource.status)
        except (JobFailure, ApiError, OSError, ClientError, BotoCoreError) as error:
            self._settle(resource, "Failed", str(error), only_from=resource.status)

    def _update(self, resource: Resource, config_name: str, options: Document) -> None:
        blue = self._live[resource.arn].fleets[0]
        green: LiveFleet | None = None
        try:
            config = self._config(config_name)
            green = self._new_fleet(resource, config, retained(blue.capacities, config, options))
            self._keep(resource, [blue, green])
            self._tell(resource, "Creating", f"Launching {_instances(green)} instance(s).")
            green.start()
            self._shift(resource, blue, green, options.get("DeploymentConfig"))
        except (JobFailure, ApiError, OSError, ClientError, BotoCoreError) as error:
            self._roll_back(resource, blue, green, str(error))
            return
        self._settle(resource, "InService", config_name=config_name)
        blue.end()

    def _shift(self, resource: Resource, blue: LiveFleet, green: LiveFleet, config: Document | None) -> None:
        count = _instances(green)
        shift = plan(effective(config, [blue.config, green.config]), count)
        waits = {step.share: step.bake_seconds for step in shift.steps}

        def move(share: float) -> None:
            capacity = f"capacity of {max(1, round(share * count))} of {count} instance(s)."
            self._tell(resource, "ActivatingTraffic", f"Activating traffic on {capacity}")
            blue.share, green.share = 1.0 - share, share
            self._publish(resource)
            self._tell(resource, "Baking", f"Baking for {waits[share]:g} seconds with traffic enabled on {capacity}")

        carry_out(shift, move, self._firing, self._stop, time_scale())
        if self._stop.wait(shift.termination_seconds * time_scale()):
            raise JobFailure("The local SageMaker was stopped during the update.")
        self._take_over(resource, green)

    def _roll_back(self, resource: Resource, blue: LiveFleet, green: LiveFleet | None, reason: str) -> None:
        if self._stop.is_set():
            return  # the next start rolls it back
        self._note(resource, {"EndpointStatus": "RollingBack"})
        blue.share = 1.0
        if green is not None:
            self._tell(resource, "Deleting", f"Terminating {_instances(green)} instance(s).")
        self._keep(resource, [blue])
        if green is not None:
            green.end()
        self._settle(resource, "InService", reason)

    def _scale(self, resource: Resource, capacities: Mapping[str, Capacity]) -> None:
        fleet = self._live[resource.arn].fleets[0]
        try:
            fleet.scale(capacities)
        except (JobFailure, OSError) as error:
            self._settle(resource, "InService", str(error))
            return
        self._settle(resource, "InService")

    def _delete(self, resource: Resource) -> None:
        live = self._live.pop(resource.arn, None)
        for fleet in live.fleets if live else []:
            fleet.end()
        with self._parts.store.transaction():
            announce(self._parts, resource.arn)
            self._parts.store.remove(resource.arn)

    # Fleets and routes

    def _config(self, name: str) -> Document:
        config = self._parts.store.by_arn(self._parts.aws.arn(CONFIG, name))
        if config is None:
            raise JobFailure(f'Could not find endpoint configuration "{name}".')
        return config.document

    def _new_fleet(self, resource: Resource, config: Document, capacities: Mapping[str, Capacity]) -> LiveFleet:
        publish = lambda: self._publish(resource)  # noqa: E731
        return LiveFleet(self._parts, resource.name, config, capacities, publish)

    def _take_over(self, resource: Resource, fleet: LiveFleet) -> None:
        fleet.share = 1.0
        self._keep(resource, [fleet])

    def _keep(self, resource: Resource, fleets: list[LiveFleet]) -> None:
        with self._lock:
            self._live[resource.arn] = _Live(fleets)
        self._publish(resource)

    def _publish(self, resource: Resource) -> None:
        with self._lock:
            live = self._live.get(resource.arn)
            if live is None:
                return
            fleets = tuple(fleet.route for fleet in live.fleets)
            self._routes.put(Route(resource.name, resource.arn, fleets))

    def _suspect(self, endpoint_name: str, instance_id: str) -> None:
        arn = self._parts.aws.arn(ENDPOINT, endpoint_name)
        for fleet in self._live[arn].fleets if arn in self._live else []:
            fleet.suspect(instance_id)

    def _wake(self, endpoint_name: str, config_name: str, variant_name: str) -> "Future[Instance]":
        live = self._live.get(self._parts.aws.arn(ENDPOINT, endpoint_name))
        fleets = [fleet for fleet in live.fleets if fleet.config["EndpointConfigName"] == config_name] if live else []
        if fleets:
            return max(fleets, key=lambda fleet: fleet.share).wake(variant_name)
        gone: Future[Instance] = Future()
        gone.set_exception(JobFailure(f'The configuration "{config_name}" is not in service any more.'))
        return gone

    def _firing(self, names: Sequence[str]) -> list[str]:
        answer = self._parts.aws.client("cloudwatch").describe_alarms(
            AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], StateValue="ALARM"
        )
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]

    # The store

    def _settle(
        self,
        resource: Resource,
        status: str,
        reason: str | None = None,
        config_name: str | None = None,
        only_from: str | None = None,
    ) -> None:
        """Store the end of a change; with `only_from`, unless another change has begun and set another status."""
        members: Document = {"EndpointStatus": status, "FailureReason": reason and reason[:1024]}
        if config_name:
            members["EndpointConfigName"] = config_name
        live = self._live.get(resource.arn)
        if live and live.fleets:
            capture = live.fleets[0].config.get("DataCaptureConfig")
            members["DataCaptureConfig"] = capture and _capture_summary(capture)
            members["AsyncInferenceConfig"] = live.fleets[0].config.get("AsyncInferenceConfig")
        self._note(resource, members, only_from)

    def _note(self, resource: Resource, members: Document, only_from: str | None = None) -> None:
        live = self._live.get(resource.arn)

        def edit(document: Document, internal: Document) -> dict[str, str]:
            if only_from not in (None, document["EndpointStatus"]):
                return {"status": document["EndpointStatus"]}
            document.update(members, LastModifiedTime=time.time())
            for name in [name for name, value in document.items() if value is None]:
                del document[name]
            if live and live.fleets and document["EndpointStatus"] == "InService":
                capacities = live.fleets[0].capacities
                internal["Capacities"] = {name: vars(capacity) for name, capacity in capacities.items()}
            return {"status": document["EndpointStatus"]}

        summaries = self.summaries(resource)
        with self._parts.store.transaction():
            self._parts.store.change(resource.arn, edit)
            announce(self._parts, resource.arn, summaries)

    def _tell(self, resource: Resource, status: str, message: str) -> None:
        with self._lock:
            fleet = self._live[resource.arn].fleets[-1]
            fleet.stage = {"Status": status, "StatusMessage": message, "StartTime": time.time()}
        announce_deployment(self._parts, resource.arn, self.summaries(resource))

    def _in_thread(self, work: Callable[..., None], resource: Resource, *arguments: Any) -> None:
        """Begin a change, after the one before it: an endpoint may still be brought back when it is updated."""
        before = self._changes.get(resource.arn)

        def run() -> None:
            if before is not None:
                before.join()
            try:
                work(resource, *arguments)
            except Exception as error:
                logger.exception("Endpoint %s failed because of an error in the local SageMaker", resource.name)
                self._settle(resource, "Failed", f"InternalServerError: {type(error).__name__}: {error}")

        thread = threading.Thread(target=run, name=f"endpoint {resource.name}", daemon=True)
        self._changes[resource.arn] = thread
        thread.start()


def _instances(fleet: LiveFleet) -> int:
    return sum(capacity.count for capacity in fleet.capacities.values())


def _variants(fleet: LiveFleet) -> Document:
    production = [variant["VariantName"] for variant in fleet.config["ProductionVariants"]]
    found: Document = {"ProductionVariants": [_summary(fleet, name) for name in production]}
    shadows = [_summary(fleet, name) for name in fleet.groups if name not in production]
    return found | ({"ShadowProductionVariants": shadows} if shadows else {})


def _pending(fleet: LiveFleet) -> Document:
    found = _variants(fleet)
    if fleet.stage:
        found = {
            member: [{**variant, "VariantStatus": [fleet.stage]} for variant in variants]
            for member, variants in found.items()
        }
    return {"EndpointConfigName": fleet.config["EndpointConfigName"], "StartTime": fleet.began, **found}


def _summary(fleet: LiveFleet, name: str) -> Document:
    group, capacity = fleet.groups[name], fleet.capacities[name]
    images = [
        {"SpecifiedImage": container["Image"], "ResolvedImage": container["Image"], "ResolutionTime": fleet.began}
        for container in group.containers
    ]
    found: Document = {
        "VariantName": name,
        "DeployedImages": images,
        "CurrentWeight": capacity.weight,
        "DesiredWeight": capacity.weight,
    }
    if serverless := group.variant.get("ServerlessConfig"):
        return found | {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    return found | {"CurrentInstanceCount": len(group.ready), "DesiredInstanceCount": capacity.count}


def _capture_summary(capture: Document) -> Document:
    enabled = capture.get("EnableCapture", True)  # the API reference: it defaults to enabled
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
