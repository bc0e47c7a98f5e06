"""The `serve` of AWS's framework images: Flask behind gunicorn, over the functions of a user's script.

As in AWS's images the model's code is installed first, by `pip install .` over the code folder, and then each gunicorn
worker imports it and loads the model at its first request. Two things differ: gunicorn listens on the loopback device
only, and there is no nginx before it.

It is copied into an image's environment, runs with the image's Python, 3.7 and later, and imports nothing of this
project.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from sagemaker_containers.beta.framework import env, modules, transformer, worker


class ScriptServer:
    """The WSGI application of a gunicorn worker.

    Parameters
    ----------
    defaults : dict of str to callable
        The framework's own `input_fn`, `predict_fn` and `output_fn`, for a script without.
    algorithm : WSGI application, optional
        What serves if no script is named.
    """

    def __init__(self, defaults: dict[str, Any], algorithm: Any = None) -> None:
        self._defaults = defaults
        self._algorithm = algorithm
        self._application: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request; the first one imports the script and loads its model."""
        if self._application is None:
            self._application = self._make()
        return self._application(environ, start_response)

    def _make(self) -> Any:
        settings = env.ServingEnv()
        if not settings.module_name:
            return self._algorithm
        script = _script(settings)
        model = self._transformer(script)
        model.initialize()
        return worker.Worker(
            transform_fn=model.transform,
            module_name=settings.module_name,
            execution_parameters_fn=getattr(script, "execution_parameters_fn", None),
        )

    def _transformer(self, script: Any) -> Any:
        own = {name: getattr(script, name) for name in self._defaults if getattr(script, name, None)}
        model_fn = getattr(script, "model_fn", transformer.default_model_fn)
        transform_fn = getattr(script, "transform_fn", None)
        if transform_fn is None:
            return transformer.Transformer(model_fn=model_fn, **dict(self._defaults, **own))
        if own:
            raise ValueError(f"transform_fn takes the place of {', '.join(sorted(own))}: define one or the others")
        return transformer.Transformer(model_fn=model_fn, transform_fn=transform_fn)


def _script(settings: Any) -> Any:
    """Return the user's module, which `start` has installed; otherwise it is installed now."""
    try:
        return importlib.import_module(settings.module_name)
    except ImportError:
        return modules.import_module(settings.module_dir, settings.module_name)


def start(*, algorithm: bool = False) -> None:
    """Install the model's code, then become gunicorn; with an algorithm, no script need be named."""
    if os.environ.get("SAGEMAKER_MULTI_MODEL"):
        sys.exit("serve: multi-model endpoints (SAGEMAKER_MULTI_MODEL) are not supported by the local image")
    settings = env.ServingEnv()
    if settings.module_name:
        modules.import_module(settings.module_dir, settings.module_name)
    elif not algorithm:
        sys.exit("serve: no script is named: set SAGEMAKER_PROGRAM in the model's environment")
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
