"""Quotas: whether the account may run what stages, pipelines, builds, functions and the API need.

New accounts have less than the documented defaults: no ml.m5.large for jobs, 10 concurrent executions of functions.
"""

from typing import Any

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, unknown, warning
from deploy.check.needs import Need
from deploy.check.quotas import listed, verdict
from deploy.doctor.launch import Launch, Part
from deploy.doctor.templates import machines, types

QUOTA, CONCURRENCY, ROLES = "Quota", "Concurrency", "Roles"
_BUCKETS = 3
# Where S3's quotas are shown; source: "General purpose bucket quotas" in the S3 User Guide.
_HOME = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
# It had the other name until 2024.
_BUCKET_QUOTAS = ("General purpose buckets", "Buckets")
# A call of the API holds a function for as long as the model takes.
_ENOUGH_CONCURRENCY = 50
_REQUEST = "ask for 1000: Service Quotas, AWS Lambda, Concurrent executions; new accounts have 10"


def enough(launch: Launch, part: Part) -> Verdict:
    """The quota holds what is needed of it."""
    if part.service == "s3":
        return _buckets(launch)
    quotas = launch.once(f"quotas of {part.service}", lambda: listed(launch.client("service-quotas"), part.service))
    return verdict(_need(launch, part), part.service, quotas)


def concurrency(launch: Launch, _part: Part) -> Verdict:
    """Functions of all projects share the account's concurrent executions."""
    limit = launch.client("lambda").get_account_settings()["AccountLimit"]
    left, reserved = limit["UnreservedConcurrentExecutions"], int(launch.parameters.get("ReservedConcurrency", "0"))
    said = f"{limit['ConcurrentExecutions']} at once, {left} of them not reserved"
    if left - reserved < _ENOUGH_CONCURRENCY:
        return warning(f"{said}: above it the API answers 429", _REQUEST)
    return ok(said)


def roles(launch: Launch, _part: Part) -> Verdict:
    """IAM has room for the roles of the templates."""
    summary, wanted = launch.client("iam").get_account_summary()["SummaryMap"], types()["AWS::IAM::Role"]
    if "RolesQuota" not in summary:
        return unknown("not examined here: GetAccountSummary has no RolesQuota", "see IAM, in the console")
    there, quota = summary.get("Roles", 0), summary["RolesQuota"]
    said = f"{there} of {quota}; the project makes {wanted}"
    if there + wanted > quota:
        return failed(said, "delete roles that nothing uses, or ask for more in Service Quotas, IAM")
    return ok(said)


def quota_parts(launch: Launch) -> list[Part]:
    """Return the quotas that the project needs something of."""
    of_sagemaker = [Part(QUOTA, need.quota, "sagemaker") for need in launch.needs]
    of_builds = [Part(QUOTA, _of_builds(size), "codebuild") for size in machines()]
    others = [Part(QUOTA, "Regional APIs", "apigateway"), Part(QUOTA, "Buckets", "s3")]
    return [*of_sagemaker, *of_builds, *others, Part(CONCURRENCY, "of functions"), Part(ROLES, "of the account")]


def _need(launch: Launch, part: Part) -> Need:
    if part.service == "sagemaker":
        return next(need for need in launch.needs if need.quota == part.physical_id)
    if part.service == "codebuild":
        return Need(part.physical_id, 1, 1, "builds run one at a time")
    pages = launch.client("apigateway").get_paginator("get_rest_apis").paginate()
    there = sum("REGIONAL" in _endpoint_types(api) for page in pages for api in page["items"])
    return Need(part.physical_id, there + 1, there + 1, f"{there} are there, and `deploy-model api` makes one more")


def _buckets(launch: Launch) -> Verdict:
    home = _HOME.get(launch.partition, launch.region)
    quotas = listed(launch.client_in("service-quotas", home), "s3")
    name = next((name for name in _BUCKET_QUOTAS if name in quotas), _BUCKET_QUOTAS[0])
    pages = launch.client("s3").get_paginator("list_buckets").paginate()
    there = sum(len(page["Buckets"]) for page in pages)
    wanted = there + _BUCKETS
    return verdict(Need(name, wanted, wanted, f"{there} are there, and the project makes {_BUCKETS}"), "s3", quotas)


def _of_builds(size: str) -> str:
    return f"Concurrently running builds for Linux/{size} environment"


def _endpoint_types(api: dict[str, Any]) -> list[str]:
    types_of_api: list[str] = api.get("endpointConfiguration", {}).get("types", [])
    return types_of_api


CHECKS = (Check("Enough", enough),)
CONCURRENCY_CHECKS = (Check("Enough", concurrency),)
ROLES_CHECKS = (Check("Enough", roles),)
