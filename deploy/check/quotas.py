"""Service quotas: whether the account may run as many instances as the stages need."""

import math
from typing import Any

from deploy import stages
from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, unknown, warning
from deploy.check.system import Resource, System

QUOTA = "Quota"


def enough(system: System, resource: Resource) -> Verdict:
    """The quota holds what the stages run, and once more what an update needs while old and new run side by side."""
    instance_type = resource.physical_id
    counts = [count for stage_type, count in map(_instances, _parameters(system)) if stage_type == instance_type]
    name = f"{instance_type} for endpoint usage"
    quota = _quotas(system).get(name)
    if quota is None:
        return unknown(f"Service Quotas knows no {name!r}", "see Service Quotas, Amazon SageMaker, in the console")
    asked, updating, value = sum(counts), sum(counts) + max(counts), quota["Value"]
    action = (
        "`aws service-quotas request-service-quota-increase --service-code sagemaker "
        f"--quota-code {quota['QuotaCode']} --desired-value {updating}`"
    )
    if value < asked:
        return failed(f"{value:g}, and the stages run {asked}", action)
    if value < updating:
        return warning(f"{value:g}: the stages run {asked}, but an update needs {updating} for a while", action)
    return ok(f"{value:g}; the stages run {asked}, {updating} while one is updated")


def quota_subjects(system: System) -> list[Resource]:
    """Return the instance types of the stages."""
    types = {instance_type for instance_type, count in map(_instances, _parameters(system)) if count}
    return [Resource(QUOTA, instance_type, system.root, instance_type) for instance_type in sorted(types)]


def _parameters(system: System) -> list[dict[str, str]]:
    """Return the parameters of each stage: those of its file, unless what is deployed has others."""
    return [
        {**stages.read_config(stages.config_path(stage)).parameters, **(stack.parameters if stack else {})}
        for stage, stack in system.stages.items()
        if stage in stages.STAGES
    ]


def _instances(parameters: dict[str, str]) -> tuple[str, int]:
    """Return the instance type of a stage and the most instances it runs; none when it is serverless."""
    if parameters.get("ServerlessMemorySizeInMB", "0") != "0":
        return "", 0
    counts = [parameters.get("EndpointInstanceCount", "1")]
    if parameters.get("EnableAutoScaling") == "true":
        counts.append(parameters.get("MaxCapacity", "1"))
    return parameters.get("EndpointInstanceType", ""), max(math.ceil(float(count)) for count in counts)


def _quotas(system: System) -> dict[str, dict[str, Any]]:
    pages = system.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


CHECKS = (Check("Enough", enough),)
