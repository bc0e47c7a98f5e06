"""Which resource types are provisioned here, not by MiniStack."""

from collections.abc import Mapping

from localaws.account.session import Clients
from localaws.ministack.cloudformation import (
    apigateway,
    application_autoscaling,
    codebuild,
    codecommit,
    codepipeline,
    logs,
    model_package_group,
    sagemaker,
    wafv2,
)
from localaws.ministack.cloudformation.provisioner import Provisioner

_MODULES = (
    apigateway,
    application_autoscaling,
    codebuild,
    codecommit,
    codepipeline,
    logs,
    model_package_group,
    sagemaker,
    wafv2,
)


def provisioners(client: Clients) -> Mapping[str, Provisioner]:
    """Return the provisioner of each type.

    Parameters
    ----------
    client : callable(service) -> boto3 client
        Called when a resource needs it first, in a worker thread.
    """
    return {name: provisioner for module in _MODULES for name, provisioner in module.provisioners(client).items()}
