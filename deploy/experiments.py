"""A second model in production: an A/B test, which takes a share of the traffic, or a shadow, which gets copies of it.

Both are parameters of the endpoint's template, empty when there is no experiment.
"""

from collections.abc import Mapping

AB_PACKAGE, AB_WEIGHT, AB_REST = "ChallengerModelPackageName", "ChallengerWeight", "VariantWeight"
SHADOW_PACKAGE, SHADOW_SAMPLING = "ShadowModelPackageName", "ShadowSamplingPercentage"


def ab_test(package_arn: str, weight: int) -> dict[str, str]:
    """Return the parameters of an A/B test whose challenger gets `weight` % of the traffic."""
    return {AB_PACKAGE: package_arn, AB_WEIGHT: str(weight), AB_REST: str(100 - weight)}


def shadow(package_arn: str, sampling: int) -> dict[str, str]:
    """Return the parameters of a shadow variant that gets copies of `sampling` % of the requests."""
    return {SHADOW_PACKAGE: package_arn, SHADOW_SAMPLING: str(sampling)}


def challenger(parameters: Mapping[str, str]) -> str | None:
    """Return the ARN of the package that is tried beside the one in production, if any."""
    return parameters.get(AB_PACKAGE) or parameters.get(SHADOW_PACKAGE) or None


def variants(parameters: Mapping[str, str]) -> frozenset[str]:
    """Return the parameters that put another variant beside the one that is always there."""
    return frozenset(name for name in (AB_PACKAGE, SHADOW_PACKAGE) if parameters.get(name))


def describe(parameters: Mapping[str, str]) -> str:
    """Describe the experiment that is running; empty when there is none."""
    if parameters.get(AB_PACKAGE):
        return f"A/B test: {parameters[AB_WEIGHT]} % to {parameters[AB_PACKAGE]}"
    if parameters.get(SHADOW_PACKAGE):
        return f"shadow: {parameters[SHADOW_SAMPLING]} % of the requests to {parameters[SHADOW_PACKAGE]}, too"
    return ""
