"""What a platform team asks of a project: parameters of its stack, which builds have as variables.

`pipelines` makes arguments of get_pipeline() of them, `deploy` the parameters of the stacks that it makes later. Lists
have commas between their items and nothing else, as in CloudFormation's parameters.
"""

from collections.abc import Mapping
from typing import Any

# The variable of a build by the parameter of the project's stack.
VARIABLES: Mapping[str, str] = {
    "SubnetIds": "SUBNET_IDS",
    "SecurityGroupIds": "SECURITY_GROUP_IDS",
    "EnableNetworkIsolation": "ENABLE_NETWORK_ISOLATION",
    "EnableInterContainerTrafficEncryption": "ENABLE_INTER_CONTAINER_TRAFFIC_ENCRYPTION",
}
_FLAGS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")


def of_build(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that a build's variables have, by their parameters."""
    return {name: environ[variable] for name, variable in VARIABLES.items() if variable in environ}


def network_config(settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the network of jobs and models, as SageMaker's API has it; empty where nothing is asked for."""
    flags = {name: True for name in _FLAGS if settings.get(name) == "true"}
    subnets, groups = (settings.get(name, "") for name in ("SubnetIds", "SecurityGroupIds"))
    if not subnets:
        return flags
    return {**flags, "VpcConfig": {"SecurityGroupIds": groups.split(","), "Subnets": subnets.split(",")}}
