"""AWS's services as botocore's own models describe them."""

from functools import cache

import botocore.session
from botocore.model import ServiceModel


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service, loaded once.

    Parameters
    ----------
    service : str
        Botocore's name of it, such as ``codebuild``.
    """
    model: ServiceModel = botocore.session.get_session().get_service_model(service)
    return model
