"""Hooks: a bucket's own CORS configuration, which decides whether a page of another origin may use the bucket."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from localaws.ministack.private import private
from localaws.protocol.asgi import Response, Scope

# S3 takes none, and other services read the operation out of it.
_FORM = "application/x-www-form-urlencoded"
_OK = 200


class BucketCors:
    """The CORS configurations of buckets.

    Hooks ``app._s3_cors_target``, ``core.router.detect_service`` and, of ``services.s3``, ``cors_preflight`` and
    ``cors_response_headers``, which MiniStack itself asks only where IAM is enforced.
    """

    def __init__(self) -> None:
        self._target = private("ministack.app", "_s3_cors_target")
        self._service = private("ministack.core.router", "detect_service")
        self._preflight = private("ministack.services.s3", "cors_preflight")
        self._headers = private("ministack.services.s3", "cors_response_headers")

    def preflight(self, scope: Scope) -> Response | None:
        """Return the answer to a preflight for a bucket or an object; None to what is no such preflight."""
        if scope["method"] != "OPTIONS":
            return None
        headers = _headers(scope)
        target = self._bucket(scope, headers)
        if target is None:
            return None
        status, given, body = self._preflight(*target, headers)
        named = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        return Response(status, named, body)

    def headers(self, scope: Scope) -> Mapping[str, str]:
        """Return the headers with which a bucket opens an answer to the request's origin; none if it does not."""
        headers = _headers(scope)
        # Of a request that no page has sent it is not asked whom it is for: that can take seconds.
        target = self._bucket(scope, headers) if "origin" in headers else None
        given: Mapping[str, str] = self._headers(target[0], scope["method"], headers) if target else {}
        return given

    def allows(self, scope: Scope) -> bool:
        """Return whether a request of another origin is one that the bucket has opened itself to."""
        if (answer := self.preflight(scope)) is not None:
            return answer.status == _OK
        return bool(self.headers(scope))

    def _bucket(self, scope: Scope, headers: Mapping[str, str]) -> tuple[str, str] | None:
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if headers.get("content-type", "").startswith(_FORM):
            return None
        if self._service(scope["method"], scope["path"], headers, query) != "s3":
            return None
        target: tuple[str, str] | None = self._target(headers.get("host", ""), scope["path"])
        return target


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
