"""AWS's services as botocore's own models describe them."""

from collections.abc import Mapping
from functools import cache

import botocore.session
from botocore.model import OperationModel, ServiceModel


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


@cache
def operations_by_path(service: str) -> Mapping[str, OperationModel]:
    """Return the operations of a REST service by path; none of a service whose operations are in ``X-Amz-Target``.

    Paths that name a resource, such as ``/endpoints/{EndpointName}/invocations``, are kept as they are in the model.
    """
    model = service_model(service)
    if not model.metadata["protocol"].startswith("rest-"):
        return {}
    found = [model.operation_model(name) for name in model.operation_names]
    return {operation.http["requestUri"]: operation for operation in found}
