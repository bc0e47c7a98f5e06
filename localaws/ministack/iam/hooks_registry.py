"""IAM: what Docker asks ECR for, of whom nothing is known."""

import importlib
import json
from typing import Any

from localaws.ministack.private import private
from localaws.settings import iam_enforced

_REFUSED = "Where IAM is enforced, local AWS takes and gives no images: it cannot tell who asks for them."


def refuse_registry_requests() -> None:
    """Refuse to push to ECR and to pull from it where IAM is enforced.

    MiniStack answers these requests whoever sends them; the password of ``GetAuthorizationToken`` is the same for all.

    Hooks ``ministack.app._handle_ecr_registry_request``; ``_is_ecr_registry_path`` knows the requests. Source of the
    answer: "Errors" in the specification of the OCI's distribution.
    """
    application: Any = importlib.import_module("ministack.app")
    answer = private(application.__name__, "_handle_ecr_registry_request")
    is_registry_path = private(application.__name__, "_is_ecr_registry_path")
    body = json.dumps({"errors": [{"code": "DENIED", "message": _REFUSED}]}).encode()
    enforced = iam_enforced()

    async def answer_or_refuse(method: str, path: str, *rest: Any) -> Any:
        if enforced and is_registry_path(path):
            return 403, {"Content-Type": "application/json"}, body
        return await answer(method, path, *rest)

    application._handle_ecr_registry_request = answer_or_refuse
