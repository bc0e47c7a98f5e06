"""The registry: list, approve-model, reject-model."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Column, Table

from deploy import approved, milestones, packages
from deploy.packages import Package
from deploy.project import Project
from model_road import model_packages, quality

_METRIC = "{:.6g}"
_UNKNOWN = "-"
_BEST = "*"
_PLAIN_WIDTH = 200


def list_packages(project: Project, options: argparse.Namespace) -> int:
    """Show the newest versions with their metrics side by side, the best of each marked."""
    found: list[Package] = []
    for arn in model_packages.arns(project.sagemaker, project.model_package_group_name):
        if len(found) == options.max_items:
            break
        found.append(packages.describe(project.sagemaker, arn))
    unreadable: list[str] = []
    figures = [_metrics(project, package, unreadable) for package in found]
    names = sorted({name for metrics in figures for name in metrics})
    best = {name: value for name in names if (value := _best(name, figures)) is not None}
    right = [Column(name, justify="right") for name in names]
    table = Table("Version", "Created", "Approval", *right, "Staging", "Production", box=None, pad_edge=False)
    for package, metrics in zip(found, figures, strict=True):
        table.add_row(
            str(package.version),
            f"{package.created:%Y-%m-%d %H:%M}",
            package.status,
            *(_figure(metrics.get(name), best.get(name)) for name in names),
            _staging(package, project.name),
            "yes" if milestones.was_in_production(package, project.name) else _UNKNOWN,
        )
    console = Console()
    if not console.is_terminal:
        # A pipe has no width of its own; a table is not to be cut because of it.
        console.width = _PLAIN_WIDTH
    console.print(table if found else f"{project.model_package_group_name} has no version yet")
    if best:
        print(f"{_BEST} the best of these versions")
    for line in unreadable:
        print(line, file=sys.stderr)
    return 0


def _best(name: str, figures: Sequence[Mapping[str, float]]) -> float | None:
    """Return the best value of a metric; None where all are equal or the better direction is not known."""
    values = [metrics[name] for metrics in figures if name in metrics]
    higher = quality.higher_is_better(name)
    if higher is None or len(set(values)) < 2:
        return None
    return max(values) if higher else min(values)


def _figure(value: float | None, best: float | None) -> str:
    """Write a metric; a blank is where the mark of the best would be, so that figures stand below each other."""
    if value is None:
        return f"{_UNKNOWN} " if best is not None else _UNKNOWN
    mark = "" if best is None else _BEST if value == best else " "
    return f"{_METRIC.format(value)}{mark}"


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
    """Approve a version in the registry, and keep with it what it consists of: nothing else is deployed."""
    package = packages.find(project.sagemaker, project.model_package_group_name, options.package)
    changed = approved.approve(project.session.client, project.sagemaker, package, options.reason)
    _show(package, model_packages.APPROVED, changed)
    newest = packages.latest_approved(project.sagemaker, package.document["ModelPackageGroupName"])
    by_name = f"staging --model-package {package.arn}"
    if newest.arn == package.arn:
        # Without a name `staging` takes the latest approved version of the project's own group.
        other = package.document["ModelPackageGroupName"] != project.model_package_group_name
        print(f"Next           {project.next_command(by_name if other else 'staging')}")
        return 0
    # As start-deployment has it, too.
    print(f"Newer          {newest.short_name} is approved, too: `staging` and ModelDeploy take that one, and not this")
    print(f"Next           {project.next_command(by_name)}")
    print(f"or             {project.next_command(f'reject-model {newest.arn} --reason WHY')}")
    return 0


def reject_model(project: Project, options: argparse.Namespace) -> int:
    """Reject a version in the registry."""
    package = packages.find(project.sagemaker, project.model_package_group_name, options.package)
    _show(package, "Rejected", packages.set_approval(project.sagemaker, package, "Rejected", options.reason))
    return 0


def _show(package: Package, status: str, changed: bool) -> None:
    print(f"Model package  {package.arn}")
    print(f"Approval       {status}{'' if changed else ' (no change)'}")


def _staging(package: Package, project_name: str) -> str:
    facts = (milestones.read(package.metadata, project_name, fact) for fact in (milestones.TEST, milestones.APPROVAL))
    return ", ".join(milestone.verdict.lower() for milestone in facts if milestone) or _UNKNOWN
