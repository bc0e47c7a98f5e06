"""MiniStack, hosted: S3, CloudWatch Logs, IAM, Lambda, EventBridge and the rest of AWS's API on one port.

``python -m localaws.ministack --port 4566 --state-dir DIR --sagemaker-url URL --services-url URL`` runs it in
this process:

1. `configure` sets the environment that MiniStack reads while it is imported: bound to 127.0.0.1, its data
   under DIR, no Docker, no listener beside the one port.
2. `load_application` imports it and returns its ASGI application, which uvicorn serves. (MiniStack's own
   ``main`` serves with Hypercorn, writes a pid file into the shared temporary directory and binds 0.0.0.0.)
3. `localaws.gateway.Gateway` stands before the application and sends the requests for services that are ours to
   their servers.
4. `localaws.snapshot.SnapshotLoop` saves MiniStack's state while it runs; MiniStack itself saves at a clean
   stop only.

MiniStack has no plug-in API. This is the only file of the project that uses its private names, one function
per hook, each with a contract test in ``tests/localaws/test_ministack.py`` that names the hook when a new
MiniStack breaks it.
"""

import argparse
import importlib
import importlib.metadata
import inspect
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import uvicorn

from localaws import alarms
from localaws.asgi import Application
from localaws.cloudformation import catalog
from localaws.cloudformation.provisioner import Provisioner
from localaws.errors import HookMissingError
from localaws.gateway import Gateway, Upstreams, asked_by_service
from localaws.settings import CREDENTIALS, HOST, REGION, time_scale
from localaws.snapshot import SnapshotLoop

_LOG_FIRST_LINE_SECONDS, _LOG_IDLE_SECONDS, _LOG_MOST_SECONDS = 0.010, 0.001, 0.250


def configuration(port: int, data_dir: Path) -> dict[str, str]:
    """The environment variables by which MiniStack is configured.

    Parameters
    ----------
    port : int
        The port that it is served on. It only tells MiniStack which URLs to hand out.
    data_dir : Path
        Where everything that it stores goes, its temporary files too.
    """
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data_dir / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data_dir / "s3"),
        "TMPDIR": str(data_dir / "tmp"),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A socket that is never there: MiniStack would remove containers of the user's Docker at every start.
        "DOCKER_HOST": f"unix://{data_dir}/no-docker.sock",
    }


def configure(port: int, data_dir: Path) -> None:
    """Set `configuration` in this process and make its folders; the temporary files of an earlier run go."""
    variables = configuration(port, data_dir)
    os.environ.update(variables)
    shutil.rmtree(variables["TMPDIR"], ignore_errors=True)
    for variable in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"):
        Path(variables[variable]).mkdir(parents=True, exist_ok=True)


def hook(module: str, name: str) -> Any:
    """A name of MiniStack's, whose types are unknown.

    Raises
    ------
    HookMissingError
        The installed MiniStack does not have it.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise HookMissingError(
            f"MiniStack {_installed_version()} has no {module}.{name}, which localaws/ministack.py needs "
            f"({error}). Install the version that setup.cfg names: pip install 'ministack==1.5.33'"
        ) from error


def _installed_version() -> str:
    try:
        return importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def load_application() -> Application:
    """Import MiniStack, which reads its environment at that moment, and return its ASGI application.

    Hook ``ministack.app.app``: the name that MiniStack's own Docker image serves.
    """
    application: Application = hook("ministack.app", "app")
    return application


def state_writer() -> Callable[[], None]:
    """A function that writes the state of every service that was used to ``STATE_DIR``, file by file,
    atomically.

    Hooks ``ministack.app._build_persistence_save_dict`` and ``ministack.core.persistence.save_all``: what
    MiniStack calls when it is stopped cleanly. Without them, all but S3's objects is lost with a kill -9.
    """
    services_in_use = hook("ministack.app", "_build_persistence_save_dict")
    save_all = hook("ministack.core.persistence", "save_all")

    def write() -> None:
        save_all(services_in_use())

    return write


def let_services_emit() -> None:
    """Let our own services put events of the source ``aws.*``, which EventBridge refuses to users.

    Hook ``ministack.services.eventbridge._put_events``, whose parameter ``allow_aws_source`` is what MiniStack's own
    services use. `localaws.gateway.asked_by_service` tells who asks.
    """
    module = importlib.import_module("ministack.services.eventbridge")
    put_events = hook(module.__name__, "_put_events")

    def put(data: Any, allow_aws_source: bool = False) -> Any:
        return put_events(data, allow_aws_source=allow_aws_source or asked_by_service.get())

    module._put_events = put  # type: ignore[attr-defined]


def let_alarms_be_decided(scale: float) -> Callable[[], None]:
    """Let metric alarms be decided by `localaws.alarms`; gives the function that decides all of them.

    Hooks ``ministack.services.cloudwatch``: ``_evaluate_alarm``, which is called with every alarm and new datum, is
    replaced; ``_metrics``, ``_dims_key``, ``_dims_from_list``, ``_calc_stats`` and ``_stat_value`` read the data;
    ``_record_history``, ``_dispatch_alarm_actions`` and ``_evaluate_parent_alarms`` do what follows from a new state;
    ``_evaluate_all_alarms`` goes through all.
    """
    cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
    names = ("_metrics", "_dims_key", "_dims_from_list", "_calc_stats", "_stat_value", "_record_history")
    more = ("_dispatch_alarm_actions", "_evaluate_parent_alarms", "_evaluate_all_alarms", "_evaluate_alarm")
    for name in (*names, *more):
        hook(cloudwatch.__name__, name)

    def statistic(points: Sequence[alarms.Point], name: str) -> float | None:
        value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
        return value

    def evaluate(alarm: dict[str, Any]) -> None:
        if not alarm.get("MetricName"):
            return
        dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or []
        decision = alarms.decide(alarm, points, statistic, time.time(), scale)
        if decision is None or decision[0] == alarm["StateValue"]:
            return
        before, (alarm["StateValue"], alarm["StateReason"]) = alarm["StateValue"], decision
        alarm["StateUpdatedTimestamp"] = int(time.time())
        cloudwatch._record_history(alarm["AlarmName"], before, *decision)
        cloudwatch._dispatch_alarm_actions(alarm, before, *decision)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate
    evaluate_all: Callable[[], None] = cloudwatch._evaluate_all_alarms
    return evaluate_all


def let_functions_answer_soon() -> None:
    """Let a Lambda function's answer wait less for the log that belongs to it.

    Hook ``ministack.core.lambda_runtime.Worker._drain_stderr_bounded``, whose defaults hold up every answer: 50 ms when
    the function printed nothing, 5 ms after its last line. A line that comes later shows with the next request's.
    """
    drain = hook("ministack.core.lambda_runtime", "Worker")._drain_stderr_bounded
    names = tuple(inspect.signature(drain).parameters)
    if names != ("self", "first_line_wait", "idle_confirm", "hard_cap"):
        raise HookMissingError(f"MiniStack {_installed_version()}: Worker._drain_stderr_bounded takes {names}")
    drain.__defaults__ = (_LOG_FIRST_LINE_SECONDS, _LOG_IDLE_SECONDS, _LOG_MOST_SECONDS)


def let_cloudformation_provision(provisioners: Mapping[str, Provisioner]) -> None:
    """Let stacks have resources of more types, each provisioned in a worker thread.

    Hooks ``ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS``, the table of types, and
    ``...stacks._runs_on_worker_thread``, which says for which types the event loop must not wait.
    """
    handlers = hook("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    stacks = importlib.import_module("ministack.services.cloudformation.stacks")
    in_thread = hook(stacks.__name__, "_runs_on_worker_thread")
    for name, provisioner in provisioners.items():
        handlers[name] = {
            "create": provisioner.create,
            "update": provisioner.update,
            "update_with_logical_id": True,
            "delete": provisioner.delete,
        }
    stacks._runs_on_worker_thread = lambda name: name in provisioners or in_thread(name)  # type: ignore[attr-defined]


def main(argv: Sequence[str] | None = None) -> None:
    """Serve MiniStack until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m localaws.ministack", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True, help="where MiniStack's data goes")
    parser.add_argument("--sagemaker-url", required=True, help="where SageMaker's requests are sent")
    parser.add_argument("--services-url", required=True, help="where those for `localaws.services` are sent")
    arguments = parser.parse_args(argv)

    configure(arguments.port, arguments.state_dir.absolute())
    try:
        application = load_application()
        let_services_emit()
        let_functions_answer_soon()
        let_cloudformation_provision(catalog.provisioners(_clients(arguments.sagemaker_url, arguments.services_url)))
        clock = alarms.Clock(let_alarms_be_decided(time_scale()))
        upstreams = Upstreams(arguments.sagemaker_url, arguments.services_url)
        gateway = Gateway(application, upstreams, SnapshotLoop(state_writer()), clock)
    except HookMissingError as error:
        raise SystemExit(str(error)) from None
    uvicorn.run(
        gateway,
        host=HOST,
        port=arguments.port,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # MiniStack sets it
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def _clients(sagemaker_url: str, services_url: str) -> Callable[[str], Any]:
    """The clients of the services behind the gateway: asked straight, not through the process that asks."""

    @cache
    def client(service: str) -> Any:
        url = sagemaker_url if service == "sagemaker" else services_url
        return boto3.client(service, endpoint_url=url, region_name=REGION, **CREDENTIALS)

    return client


if __name__ == "__main__":
    main()
