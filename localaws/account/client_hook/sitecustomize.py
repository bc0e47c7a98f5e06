"""Keeps boto3's clients on local AWS, whatever URL a program names; Python imports this file at its start.

The SageMaker SDK makes clients of STS with an endpoint of their own, ``https://sts.us-east-1.amazonaws.com``, which no
environment variable moves. `local-aws env` therefore puts this folder on PYTHONPATH, for any Python from 3.7 on, with
or without this project's packages. While AWS_ENDPOINT_URL names this machine,

- a client whose endpoint is AWS's goes where the environment says;
- a request to any other machine is refused before it is sent, and before it is signed for another client's sending
  (MLflow's plug-in for SageMaker does so): what is signed with local keys does not leave.

``LOCALAWS_CLIENT_HOOK=off`` turns both off. Standard library only; another sitecustomize is imported after this one.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Every Python of the shell pays for this file: what it rarely needs, its functions import.
_OWN = os.path.join("client_hook", "sitecustomize.py")
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return (urlsplit(url).hostname or "").lower()


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


def _applies() -> bool:
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    return _is_here(_host(url)) and os.environ.get("LOCALAWS_CLIENT_HOOK", "").lower() != "off"


def _patch_session(module: Any) -> None:
    create_client = module.Session.create_client

    def create_local_client(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _applies() and _host(kwargs.get("endpoint_url") or "").endswith(_AWS):
            kwargs["endpoint_url"] = None
        return create_client(self, *args, **kwargs)

    module.Session.create_client = create_local_client


def _refuse_elsewhere(request: Any) -> None:
    host = _host(request.url)
    if _applies() and not _is_here(host):
        from botocore.exceptions import HTTPClientError

        raise HTTPClientError(
            error="{} is not this machine, but AWS_ENDPOINT_URL is {}: what is signed with local keys stays here"
            " (LOCALAWS_CLIENT_HOOK=off lets it go)".format(host, os.environ["AWS_ENDPOINT_URL"])
        )


def _patch_http(module: Any) -> None:
    send = module.URLLib3Session.send

    def send_here(self: Any, request: Any) -> Any:
        _refuse_elsewhere(request)
        return send(self, request)

    module.URLLib3Session.send = send_here


def _patch_signer(module: Any) -> None:
    add_auth = module.SigV4Auth.add_auth

    def add_auth_here(self: Any, request: Any) -> Any:
        # A URL that is signed in its query is made without a request, and given to whoever may use it.
        if not isinstance(self, module.SigV4QueryAuth):
            _refuse_elsewhere(request)
        return add_auth(self, request)

    module.SigV4Auth.add_auth = add_auth_here


_PATCHES = {
    "botocore.session": _patch_session,
    "botocore.httpsession": _patch_http,
    "botocore.auth": _patch_signer,
}


class _Finder:
    """Finds the modules to patch as everything else is found, and patches each when it has been executed."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname not in _PATCHES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_patch(module: Any) -> None:
            execute(module)
            _PATCHES[fullname](module)

        loader.exec_module = execute_and_patch
        return spec


def _import_the_other() -> None:
    """Import the sitecustomize that this one hides, such as a distribution's."""
    for path in sys.path:
        spec = PathFinder.find_spec("sitecustomize", [path])
        # This project may be there twice, as a working copy and as a package.
        if spec is not None and spec.loader is not None and not str(spec.origin).endswith(_OWN):
            import importlib.util

            spec.loader.exec_module(importlib.util.module_from_spec(spec))
            return


sys.meta_path.insert(0, _Finder())
_import_the_other()
