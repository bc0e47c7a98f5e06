"""Generated bodies against the API's own exported description: ``python -m benchmarks.api_fuzz --requests 10000``.

API Gateway exports a description of the bodies it accepts; bodies that follow it and bodies that break it, in syntax
and in meaning, are sent to /stream and /batch. For any of them: no status of 500 or above, no stack trace, an answer
within seconds; 400 with one sentence, from the gateway before any function runs, for what the description does not
allow; a prediction for a valid record afterwards. Exit code 1 otherwise.
"""

import argparse
import collections
import json
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jsonschema
import urllib3

from benchmarks import invocations, serving_fuzz
from benchmarks.api_stack import ApiStack, api_stack
from benchmarks.machine import description

Document = dict[str, Any]

_SECONDS = 10
_CALLERS = 4
_PATHS = ("/stream", "/batch")
_TYPES = ("application/json", "application/json; charset=utf-8", "text/plain", "application/octet-stream", "")
_NUMBERS = (0, 0.3, -4e-3, 1e308, 5e-324, 12345678901234567890, 10**400)
_OTHERS = (None, True, "0.3", [], {}, [[]], "", [0.3])


@dataclass(frozen=True)
class Sent:
    """A request and the answers that it may get."""

    path: str
    content_type: str
    body: bytes
    is_described: bool


def main() -> int:
    """Send everything; print the answers; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--requests", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("-s", "--seed", type=int, default=1, help="random seed (default: %(default)s)")
    parser.add_argument(
        "-p", "--port", type=int, default=4670, help="port of local AWS, and the next one (default: %(default)s)"
    )
    options = parser.parse_args()
    print(description("ministack"))
    with api_stack(options.port) as api:
        chance = random.Random(options.seed)
        schemas = exported(api)
        requests = [generate(chance, schemas) for _ in range(options.requests)]
        faults = send(api, requests)
    for fault in faults[:20]:
        print(fault)
    print(f"{len(faults)} faults in {len(requests)} requests")
    return 1 if faults else 0


def exported(api: ApiStack) -> dict[str, Document]:
    """Return the schema of each route's body, as API Gateway exports it."""
    export = invocations.client("apigateway", api.port).get_export(
        restApiId=api.api_id, stageName=api.path.rpartition("/")[2], exportType="oas30", accepts="application/json"
    )
    document = json.loads(export["body"].read())
    found = {}
    for path in _PATHS:
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        name = schema["$ref"].rpartition("/")[2]
        found[path] = document["components"]["schemas"][name]
    return found


def generate(chance: random.Random, schemas: dict[str, Document]) -> Sent:
    """Return a request: a valid one, one with a single fault, or garbage."""
    path = chance.choice(_PATHS)
    make = chance.choice((_right, _wrong, lambda chance, _path: serving_fuzz.body(chance)))
    body = make(chance, path)
    return Sent(path, chance.choice(_TYPES), body, _is_described(body, schemas[path]))


def _right(chance: random.Random, path: str) -> bytes:
    rows = 1 if path == "/stream" else chance.randint(1, 30)
    return json.dumps({"x": [[chance.choice(_NUMBERS)] for _ in range(rows)]}).encode()


def _wrong(chance: random.Random, path: str) -> bytes:
    document: Any = json.loads(_right(chance, path))
    match chance.randrange(5):
        case 0:
            document["x"][0][0] = chance.choice(_OTHERS)
        case 1:
            document["x"][-1].append(chance.choice((*_NUMBERS, *_OTHERS)))
        case 2:
            document["x"] = chance.choice(_OTHERS)
        case 3:
            document[chance.choice(("y", "X", "", "__proto__"))] = 1
        case 4:
            document = chance.choice((*_OTHERS, document["x"]))
    return json.dumps(document).encode()


def _is_described(body: bytes, schema: Document) -> bool:
    try:
        return bool(jsonschema.Draft4Validator(schema).is_valid(json.loads(body)))
    except (ValueError, RecursionError):
        return False


def send(api: ApiStack, requests: list[Sent]) -> list[str]:
    """Send the requests; describe each unexpected answer."""
    pool = urllib3.PoolManager(maxsize=_CALLERS, timeout=_SECONDS, retries=False)
    statuses: collections.Counter[str] = collections.Counter()
    lock = threading.Lock()

    def one(sent: Sent) -> str | None:
        try:
            status, data, by = _post(pool, api, sent)
        except urllib3.exceptions.HTTPError as error:
            return f"{error!r}: {sent}"
        with lock:
            statuses[f"{status} by the {by}"] += 1
        wrong = _what_is_wrong(sent, status, data, by)
        return f"{wrong}: {status} {data[:200]!r} for {sent}" if wrong else None

    right = Sent("/stream", "application/json", invocations.BODY, True)
    with ThreadPoolExecutor(_CALLERS) as callers:
        faults = [fault for fault in callers.map(one, requests) if fault]
    print(", ".join(f"{count} answered {answer}" for answer, count in sorted(statuses.items())))
    if (status := _post(pool, api, right)[0]) != 200:
        faults.append(f"a right record afterwards: {status}")
    return faults


def _post(pool: urllib3.PoolManager, api: ApiStack, sent: Sent) -> tuple[int, bytes, str]:
    """Return the answer's status and body, and its sender: the function adds the request's ID in a header."""
    headers = {"x-api-key": api.key, "Content-Type": sent.content_type}
    url = f"http://127.0.0.1:{api.port}{api.path}{sent.path}"
    answer = pool.request("POST", url, body=sent.body, headers=headers)
    return answer.status, answer.data, "function" if "X-Request-Id" in answer.headers else "gateway"


def _what_is_wrong(sent: Sent, status: int, data: bytes, by: str) -> str | None:
    if status not in (200, 400):
        return "neither 200 nor 400"
    if status == 200 and not sent.is_described:
        return "taken, though it is not described"
    if by == "function" and not sent.is_described:
        return "given to the function, though it is not described"
    if b"Traceback" in data or b'File "' in data:
        return "a trace"
    answer = json.loads(data)
    if status == 400 and not (isinstance(answer, dict) and list(answer) == ["message"]):
        return "not one sentence"
    return None


if __name__ == "__main__":
    sys.exit(main())
