"""The cost of the functions' cold starts besides Lambda's own part: imports and clients, each in a fresh process.

In turns: the Python SDK with two clients, which every function needs, and then the function's own modules. The time
that Lambda itself needs for an environment is not included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict

from benchmarks.machine import description
from deploy import stages

# Folder in deploy/functions, module of the handler.
HANDLERS = (
    ("invoke", "handler"),
    ("system_test", "handler"),
    ("automation", "starts"),
    ("automation", "people"),
    ("automation", "history"),
)
_ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
}
_PROBE = """
import json, sys, time
began = time.perf_counter()
import boto3
for service in ("dynamodb", "sagemaker"):
    boto3.client(service)
between = time.perf_counter()
__import__(sys.argv[1])
print(json.dumps([between - began, time.perf_counter() - between]))
"""


def measure(folder: str, module: str) -> tuple[float, float]:
    """Return the seconds for the SDK with its clients, and for the function's own modules."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, module],
        cwd=stages.FOLDER / "functions" / folder,
        env={**os.environ, **_ENVIRONMENT},
        capture_output=True,
        check=True,
    )
    sdk, own = json.loads(done.stdout)
    return sdk, own


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "-n", "--rounds", type=int, default=9, help="processes for each function (default: %(default)s)"
    )
    options = parser.parse_args()
    print(description("boto3"))
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for folder, module in HANDLERS:
            sdk, own = measure(folder, module)
            seconds["boto3 and two clients"].append(sdk)
            seconds[f"{folder}/{module}.py and what it imports"].append(own)
    print("\n| what | median ms | max ms |\n|---|---:|---:|")
    for what, values in seconds.items():
        print(f"| {what} | {statistics.median(values) * 1e3:.1f} | {max(values) * 1e3:.1f} |")


if __name__ == "__main__":
    main()
