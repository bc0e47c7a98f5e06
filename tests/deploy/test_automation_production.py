"""What an endpoint's events write on the versions that come to production, on the stack of automation.yml."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from deploy import milestones, packages
from tests.deploy import samples
from tests.deploy.automation import Automation
from tests.deploy.conftest import ROLE, Registry

Tell = Callable[..., None]


@pytest.fixture
def versions(automation: Automation) -> Registry:
    return Registry(automation.aws, automation.name, automation.name)


@pytest.fixture
def tell(automation: Automation) -> Tell:
    """Tells keep-history of an endpoint that is in service, and waits until it has heard."""

    def deliver(config: str, hour: int, stage: str = "production", times: int = 1, **detail: Any) -> None:
        # In milliseconds, as events give it: 2026-01-31, so many hours.
        changed = 1000.0 * (1769817600 + 3600 * hour)
        event = samples.endpoint(
            f"{automation.name}-{stage}",
            **{"EndpointConfigName": config, "LastModifiedTime": changed, **detail},
        )
        automation.deliver("keep-history", event, times=times)
        automation.wait_until_worked_through("keep-history")

    return deliver


def configured(automation: Automation, *arns: str) -> str:
    """An endpoint configuration with a variant for each of some versions; its name."""
    sagemaker, config = automation.aws.client("sagemaker"), f"Config-{uuid.uuid4().hex[:8]}"
    variants = []
    for number, arn in enumerate(arns):
        name = f"{config}-{number}"
        sagemaker.create_model(ModelName=name, PrimaryContainer={"ModelPackageName": arn}, ExecutionRoleArn=ROLE)
        variants.append(
            {"VariantName": name, "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        )
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    return config


def written(automation: Automation, arn: str) -> str | None:
    """What a version says of production."""
    package = packages.describe(automation.aws.client("sagemaker"), arn)
    milestone = milestones.read(package.metadata, automation.name, milestones.PRODUCTION)
    return None if milestone is None else str(milestone)


def test_what_comes_to_production_is_written_on_the_version(automation: Automation, versions: Registry, tell: Tell):
    arn, on_trial = versions.register("Approved"), versions.register("Approved")
    first, again = (configured(automation, arn, on_trial) for _ in range(2))
    tell(first, 1, stage="staging")
    tell(first, 2, EndpointStatus="UPDATING")
    assert written(automation, arn) is None
    tell(first, 3, times=5)
    assert written(automation, arn) == f"Deployed 2026-01-31T03:00:00Z {first.lower()}"
    # Another number of instances of the same configuration.
    tell(first, 4)
    assert written(automation, arn) == f"Deployed 2026-01-31T03:00:00Z {first.lower()}"
    tell(again, 5)
    assert written(automation, arn) == f"Deployed 2026-01-31T05:00:00Z {again.lower()}"
    # Late.
    tell(first, 3)
    assert written(automation, arn) == f"Deployed 2026-01-31T05:00:00Z {again.lower()}"
    assert written(automation, on_trial) is None


def test_an_event_of_what_is_gone_since_is_worked_through(automation: Automation, versions: Registry, tell: Tell):
    arn = versions.register("Approved")
    config, sagemaker = configured(automation, arn), automation.aws.client("sagemaker")
    tell("gone-since", 1)
    sagemaker.delete_model_package(ModelPackageName=arn)
    tell(config, 2)
    sagemaker.delete_model(ModelName=f"{config}-0")
    tell(config, 3)
