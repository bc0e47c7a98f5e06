"""Service quotas: whether the account may run as many instances as the stages and the pipelines need."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import stages
from deploy.check import models, needs
from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, unknown, warning
from deploy.check.needs import Need
from deploy.check.system import Resource, System

QUOTA = "Quota"
PIPELINE_QUOTA = "PipelineQuota"
_SIZES = ("medium", "large", "xlarge", "2xlarge")
_ALTERNATIVES = 3


def enough(system: System, resource: Resource) -> Verdict:
    """The quota holds what the stages and the pipelines need."""
    [need] = [need for need in _needs(system) if need.quota == resource.physical_id]
    quotas = system.once("quotas", lambda: listed(system.client("service-quotas"), "sagemaker"))
    return verdict(need, "sagemaker", quotas)


def readable(system: System, resource: Resource) -> Verdict:
    """The definition of a pipeline says what its jobs run on; asked once more, for the reason why it does not."""
    definition = models.definition(system.client("sagemaker"), resource.physical_id)
    unnamed = [job.step for job in needs.jobs(definition) if not job.instance_type]
    if unnamed:
        return unknown(
            f"only an execution knows the instance type of {', '.join(unnamed)}", "compare its quota by hand"
        )
    return ok("its jobs' quotas are compared")


def verdict(need: Need, service: str, quotas: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Compare a need with the quotas of its service, by name as `listed` returns them."""
    quota = quotas.get(need.quota)
    if quota is None:
        return unknown(f"Service Quotas knows no {need.quota!r}", f"see Service Quotas, {service}, in the console")
    value = quota["Value"]
    if value >= need.at_most:
        return ok(f"{value:g}; {need.who}")
    action = (
        f"`aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {quota['QuotaCode']} --desired-value {need.at_most}`{_alternatives(need, quotas)}"
    )
    if value < need.asked:
        return failed(f"{value:g}, and {need.who}", action)
    return warning(f"{value:g}: {need.who}, but {need.when}", action)


def listed(service_quotas: Any, service: str) -> dict[str, Any]:
    """Return the quotas of a service by name. They are asked for by name, because names say what they are."""
    pages = service_quotas.get_paginator("list_service_quotas").paginate(ServiceCode=service)
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def quota_subjects(system: System) -> list[Resource]:
    """Return the quotas that limit the stages and the pipelines, and the pipelines that do not say what they need."""
    limits = [Resource(QUOTA, need.quota, system.root, need.quota) for need in _needs(system)]
    unread = [
        Resource(PIPELINE_QUOTA, name, system.root, name)
        for name, definition in _definitions(system).items()
        if definition is None or not all(job.instance_type for job in needs.jobs(definition))
    ]
    return limits + unread


def _needs(system: System) -> list[Need]:
    read = {name: definition for name, definition in _definitions(system).items() if definition is not None}
    return needs.of_stages(_parameters(system)) + needs.of_pipelines(read)


def _definitions(system: System) -> dict[str, dict[str, Any] | None]:
    """Return the definitions of the project's pipelines that exist; None for one that cannot be read."""
    return system.once("definitions", lambda: dict(_read_definitions(system)))


def _read_definitions(system: System) -> list[tuple[str, dict[str, Any] | None]]:
    found: list[tuple[str, dict[str, Any] | None]] = []
    for subject in models.pipeline_subjects(system):
        try:
            found.append((subject.physical_id, models.definition(system.client("sagemaker"), subject.physical_id)))
        except ClientError as error:
            # Whether it is there is another check.
            if error.response["Error"]["Code"] != "ResourceNotFound":
                found.append((subject.physical_id, None))
        except BotoCoreError:
            found.append((subject.physical_id, None))
    return found


def _alternatives(need: Need, quotas: Mapping[str, Mapping[str, Any]]) -> str:
    """Name some instance types that the account may use in the same way, the smallest first."""
    _, separator, usage = need.quota.partition(" for ")
    found = [
        (name.removesuffix(f" for {usage}"), quota["Value"])
        for name, quota in quotas.items()
        if separator and name.endswith(f" for {usage}") and quota["Value"] >= need.asked
    ]
    smallest = sorted(found, key=lambda one: (_size(one[0]), one[0]))[:_ALTERNATIVES]
    shown = ", ".join(f"{instance_type} ({value:g})" for instance_type, value in smallest)
    return f", or take what the account has: {shown}" if shown else ""


def _size(instance_type: str) -> int:
    size = instance_type.rpartition(".")[2]
    return _SIZES.index(size) if size in _SIZES else len(_SIZES) + int(re.sub(r"\D", "", size) or 0)


def _parameters(system: System) -> list[dict[str, str]]:
    """Return the parameters of each stage: those of its file, unless what is deployed has others."""
    return [
        {**stages.read_config(stages.config_path(stage)).parameters, **(stack.parameters if stack else {})}
        for stage, stack in system.stages.items()
        if stage in stages.STAGES
    ]


CHECKS = (Check("Enough", enough),)
PIPELINE_CHECKS = (Check("Known", readable),)
