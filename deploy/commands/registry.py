"""The registry: list, approve-model, reject-model."""

import argparse
import sys

from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Column, Table

from deploy import packages, records
from deploy.packages import Package
from deploy.project import Project
from model_road import quality

_METRIC = "{:.6g}"
_UNKNOWN = "-"
_PLAIN_WIDTH = 200


def list_packages(project: Project, options: argparse.Namespace) -> int:
    """Show the newest versions with their metrics side by side."""
    found: list[Package] = []
    for arn in packages.arns(project.sagemaker, project.model_package_group_name):
        if len(found) == options.max_items:
            break
        found.append(packages.describe(project.sagemaker, arn))
    unreadable: list[str] = []
    figures = [_metrics(project, package, unreadable) for package in found]
    names = sorted({name for metrics in figures for name in metrics})
    right = [Column(name, justify="right") for name in names]
    table = Table("Version", "Created", "Approval", *right, "Staging", "Production", box=None, pad_edge=False)
    for package, metrics in zip(found, figures, strict=True):
        table.add_row(
            str(package.version),
            f"{package.created:%Y-%m-%d %H:%M}",
            package.status,
            *(_METRIC.format(metrics[name]) if name in metrics else _UNKNOWN for name in names),
            _staging(package, project.name),
            "yes" if records.was_in_production(package, project.name) else _UNKNOWN,
        )
    console = Console()
    if not console.is_terminal:
        # A pipe has no width of its own; a table is not to be cut because of it.
        console.width = _PLAIN_WIDTH
    console.print(table if found else f"{project.model_package_group_name} has no version yet")
    for line in unreadable:
        print(line, file=sys.stderr)
    return 0


def _metrics(project: Project, package: Package, unreadable: list[str]) -> dict[str, float]:
    """Read a version's metrics; one without any that can be read does not hide the others."""
    try:
        return quality.package_metrics(project.s3, package.document)
    except (ClientError, ValueError) as error:
        unreadable.append(
            f"version {package.version}: its metrics in {quality.statistics_uri(package.document)} "
            f"cannot be read: {error}"
        )
        return {}


def approve_model(project: Project, options: argparse.Namespace) -> int:
    """Approve a version in the registry."""
    return _set_approval(project, options, "Approved")


def reject_model(project: Project, options: argparse.Namespace) -> int:
    """Reject a version in the registry."""
    return _set_approval(project, options, "Rejected")


def _set_approval(project: Project, options: argparse.Namespace, status: str) -> int:
    package = packages.find(project.sagemaker, project.model_package_group_name, options.package)
    changed = packages.set_approval(project.sagemaker, package, status, options.reason)
    print(f"Model package  {package.arn}")
    print(f"Approval       {status}{'' if changed else ' (no change)'}")
    if status == packages.APPROVED:
        print(f"Next           {project.next_command('staging')}")
    return 0


def _staging(package: Package, project_name: str) -> str:
    facts = (records.read(package.metadata, project_name, fact) for fact in (records.TEST, records.APPROVAL))
    return ", ".join(record.verdict.lower() for record in facts if record) or _UNKNOWN
