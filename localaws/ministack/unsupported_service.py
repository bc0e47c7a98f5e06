"""A service that local AWS lacks is refused by name, in a form that AWS's clients can read: MiniStack's is in none."""

import re
from xml.sax.saxutils import escape

from localaws.protocol.asgi import Answer, Message, Scope, Send, send_answer
from localaws.protocol.json_api import error_answer

_REFUSAL = re.compile(rb'\{"error": "Unsupported service: ([^"]*)"\}')
_STATUS = 400
_CODE = "UnsupportedOperation"


def readable(scope: Scope, send: Send) -> Send:
    """What MiniStack may send through instead: its refusal of a service becomes an error of AWS's."""
    held: list[Message] = []

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == _STATUS:
            held.append(message)
            return
        refused = _REFUSAL.fullmatch(message.get("body", b"")) if held else None
        if refused is not None:
            held.clear()
            await send_answer(send, _answer(scope, refused[1].decode()))
            return
        while held:
            await send(held.pop())
        await send(message)

    return send_on


def _answer(scope: Scope, service: str) -> Answer:
    message = f"Local AWS has no {service}: docs/localaws/README.md says what there is"
    content_type = dict(scope["headers"]).get(b"content-type", b"")
    if not content_type.startswith(b"application/x-www-form-urlencoded"):
        return error_answer(_STATUS, _CODE, message)
    # The query protocol's errors are XML.
    error = f"<Type>Sender</Type><Code>{_CODE}</Code><Message>{escape(message)}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    return Answer(_STATUS, headers, body)
