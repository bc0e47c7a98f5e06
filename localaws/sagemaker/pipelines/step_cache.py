"""Step caching: reusing the result of an earlier run of a step with the same cache key.

As on AWS, only certain attributes of a step's resolved arguments count, those that the guide lists for each type of
step ("Default cache key attributes by pipeline step type"); and only the latest successful run of the same step of the
same pipeline, if it is not older than ``ExpireAfter``.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from localaws.document import Document
from localaws.sagemaker.pipelines.cache_config import duration
from localaws.sagemaker.pipelines.definition import Step
from localaws.storage.store import Resource, Store

_KIND = "cached-step"
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}
_WHOLE = ("Lambda", "Callback")
"""Types whose arguments all count, with the function or queue that gets them."""


@dataclass(frozen=True)
class CachedStep:
    """The result of an earlier run of a step.

    Attributes
    ----------
    execution_arn : str
        The execution that ran it.
    """

    execution_arn: str
    metadata: Document
    properties: Document


class StepCache:
    """The cached steps of one pipeline.

    Parameters
    ----------
    store : Store
    pipeline_arn : str
    """

    def __init__(self, store: Store, pipeline_arn: str) -> None:
        self._store, self._pipeline_arn = store, pipeline_arn

    def find(self, step: Step, request: Document) -> CachedStep | None:
        """Return an earlier run that can be reused; None if there is none, or if the step has caching turned off."""
        config = step.document.get("CacheConfig", {})
        if not config.get("Enabled"):
            return None
        found = self._store.by_arn(self._arn(step, request))
        if found is None or found.created + duration(config.get("ExpireAfter", "P1Y")) < time.time():
            return None
        return CachedStep(**found.document)

    def keep(self, step: Step, request: Document, result: CachedStep) -> None:
        """Store a successful run; the latest of several counts."""
        if step.kind not in (*_ATTRIBUTES, *_WHOLE):
            return
        arn = self._arn(step, request)
        with self._store.transaction():
            self._store.remove(arn)
            self._store.add(Resource(_KIND, arn, arn, vars(result).copy(), parent=self._pipeline_arn))

    def forget(self) -> None:
        """Remove everything, together with the pipeline."""
        for found in self._store.every(_KIND, parent=self._pipeline_arn):
            self._store.remove(found.arn)

    def _arn(self, step: Step, request: Document) -> str:
        attributes = {name: request.get(name) for name in _ATTRIBUTES.get(step.kind, tuple(request))}
        target = {name: step.document.get(name) for name in ("FunctionArn", "SqsQueueUrl")}
        signature = json.dumps([step.kind, attributes, target], sort_keys=True)
        return f"{self._pipeline_arn}/cache/{step.name}/{hashlib.sha256(signature.encode()).hexdigest()}"
