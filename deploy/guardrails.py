"""How an update of an endpoint goes on: a parameter of the endpoint's template.

`WATCHED`     the traffic moves in steps, and an alarm of the new fleet brings it back
`UNWATCHED`   in steps, whatever the alarms say: asked for, for one update
`NONE`        all at once: the only way in which SageMaker adds or removes a variant

Source: "Exclusions" of the deployment guardrails in the SageMaker Developer Guide.
"""

from collections.abc import Mapping

from deploy import experiments

PARAMETER = "DeploymentGuardrails"
UNWATCHED, NONE = "UNWATCHED", "NONE"


def of_update(deployed: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the parameter as an update needs it, whatever is asked for; empty where the update leaves the choice."""
    return {PARAMETER: NONE} if experiments.variants(deployed) != experiments.variants(wanted) else {}


def asked(without_alarms: bool) -> dict[str, str]:
    """Return the parameter as a person asks for it; empty for that of the stage's file, or the template's own."""
    return {PARAMETER: UNWATCHED} if without_alarms else {}
