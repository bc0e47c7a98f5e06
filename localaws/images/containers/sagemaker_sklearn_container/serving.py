"""The framework module of `serve` (``SAGEMAKER_SERVING_MODULE``): Flask behind gunicorn, over a script's functions.

As in AWS's image the model's code is installed first, by `pip install .` over the code folder, and then each gunicorn
worker imports it and loads the model at its first request. Two things differ: gunicorn listens on the loopback device
only, and there is no nginx before it.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sagemaker_containers.beta.framework import content_types, encoders, env, modules, transformer, worker

_HANDLERS = ("input_fn", "predict_fn", "output_fn")
_application: Any = None


def input_fn(input_data: str | bytes, content_type: str) -> Any:
    """Return a request's body as an array; numbers that came as text are single precision, as in AWS's image."""
    array = encoders.decode(input_data, content_type)
    return array.astype(np.float32) if content_type in content_types.UTF8_TYPES else array


def predict_fn(input_data: Any, model: Any) -> Any:
    """Return what the model predicts."""
    return model.predict(input_data)


def output_fn(prediction: Any, accept: str) -> Any:
    """Return the answer to a request, in the format that was asked for."""
    return worker.Response(response=encoders.encode(prediction, accept), mimetype=accept)


_DEFAULTS = {"input_fn": input_fn, "predict_fn": predict_fn, "output_fn": output_fn}


def main(environ: dict[str, Any], start_response: Any) -> Any:
    """Answer a request; the first one imports the script and loads its model."""
    global _application  # noqa: PLW0603 - a gunicorn worker has one
    if _application is None:
        _application = _make_application()
    return _application(environ, start_response)


def _make_application() -> Any:
    settings = env.ServingEnv()
    script = _script(settings)
    model = _transformer(script)
    model.initialize()
    return worker.Worker(
        transform_fn=model.transform,
        module_name=settings.module_name,
        execution_parameters_fn=getattr(script, "execution_parameters_fn", None),
    )


def _script(settings: Any) -> Any:
    """Return the user's module, which `serving_entrypoint` has installed; otherwise it is installed now."""
    try:
        return importlib.import_module(settings.module_name)
    except ImportError:
        return modules.import_module(settings.module_dir, settings.module_name)


def _transformer(script: Any) -> Any:
    own = {name: getattr(script, name) for name in _HANDLERS if getattr(script, name, None)}
    model_fn = getattr(script, "model_fn", transformer.default_model_fn)
    transform_fn = getattr(script, "transform_fn", None)
    if transform_fn is None:
        return transformer.Transformer(model_fn=model_fn, **dict(_DEFAULTS, **own))
    if own:
        raise ValueError(f"transform_fn takes the place of {', '.join(sorted(own))}: define one or the others")
    return transformer.Transformer(model_fn=model_fn, transform_fn=transform_fn)


def serving_entrypoint() -> None:
    """Install the model's code, then become gunicorn."""
    if os.environ.get("SAGEMAKER_MULTI_MODEL"):
        sys.exit("serve: multi-model endpoints (SAGEMAKER_MULTI_MODEL) are not supported by the local image")
    settings = env.ServingEnv()
    if settings.module_name:
        modules.import_module(settings.module_dir, settings.module_name)
    workers = settings.model_server_workers
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    options = {
        "--timeout": settings.model_server_timeout,
        "--worker-class": "gevent",
        "--pythonpath": ",".join([*sys.path, env.code_dir]),
        "--bind": f"127.0.0.1:{settings.http_port}",
        "--worker-connections": 1000 * workers,
        "--workers": workers,
        "--log-level": "info",
    }
    words = [str(word) for option in options.items() for word in option]
    os.execv(gunicorn, [gunicorn, *words, settings.framework_module])
