"""Git's smart HTTP protocol at ``/v1/repos/<name>``: each request is passed to ``git http-backend``, a CGI program."""

import asyncio
import re
import subprocess
from typing import Any

from localaws.api_errors import ApiError
from localaws.protocol.asgi import Receive, Response, Scope, Send, read_body
from localaws.protocol.routing import GIT_PATH
from localaws.services.codecommit.git import environment, git_program
from localaws.services.codecommit.repositories import Repositories

_PATH = re.compile(r"/v1/repos/(?P<name>[\w.-]+?)(?:\.git)?(?P<rest>/(?:info/refs|git-upload-pack|git-receive-pack))")
_SECONDS = 80.0


class GitHttp:
    """The ASGI application.

    Parameters
    ----------
    repositories : Repositories
    """

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a git client."""
        body = await read_body(receive)
        if body is None:
            return
        response = await asyncio.to_thread(self._answer, scope, body)
        await response.send(send)

    def _answer(self, scope: Scope, body: bytes) -> Response:
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            return _refused(404, f"{scope['path']} is not an address of git's smart HTTP protocol")
        name = path["name"]
        try:
            self._repositories.get(name)
            response = _backend(self._backend_environment(scope, name, path["rest"], len(body)), body)
            if path["rest"] == "/git-receive-pack":
                self._repositories.announce(name)
        except ApiError as error:
            return _refused(404 if error.http_status == 400 else error.http_status, error.message)
        return response

    def _backend_environment(self, scope: Scope, name: str, rest: str, length: int) -> dict[str, str]:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        given = {
            "CONTENT_TYPE": headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
        }
        return environment(
            {
                "GIT_PROJECT_ROOT": str(self._repositories.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": f"/{name}.git{rest}",
                "REQUEST_METHOD": scope["method"],
                "QUERY_STRING": scope["query_string"].decode("latin-1"),
                "CONTENT_LENGTH": str(length),
                **{key: value for key, value in given.items() if value},
            }
        )


def _backend(env: dict[str, str], body: bytes) -> Response:
    done = subprocess.run(
        [git_program(), "http-backend"], input=body, env=env, capture_output=True, timeout=_SECONDS, check=False
    )
    head, found, content = done.stdout.partition(b"\r\n\r\n")
    if not found:
        return _refused(500, f"git http-backend failed: {done.stderr.decode(errors='replace')}")
    status, headers = 200, []
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b": ")
        if key.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((key.lower(), value))
    return Response(status, headers, content)


def _refused(status: int, message: str) -> Response:
    return Response.text(status, f"{message}\n")


def routes(repositories: Repositories) -> dict[str, Any]:
    """Return the applications of the server by path prefix."""
    return {GIT_PATH: GitHttp(repositories)}
