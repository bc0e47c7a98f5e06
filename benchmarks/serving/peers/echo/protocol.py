"""The limit for a server in Python: an asyncio protocol over httptools on uvloop that sends the body back.

It parses the request line, the headers and the body, and nothing more: no routes, no limits, no timeouts. One process
for each worker, each with its own listening socket on the same port.
"""

import asyncio
import os
import signal
import socket
import sys

import httptools
import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Echo(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport):
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        self._parser.feed_data(data)

    def on_message_begin(self):
        self._headers = []
        self._body = b""

    def on_header(self, name, value):
        self._headers.append((name, value))

    def on_body(self, body):
        self._body += body

    def on_message_complete(self):
        self._transport.write(_HEAD % len(self._body) + self._body)


async def _serve(port):
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        server = await asyncio.get_running_loop().create_server(Echo, sock=listening, backlog=1024)
        await server.serve_forever()


def main(port, workers):
    """Serve until SIGTERM."""
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            uvloop.run(_serve(port))
        children.append(child)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
