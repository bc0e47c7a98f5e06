"""The HTTP front of services: JSON 1.1 and REST-JSON, one thread of a pool per request.

A request with an ``X-Amz-Target`` is for ``/``. One with a path beside it could be allowed as one operation and carried
out as another: it is refused.
"""

import asyncio
import contextvars
import os
from concurrent.futures import ThreadPoolExecutor

from localaws.account import authorization
from localaws.account.caller import Callers, CallerUnknownError, access_key, access_key_of
from localaws.account.resource_tags import TagsByArn
from localaws.api_errors import ApiError, UnsupportedOperation
from localaws.document import Document
from localaws.protocol.asgi import AMZ_JSON, JSON, Receive, Response, Scope, Send, read_body
from localaws.protocol.json_api import answered, document_response, error_response, parsed
from localaws.protocol.stalls import watch_loop
from localaws.service.accounts import Account, Accounts

_THREADS = 16


class Server:
    """The ASGI application.

    Parameters
    ----------
    accounts : Accounts
    callers : Callers
        Knows in which of them a request is.
    """

    def __init__(self, accounts: Accounts, callers: Callers) -> None:
        self._accounts, self._callers = accounts, callers
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the server's startup and shutdown."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "GET" and scope["path"] == "/health":
            await document_response({"status": "ok", "pid": os.getpid()}).send(send)
        else:
            await self._serve(scope, receive, send)

    async def resource_tags(self, scope: Scope, body: bytes) -> TagsByArn:
        """Return the tags of what a request is about, by ARN.

        Raises
        ------
        CallerUnknownError
            The gateway does not say whose request it is.
        """
        account_id = await self._callers.account_of(access_key_of(scope))
        target = _target(scope)
        query = scope["query_string"].decode("latin-1")

        def find() -> TagsByArn:
            arns = authorization.resources(target, scope["path"], query, body, account_id)
            return {arn: tags for arn in arns if (tags := self._accounts.tags_of(arn))}

        return await asyncio.get_running_loop().run_in_executor(self._pool, find)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in its caller's account."""
        key = access_key_of(scope)
        try:
            account = await self._accounts.reach(await self._callers.account_of(key))
        except (CallerUnknownError, ApiError) as error:
            refused = error.response if isinstance(error, CallerUnknownError) else error_response(error)
            await refused.send(send)
            return
        access_key.set(key)
        target, path = _target(scope), scope["path"]
        if target and path != "/":
            refused = error_response(UnsupportedOperation(f"X-Amz-Target '{target}' is for the path /, not {path}"))
            await refused.send(send)
        elif route := account.route(path):
            await route(scope, receive, send)
        elif (body := await read_body(receive)) is not None:
            run = contextvars.copy_context().run
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._pool, run, self._answer, account, scope, body)
            await response.send(send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                watch_loop()
                for account in self._accounts.every:
                    await account.start()
            elif message["type"] == "lifespan.shutdown":
                for account in self._accounts.every:
                    account.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def _answer(self, account: Account, scope: Scope, body: bytes) -> Response:
        target, path = _target(scope), scope["path"]

        def call() -> Document:
            service, operation = account.operation(scope["method"], path, target)
            return service.call(operation, parsed(body))

        content_type = JSON if account.is_rest(path) else AMZ_JSON
        return answered(call, target or path, self._accounts.state_dir, content_type)


def _target(scope: Scope) -> str:
    target: bytes = dict(scope["headers"]).get(b"x-amz-target", b"")
    return target.decode("latin-1")
