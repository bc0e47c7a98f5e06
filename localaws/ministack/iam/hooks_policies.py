"""IAM: what policies see of a request, as on AWS."""

import importlib
from typing import Any

from localaws.ministack.private import private


def treat_loopback_as_tls() -> None:
    """Treat requests as sent over TLS: they do not leave this machine, and a bucket may refuse others.

    Hook ``ministack.app.pin_request_origin``, which keeps a request's address and whether it came over TLS.
    """
    application: Any = importlib.import_module("ministack.app")
    keep_origin = private(application.__name__, "pin_request_origin")
    application.pin_request_origin = lambda address, _secure: keep_origin(address, True)
