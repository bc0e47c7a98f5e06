"""A wrong request is its sender's mistake, 4XX, in every server that runs inference.py.

`serving` answers a ValueError of input_fn by 400 and one of output_fn by 406. AWS's own servers answer any exception by
500: that counts as the model's failure, and ends a deployment by a rollback. What they take for a refusal instead:

| image | server | refusal | source |
|---|---|---|---|
| scikit-learn, XGBoost | sagemaker-containers: Flask | the result of a function is a Response | `_transformer.py` |
| PyTorch; many models | sagemaker-inference | an exception of its own class | `transformer.py` |

Neither is imported here, where it is not there already: a job in the same image needs no server.
"""

import functools
import importlib
import json
import sys
from collections.abc import Callable
from typing import Any


def answer_with(status: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a ValueError of input_fn, predict_fn or output_fn known to AWS's server as a refusal with this status."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if "flask" not in sys.modules and "sagemaker_inference" not in sys.modules:
            return function  # as `serving` wants it

        @functools.wraps(function)
        def refusing(data: Any, *others: Any) -> Any:
            if hasattr(data, "status_code"):  # the function before has refused
                return data
            try:
                return function(data, *others)
            except ValueError as error:
                return _refusal(status, error)

        return refusing

    return decorate


def _refusal(status: int, error: ValueError) -> Any:
    flask = sys.modules.get("flask")
    if flask is not None and flask.has_request_context():
        return flask.Response(json.dumps({"error": str(error)}), status, mimetype="application/json")
    if "sagemaker_inference" in sys.modules:
        errors = importlib.import_module("sagemaker_inference.errors")
        raise errors.GenericInferenceToolkitError(status, str(error)) from error
    raise error
