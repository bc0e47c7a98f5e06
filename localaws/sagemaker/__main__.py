"""``python -m localaws.sagemaker``: the local SageMaker as a process of its own."""

import argparse
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from localaws.account.guard import guarded
from localaws.containers.container import enter_host_namespace
from localaws.containers.warm_home import WarmHome
from localaws.sagemaker.aws import Aws
from localaws.sagemaker.jobs.runner import JobRunner
from localaws.sagemaker.notifier import Notifier
from localaws.sagemaker.parts import Control
from localaws.sagemaker.runtime.asynchronous import AsyncInvocations
from localaws.sagemaker.runtime.capture import DataCapture
from localaws.sagemaker.runtime.dispatch import Dispatcher
from localaws.sagemaker.runtime.gauges import Gauges
from localaws.sagemaker.runtime.invocation import Invocation
from localaws.sagemaker.runtime.metrics import EndpointMetrics
from localaws.sagemaker.runtime.service import Runtime
from localaws.sagemaker.runtime.usage import UsageMeter
from localaws.sagemaker.server import Server
from localaws.sagemaker.service import Api
from localaws.settings import time_scale
from localaws.storage.store import Store

_SERVICES_SECONDS = 30.0


def main() -> None:
    """Read the options and serve until SIGTERM."""
    options = _parser().parse_args()
    scratch = options.state_dir / "mount"
    scratch.mkdir(parents=True, exist_ok=True)
    enter_host_namespace([sys.executable, *sys.orig_argv[1:]], scratch)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    state_dir = options.state_dir.resolve()
    aws = Aws(options.endpoint_url, options.region, options.account_id)
    store, notifier = Store(state_dir / "sagemaker.sqlite"), Notifier(aws)
    jobs = JobRunner(store, aws, notifier, state_dir)
    api = Api(Control(store, aws, notifier, jobs, state_dir))
    jobs.recover()
    threading.Thread(target=_go_on, args=(aws, api), name="recovery", daemon=True).start()
    WarmHome(Path(sys.executable), state_dir).prepare()

    runtime, close_runtime = _runtime(api, store, aws)

    def shut_down() -> None:
        close_runtime()
        api.host.close()
        api.tuner.close()
        jobs.close()
        notifier.close()

    server = Server(api, runtime, shut_down, state_dir)
    uvicorn.run(
        guarded(server, options.endpoint_url),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )


def _runtime(api: Api, store: Store, aws: Aws) -> tuple[Runtime, Callable[[], None]]:
    """SageMaker Runtime, and what sends all that it has captured and counted when it ends."""
    capture, metrics, usage = DataCapture(aws), EndpointMetrics(aws), UsageMeter(aws, api.routes)
    dispatcher = Dispatcher(api.routes, aws.account_id, aws.region)
    asynchronous = AsyncInvocations(store, aws, api.routes, dispatcher, metrics, capture.record)
    gauges = Gauges(api.routes, dispatcher, asynchronous, metrics, time_scale())

    def answered(invocation: Invocation) -> None:
        metrics.record(invocation)
        capture.record(invocation)

    def close() -> None:
        capture.close()
        metrics.close()
        usage.close()

    return Runtime(dispatcher, answered, asynchronous, gauges), close


def _go_on(aws: Aws, api: Api) -> None:
    """Go on with what ran when the last server died, as soon as the other services answer: they may start just now."""
    aws.wait_until_there(_SERVICES_SECONDS)
    api.host.recover()
    api.tuner.recover()
    api.executor.recover()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws.sagemaker", description="A real SageMaker on this host.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4567, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=Path(".localaws/sagemaker"),
        help="where everything is kept (%(default)s)",
    )
    parser.add_argument(
        "--endpoint-url",
        help="where S3, CloudWatch, CloudWatch Logs and EventBridge are (default: AWS itself)",
    )
    parser.add_argument("--region", default="us-east-1", help="region of the ARNs (default: %(default)s)")
    parser.add_argument("--account-id", default="000000000000", help="account of the ARNs (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
