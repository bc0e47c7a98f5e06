"""Under load, with a model server killed in the middle: callers, capture and metrics tell the same story."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import until
from tests.localaws.sagemaker.hosting.conftest import servers
from tests.localaws.sagemaker.runtime.observed import Watch, captured, config

CALLERS, CALLS = 6, 100


def test_nothing_is_lost_and_nothing_counted_twice(endpoints, local_aws):
    variant = endpoints.variant(endpoints.model("1"), count=2)
    name = endpoints.create(endpoints.config(variant, DataCaptureConfig=config(endpoints.bench.bucket)))
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=CALLERS)
    runtime = local_aws.client("sagemaker-runtime", config=once)

    def call(number):
        if number == CALLERS * CALLS // 2:
            os.kill(servers(local_aws.state_dir, name)[-1], signal.SIGKILL)
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=name, Body=json.dumps(number), ContentType="application/json", InferenceId=f"n-{number}"
            )
            json.loads(answer["Body"].read())
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "answered"

    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = list(pool.map(call, range(CALLERS * CALLS)))
    failed = len(outcomes) - outcomes.count("answered")
    assert failed <= CALLERS  # those in flight
    watch = Watch(local_aws, name)
    until(lambda: watch.statistic("Invocations", "Sum") == len(outcomes))
    assert watch.statistic("InvocationModelErrors", "Sum") == outcomes.count("ModelError")
    until(lambda: len(list(captured(endpoints))) >= len(outcomes) - failed)
    ids = sorted(line["eventMetadata"]["inferenceId"] for line in captured(endpoints))
    assert ids == sorted(f"n-{number}" for number, outcome in enumerate(outcomes) if outcome == "answered")
