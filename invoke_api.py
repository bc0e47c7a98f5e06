"""Try the API: one record to /stream, the test set to /batch, then many calls for the latency.

    python invoke_api.py --local            the API of this machine
    python invoke_api.py                    the API of the project in the AWS account of the environment
    python invoke_api.py --url URL          any other, with the key in API_KEY
    python invoke_api.py --records FILE     with records of yours, as lines of CSV: for another model than the sample's

Where no URL is given it is read from the stack that `deploy-model api` made, and where no key is given its value is
read from API Gateway with the caller's own AWS credentials. The key is never printed. Requests are signed with those
credentials where the stack says AWS_IAM, or with --sign.
"""

import argparse
import csv
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.options import DEFAULT_PROJECT
from deploy.project import API, stack_name_of
from model_road import aws, command
from model_road.environment import ENVIRONMENTS, reachable_api
from model_road.errors import RoadError, UsageError
from model_road.options import add_environment_options, environment_words

URL_VARIABLE, KEY_VARIABLE, TOKEN_VARIABLE = "API_URL", "API_KEY", "API_AUTHORIZATION_TOKEN"
_TEST_ROWS = 20
_ADVICE = {
    400: "the model expects other records than these: give some of yours with --records FILE",
    401: f"no valid identity token of the API's user pool: set {TOKEN_VARIABLE} or give --authorization-token",
    403: f"the key is missing, wrong, or of another API's usage plan: set {KEY_VARIABLE} or give --api-key; or the API "
    "wants signed requests, of an identity that may call execute-api:Invoke: --sign",
    404: "there is no such path: the URL ends where /stream and /batch begin",
    429: "over the rate or the quota of the usage plan: wait, or raise RateLimit, BurstLimit or QuotaLimit",
    503: "no model is in service: see `deploy-model status`",
}


@dataclass(frozen=True)
class Records:
    """What is sent, and what should come back where that is known."""

    first: list[float]
    rows: list[list[float]]
    targets: list[float] | None


@dataclass(frozen=True)
class Api:
    """Where the API is, and what opens it."""

    url: str
    key: str
    pool: Any
    token: str | None = None
    session: Any = None  # boto3's, whose credentials sign the requests; None where they are not signed

    def post(self, path: str, rows: list[list[float]]) -> Any:
        """Send rows to a route; give its answer.

        Raises
        ------
        RoadError
            The route cannot be reached, or answers with an error; the text says what to do.
        """
        import urllib3  # noqa: PLC0415

        body = json.dumps({"x": rows})
        try:
            answer = self.pool.request("POST", self.url + path, body=body, headers=self._headers(path, body))
        except urllib3.exceptions.HTTPError as error:
            reason = str(error).rpartition(": ")[2]
            raise RoadError(f"{self.url}{path} cannot be reached: {reason}") from error
        if answer.status != 200:
            advice = _ADVICE.get(answer.status, "the function's log has the reason")
            raise RoadError(f"{path} answered {answer.status} ({_sentence(answer.data)}): {advice}")
        return json.loads(answer.data)

    def _headers(self, path: str, body: str) -> dict[str, str]:
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = self.token
        if not self.session:
            return headers
        request = AWSRequest("POST", self.url + path, headers, body)
        SigV4Auth(self.session.get_credentials(), "execute-api", self.session.region_name).add_auth(request)
        return dict(request.headers)


def _sentence(data: bytes) -> str:
    """What an answer says: the API answers {"message": sentence}, what stands before it may say anything."""
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode("utf-8", "replace")[:300]


def main() -> int:
    """Try the API; give the exit status."""
    options = _parser().parse_args()
    return command.exit_status(lambda: _try(options), _options(options))


def _options(options: argparse.Namespace) -> str:
    """Give the options that proposed commands repeat."""
    return f"--project-name {options.project_name} {environment_words(options)}".rstrip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="invoke_api.py",
        description="Try POST /stream and POST /batch: predictions, R2 on the test set, latency.",
        epilog="Exit status: 0 all answered, 1 not, 2 the command is wrong.",
    )
    parser.add_argument("--url", default=os.environ.get(URL_VARIABLE), help=f"of the API ({URL_VARIABLE})")
    parser.add_argument("--api-key", default=os.environ.get(KEY_VARIABLE), help=f"its key ({KEY_VARIABLE})")
    parser.add_argument(
        "--sign", action="store_true", help="sign the requests, for an API of AWS_IAM; the stack says it without --url"
    )
    parser.add_argument(
        "--authorization-token",
        default=os.environ.get(TOKEN_VARIABLE),
        metavar="TOKEN",
        help=f"of the user pool, for an API of COGNITO_USER_POOLS ({TOKEN_VARIABLE})",
    )
    parser.add_argument(
        "--project-name", default=DEFAULT_PROJECT, help="whose API, when there is no --url (%(default)s)"
    )
    parser.add_argument("--records", type=Path, metavar="FILE", help="CSV without a header, features only, to send")
    parser.add_argument(
        "--target-column", metavar="NAME", help="FILE has a header, and this column: R2 of the predictions against it"
    )
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="calls for the latency (%(default)s)")
    add_environment_options(parser, role_help=argparse.SUPPRESS, local_help="the API of this machine")
    return parser


def _try(options: argparse.Namespace) -> int:
    if options.calls < 1:
        raise UsageError(f"--calls is {options.calls}: expected 1 or more")
    if options.target_column and not options.records:
        raise UsageError("--target-column says what is in the file of --records: give that, too")
    if options.sign and options.authorization_token:
        raise UsageError("an API wants a signature or a token: give --sign or --authorization-token")
    records = read_records(options.records, options.target_column) if options.records else _test_set()
    api = _find(options)
    print(f"URL      {api.url}")
    print(f"/stream  {api.post('/stream', [records.first])!r} for x = {[records.first]}")
    predictions = api.post("/batch", records.rows)
    quality = "" if records.targets is None else f", R2 {_r2(records.targets, predictions):.4f} on the test set"
    print(f"/batch   {len(predictions)} predictions{quality}")
    times = _times(api, records.first, options.calls)
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    print(f"Latency  p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms over {len(times)} calls of /stream")
    return 0


def _find(options: argparse.Namespace) -> Api:
    import urllib3  # noqa: PLC0415

    url, key, signs = options.url, options.api_key, options.sign
    if signs or not (url and key):
        ENVIRONMENTS[options.environment](options.region, None)
    if not (url and key):
        found_url, found_key, authorization_type = _of_project(options)
        url, key = url or found_url, key or found_key
        signs = signs or authorization_type == "AWS_IAM"
    pool = urllib3.PoolManager(timeout=30.0, retries=False)
    session = aws.session() if signs else None
    if session and not session.get_credentials():
        raise UsageError("there are no credentials to sign the requests with: set AWS_PROFILE, or log in")
    return Api(url.rstrip("/"), key, pool, options.authorization_token, session)


def _of_project(options: argparse.Namespace) -> tuple[str, str, str]:
    """URL, key and authorization type of the project's API, as its stack and API Gateway tell them."""
    stack_name = stack_name_of(options.project_name, API)
    session = aws.session()
    cloudformation = session.client("cloudformation")
    try:
        [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except cloudformation.exceptions.ClientError as error:
        raise RoadError(
            f"there is no stack {stack_name}: run `deploy-model api`, or give --url and --api-key"
        ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if not {"ApiId", "ApiUrl", "ApiKeyId"} <= set(outputs):
        raise RoadError(f"the stack {stack_name} is {stack['StackStatus']} and has no outputs: see its events")
    key = session.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
    return reachable_api(outputs["ApiUrl"], outputs["ApiId"]), key, parameters.get("AuthorizationType", "NONE")


def read_records(path: Path, target_column: str | None) -> Records:
    """Read records of numbers from a CSV file; where a column is the target it has a header.

    Raises
    ------
    UsageError
        The file cannot be read, has no such column or no record, or something in it is no number.
    """
    try:
        lines = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--records {path} cannot be read: {error}") from error
    header = lines.pop(0) if target_column and lines else []
    if target_column and target_column not in header:
        raise UsageError(f"{path} has no column {target_column!r}; it has {', '.join(header) or 'no header'}")
    if not lines:
        raise UsageError(f"{path} has no record")
    try:
        rows = [[float(value) for value in line] for line in lines]
        targets = [row.pop(header.index(target_column)) for row in rows] if target_column else None
    except (ValueError, IndexError) as error:
        hint = "" if target_column else "; a header is read where --target-column names one of its columns"
        raise UsageError(f"{path}: records are lines of numbers: {error}{hint}") from error
    return Records(rows[0], rows, targets)


def _test_set() -> Records:
    """The body mass index and the target of the last rows of scikit-learn's diabetes data: the sample's test set."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    features, target = load_diabetes(return_X_y=True)
    return Records([0.3], features[-_TEST_ROWS:, 2:3].tolist(), target[-_TEST_ROWS:].tolist())


def _r2(targets: list[float], predictions: list[float]) -> float:
    if not all(isinstance(predicted, int | float) for predicted in predictions):
        raise RoadError(
            f"R2 is of numbers, and a prediction is {predictions[0]!r}: take the target's column out of FILE"
        )
    mean = sum(targets) / len(targets)
    unexplained = sum((target - predicted) ** 2 for target, predicted in zip(targets, predictions, strict=True))
    spread = sum((target - mean) ** 2 for target in targets)
    return 1 - unexplained / spread if spread else math.nan


def _times(api: Api, row: list[float], calls: int) -> list[float]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415

    times = []
    console = Console(stderr=True)
    for _ in track(range(calls), "Calling /stream", console=console, disable=not console.is_terminal, transient=True):
        started = time.perf_counter()
        api.post("/stream", [row])
        times.append(time.perf_counter() - started)
    return sorted(times)


if __name__ == "__main__":
    sys.exit(main())
