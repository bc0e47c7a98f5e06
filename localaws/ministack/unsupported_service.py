"""A service that local AWS lacks is refused by name, in a form that AWS's clients can read: MiniStack's is in none."""

import re
from xml.sax.saxutils import escape

from localaws.protocol.asgi import Message, Response, Scope, Send

_REFUSAL = re.compile(rb'\{"error": "Unsupported service: ([^"]*)"\}')
_STATUS = 400
_CODE = "UnsupportedOperation"


def readable(scope: Scope, send: Send) -> Send:
    """Wrap `send`, so that MiniStack's refusal of a service becomes an error of AWS's."""
    held: list[Message] = []

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == _STATUS:
            held.append(message)
            return
        refused = _REFUSAL.fullmatch(message.get("body", b"")) if held else None
        if refused is not None:
            held.clear()
            await _response(scope, refused[1].decode()).dated().send(send)
            return
        while held:
            await send(held.pop())
        await send(message)

    return send_on


def _response(scope: Scope, service: str) -> Response:
    message = f"Local AWS has no {service}: docs/localaws/README.md says what there is"
    content_type = dict(scope["headers"]).get(b"content-type", b"")
    if not content_type.startswith(b"application/x-www-form-urlencoded"):
        return Response.aws_error(_STATUS, _CODE, message)
    # The query protocol's errors are XML.
    error = f"<Type>Sender</Type><Code>{_CODE}</Code><Message>{escape(message)}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    return Response.of(_STATUS, "text/xml", body)
