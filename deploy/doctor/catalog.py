"""Which checks there are of what a launch needs, and in which order."""

from collections.abc import Mapping

from deploy.check.check import Catalog, Check
from deploy.doctor import caller, names, permissions, quotas, region
from deploy.doctor.launch import Launch, Part

OPT_IN = "OptIn"

CHECKS: Mapping[str, tuple[Check[Launch, Part], ...]] = {
    region.REGION: region.CHECKS,
    caller.CALLER: caller.CHECKS,
    OPT_IN: region.ENABLED_CHECKS,
    region.PARTITION: region.PARTITION_CHECKS,
    region.SERVICE: region.SERVICE_CHECKS,
    names.PROJECT: names.PROJECT_CHECKS,
    names.BUCKET: names.BUCKET_CHECKS,
    names.NAME: names.CHECKS,
    quotas.QUOTA: quotas.CHECKS,
    quotas.CONCURRENCY: quotas.CONCURRENCY_CHECKS,
    quotas.ROLES: quotas.ROLES_CHECKS,
    permissions.PERMISSIONS: permissions.CHECKS,
}


def launch_parts(launch: Launch) -> list[Part]:
    """Return all that a launch needs, in a region that is there, of a caller that AWS knows."""
    return [
        Part(OPT_IN, launch.region),
        Part(region.PARTITION, launch.partition),
        *region.service_parts(launch),
        Part(names.PROJECT, launch.project_name),
        Part(names.BUCKET, launch.bucket),
        *names.name_parts(launch),
        *quotas.quota_parts(launch),
        *permissions.permission_parts(launch),
    ]


STEPS: tuple[Catalog[Launch, Part], ...] = (
    Catalog(CHECKS, lambda launch: [Part(region.REGION, launch.region)]),
    Catalog(CHECKS, lambda _: [Part(caller.CALLER, "of AWS")]),
    Catalog(CHECKS, launch_parts),
)
"""What is examined one after the other, as long as nothing fails that the rest needs."""
