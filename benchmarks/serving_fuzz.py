"""Malformed requests by the ten thousand: ``python -m benchmarks.serving_fuzz --requests 100000 --seed 1``.

Each is generated at random from faults on the wire (cut off, wrong length, garbage, dripping) and in the body (deep
nesting, NaN, huge numbers, wrong types, wrong charset), and sent to a real server with the linear regression. The
server has to answer or close each of them, with no status of 500 or above, and to answer a valid request afterwards.
Exit code 1 if it does not.
"""

import argparse
import collections
import json
import random
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.machine import description
from benchmarks.serving_process import ServingProcess, linear_regression

_SECONDS = 10
_CALLERS = 8
_RIGHT = b'{"x": [[0.3]]}'
_TYPES = (
    *("application/json", "application/jsonlines", "text/csv", "application/x-npy", "image/png"),
    *("text/csv; charset=utf-16", "application/json; charset=klingon", "text/csv; charset=zlib", "", ";;;", "\xff"),
)
_VALUES = (
    *("0.3", "1", "-4e-3", "NaN", "Infinity", "1e999", "9" * 400, "9" * 5000, "null", "true", '"text"', "{}", "[]"),
    *("[[[]]]", '{"x": 1}', "\ud800", "\x00", "", "1_0", "0x10"),
)


def body(chance: random.Random) -> bytes:
    """Return a body, rarely a valid one."""
    values = [chance.choice(_VALUES) for _ in range(chance.randint(0, 4))]
    depth = chance.choice((1, 2, 100, 10_000))
    text = chance.choice(
        (
            f"[[{','.join(values)}]]",
            f'{{"x": [[{"],[".join(values)}]]}}',
            ",".join(values) + "\n" + ",".join(values[1:]),
            "\n".join(f"[{value}]" for value in values),
            "[" * depth + "1" + "]" * chance.choice((depth, depth - 1)),
            '{"x":' * depth + "1" + "}" * depth,
            "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        )
    )
    data = text.encode("utf-8", "surrogatepass")
    return chance.choice((data, data, data[: len(data) // 2], chance.randbytes(30), b"\xef\xbb\xbf" + data))


def request(chance: random.Random) -> bytes:
    """Return the bytes of a request, rarely of a valid one."""
    content = body(chance)
    length = chance.choice((len(content), len(content), len(content), len(content) + 5, 0, -1, 10**12, "x"))
    kind, accept = chance.choice(_TYPES), chance.choice((*_TYPES, "*/*", "text/csv;q=2", "*/*;q=0"))
    headers = f"Host: localhost\r\nContent-Type: {kind}\r\nAccept: {accept}\r\n"
    framing = f"Content-Length: {length}\r\n"
    if chance.random() < 0.1:
        framing = "Transfer-Encoding: chunked\r\n"
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content) + chance.choice((0, 0, 1)), content)
    line = chance.choice(
        ("POST /invocations HTTP/1.1",) * 8 + ("GET /ping HTTP/1.1", "\x00 /", "POST /nowhere HTTP/1.0")
    )
    whole = f"{line}\r\n{headers}{framing}\r\n".encode("latin-1") + content
    return chance.choice((whole,) * 6 + (whole[: chance.randint(1, len(whole))], chance.randbytes(50)))


def send(port: int, data: bytes, chance: random.Random) -> str:
    """Send it as a careless client would; return how it ended: the status, or closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as wire:
        cut = chance.randint(0, len(data)) if chance.random() < 0.2 else len(data)
        try:
            wire.sendall(data[:cut])
            wire.sendall(data[cut:])
            wire.shutdown(socket.SHUT_WR)
            answer = b""
            while more := wire.recv(65536):
                answer += more
        except TimeoutError:
            return "no answer"
        except OSError:
            return "closed"
    return answer.partition(b"\r\n")[0].decode() or "closed"


def is_alive(port: int) -> bool:
    """Return whether a valid request gets its correct answer."""
    head = b"POST /invocations HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as wire:
        wire.sendall(head % len(_RIGHT) + _RIGHT)
        answer = b""
        while more := wire.recv(65536):
            answer += more
    return abs(json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"][0] - 434.0765649977469) < 1e-6


def attack(port: int, seed: int, count: int) -> collections.Counter[str]:
    """Send `count` requests, one after the other; count how they ended."""
    chance = random.Random(seed)
    return collections.Counter(send(port, request(chance), chance) for _ in range(count))


def main() -> int:
    """Send the requests and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_fuzz", description=main.__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        ServingProcess(linear_regression(Path(folder), 1), Path(folder, "log")) as server,
        ThreadPoolExecutor(_CALLERS) as pool,
    ):
        each = options.requests // _CALLERS
        jobs = [pool.submit(attack, server.port, options.seed * _CALLERS + caller, each) for caller in range(_CALLERS)]
        ends = sum((job.result() for job in jobs), collections.Counter())
        deaths = Path(folder, "log").read_text().count("a worker died")
        alive = is_alive(server.port)
    print(description("httptools", "uvloop"))
    for end, count in ends.most_common():
        print(f"{count:>8}  {end}")
    print(f"{ends.total()} requests in {time.monotonic() - started:.0f} s, {deaths} workers died, alive: {alive}")
    failed = [end for end in ends if end.startswith(("HTTP/1.1 5", "no answer"))]
    return 1 if failed or deaths or not alive else 0


if __name__ == "__main__":
    sys.exit(main())
