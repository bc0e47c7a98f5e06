"""S3: encryption with KMS."""

import importlib
from collections.abc import Mapping
from typing import Any

from localaws.ministack.private import private
from localaws.settings import REGION

_KIND, _KEY = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"


def use_s3s_own_key_without_another() -> None:
    """Encrypt with the account's key ``aws/s3`` where a request asks for KMS and names no key, as S3 does.

    Hooks ``ministack.services.s3._resolve_sse_write_headers``, which refuses such a request, and
    ``ministack.core.responses.get_account_id``. Source: "Specifying server-side encryption with AWS KMS (SSE-KMS)" in
    S3's User Guide.
    """
    s3: Any = importlib.import_module("ministack.services.s3")
    resolve = private(s3.__name__, "_resolve_sse_write_headers")
    account = private("ministack.core.responses", "get_account_id")

    def resolve_with_key(headers: Mapping[str, str], bucket: str) -> Any:
        if headers.get(_KIND) == "aws:kms" and not headers.get(_KEY):
            headers = {**headers, _KEY: f"arn:aws:kms:{REGION}:{account()}:alias/aws/s3"}
        return resolve(headers, bucket)

    s3._resolve_sse_write_headers = resolve_with_key
