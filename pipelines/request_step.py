"""A step of a pipeline that is an API request.

`RequestStep` is a subclass of the SDK's step class, so it works in a pipeline beside the SDK's own steps. This module
imports the SDK; `pipelines.sdk` imports it when it is needed.
"""

from collections.abc import Sequence
from typing import Any

from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.steps import CacheConfig, ConfigurableRetryStep


class RequestStep(ConfigurableRetryStep):  # type: ignore[misc]  # the SDK publishes no types
    """A step whose arguments are the API request that it stands for.

    Parameters
    ----------
    name : str
    step_type : StepTypeEnum
    request : dict
    response_shape : str
        The shape of what Describe answers: later steps may refer to its members.
    retry_policies : list
    property_files : sequence of PropertyFile, optional
    cached : bool, default=False
        Whether a result of the last 30 days is taken where nothing has changed.
    """

    def __init__(
        self,
        name: str,
        step_type: Any,
        request: dict[str, Any],
        response_shape: str,
        *,
        retry_policies: list[Any],
        property_files: Sequence[Any] = (),
        cached: bool = False,
    ) -> None:
        super().__init__(name, step_type, retry_policies=retry_policies)
        self.property_files = list(property_files)
        self._request = request
        self._cached = cached
        self._properties = Properties(step_name=name, step=self, shape_name=response_shape)

    @property
    def arguments(self) -> Any:
        return self._request

    @property
    def properties(self) -> Any:
        return self._properties

    def to_request(self) -> Any:
        request = super().to_request()
        if self._cached:
            request.update(CacheConfig(enable_caching=True, expire_after="P30D").config)
        if self.property_files:
            request["PropertyFiles"] = [file.expr for file in self.property_files]
        return request
