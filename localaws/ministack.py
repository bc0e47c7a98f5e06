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
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import uvicorn

from localaws import alarms, apigateway
from localaws.asgi import Application
from localaws.aws import Aws
from localaws.cloudformation import catalog, completion, schema
from localaws.cloudformation.provisioner import Provisioner
from localaws.errors import HookMissingError
from localaws.eventbridge import inputs, targets
from localaws.eventbridge.courier import Courier
from localaws.eventbridge.spool import Spool
from localaws.gateway import Gateway, Upstreams, asked_by_service
from localaws.mail.outbox import Outbox
from localaws.mail.sns import Postman
from localaws.mail.subscriptions import EmailSubscriptions, Sns
from localaws.services.targets import TARGET_PREFIXES
from localaws.settings import ACCOUNT_ID, CREDENTIALS, HOST, REGION, time_scale
from localaws.snapshot import SnapshotLoop

# MiniStack's own 10 s are long for who watches a schedule of a minute.
_SCHEDULES_LOOKED_AT_SECONDS = 1
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


Check = Callable[[str, str, dict[str, Any]], None]
"""Takes a resource's type, logical id and properties; ValueError refuses them."""
Complete = Callable[[str, str, dict[str, Any]], None]
"""Takes a resource's type, physical id and properties."""
Guard = Callable[[str, str], None]
"""Takes a resource's type and physical id; ValueError keeps it from being deleted."""


def let_cloudformation_be_exact(check: Check, complete: Complete, guard: Guard, in_thread: Collection[str]) -> None:
    """Let the properties of each resource be checked before it is made or updated, and be completed afterwards.

    Hooks ``_provision_resource``, ``_update_resource`` and ``_delete_resource`` of
    ``ministack.services.cloudformation.provisioners``, which stacks, in a module of their own, and nested stacks call
    with properties whose references are resolved; and ``...stacks._runs_on_worker_thread`` for the types that are
    completed by calls to this very server.
    """
    provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    provision = hook(provisioners.__name__, "_provision_resource")
    update = hook(provisioners.__name__, "_update_resource")
    delete = hook(provisioners.__name__, "_delete_resource")
    runs_in_thread = hook(stacks.__name__, "_runs_on_worker_thread")

    def provision_exactly(resource_type: str, logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        check(resource_type, logical_id, props)
        provisioned = provision(resource_type, logical_id, props, stack_name)
        complete(resource_type, provisioned[0], props)
        return provisioned

    def update_exactly(
        resource_type: str, physical_id: str, old: dict[str, Any], new: dict[str, Any], *others: Any, **more: Any
    ) -> Any:
        if old == new:
            return update(resource_type, physical_id, old, new, *others, **more)
        check(resource_type, physical_id, new)
        updated = update(resource_type, physical_id, old, new, *others, **more)
        complete(resource_type, updated[0], new)
        return updated

    def delete_if_allowed(resource_type: str, physical_id: str, *others: Any, **more: Any) -> None:
        guard(resource_type, physical_id)
        delete(resource_type, physical_id, *others, **more)

    for module in (provisioners, stacks):
        for name in ("_provision_resource", "_update_resource", "_delete_resource"):
            hook(module.__name__, name)
        module._provision_resource, module._update_resource = provision_exactly, update_exactly
        module._delete_resource = delete_if_allowed
    stacks._runs_on_worker_thread = lambda name: name in in_thread or runs_in_thread(name)


def let_change_sets_be_exact(create_only: Callable[[str], Collection[str]]) -> None:
    """Let change sets leave out resources whose condition is false, and know what replaces a resource.

    Hooks ``ministack.services.cloudformation.changesets``: ``_resolve_props_for_diff`` gives both templates that are
    compared, and ``_evaluate_conditions`` their conditions; and ``...stacks._property_recreation``.
    """
    changesets: Any = importlib.import_module("ministack.services.cloudformation.changesets")
    stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
    resolve = hook(changesets.__name__, "_resolve_props_for_diff")
    evaluate = hook(changesets.__name__, "_evaluate_conditions")
    recreation = hook(stacks.__name__, "_property_recreation")

    def resolve_present(template: dict[str, Any], params: dict[str, Any], *names: str) -> dict[str, Any]:
        resolved: dict[str, Any] = resolve(template, params, *names)
        if not resolved:
            return resolved
        absent = {name for name, holds in evaluate(template, params).items() if not holds}
        resources = {key: item for key, item in resolved["Resources"].items() if item.get("Condition") not in absent}
        return {**resolved, "Resources": resources}

    def exact_recreation(resource_type: str, name: str) -> Any:
        return "Always" if name in create_only(resource_type) else recreation(resource_type, name)

    changesets._resolve_props_for_diff = resolve_present
    stacks._property_recreation = exact_recreation


def let_capabilities_be_asked_for() -> None:
    """Let stacks with IAM resources need CAPABILITY_IAM or CAPABILITY_NAMED_IAM, whoever asks.

    Hook ``ministack.services.cloudformation.handlers._capabilities_enforced``, which says so with AUTH=true only.
    """
    handlers: Any = importlib.import_module("ministack.services.cloudformation.handlers")
    hook(handlers.__name__, "_capabilities_enforced")
    handlers._capabilities_enforced = lambda: True


_BUCKET_HOST = re.compile(r"https://([a-z0-9.-]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/")


def let_templates_lie_in_buckets() -> None:
    """Let a TemplateURL name its bucket as a host, as S3's own URLs do.

    Hook ``ministack.services.cloudformation.helpers._resolve_document``, which takes the bucket for a part of the path.
    """
    helpers: Any = importlib.import_module("ministack.services.cloudformation.helpers")
    resolve = hook(helpers.__name__, "_resolve_document")

    def resolve_in_bucket(params: dict[str, Any], body_key: str, url_key: str, label: str) -> Any:
        [url] = params.get(url_key) or [""]
        path_style = _BUCKET_HOST.sub(r"https://s3.amazonaws.com/\1/", url)
        return resolve({**params, url_key: [path_style]} if url else params, body_key, url_key, label)

    helpers._resolve_document = resolve_in_bucket


def let_api_gateway_be_watched(see: Callable[[apigateway.Request], None]) -> None:
    """Let each request that a REST API has answered be seen.

    Hooks ``ministack.services.apigateway_v1``: ``_handle_execute_in_scope`` answers a request; in it
    ``_execute_in_scope`` fills a document about the request and gives an error, if it has one, before that becomes a
    response; ``_invoke_lambda_proxy_v1`` calls what is behind the API; ``_rest_apis`` knows the APIs' names.
    """
    gateway: Any = importlib.import_module("ministack.services.apigateway_v1")
    handle = hook(gateway.__name__, "_handle_execute_in_scope")
    execute = hook(gateway.__name__, "_execute_in_scope")
    invoke = hook(gateway.__name__, "_invoke_lambda_proxy_v1")
    apis = hook(gateway.__name__, "_rest_apis")
    key_of = hook(gateway.__name__, "_resolve_api_key")
    key_in = hook(gateway.__name__, "_api_key_from_request")
    known: ContextVar[dict[str, Any]] = ContextVar("known")

    async def invoke_timed(*arguments: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return await invoke(*arguments, **more)
        finally:
            known.get()["integration"] = time.perf_counter() - began

    async def execute_seen(request: dict[str, Any], *arguments: Any) -> Any:
        response = await execute(request, *arguments)
        known.get().update(request=request, error=getattr(response, "message", None))
        return response

    async def handle_seen(api_id: str, stage_name: str, method: str, path: str, headers: Any, *others: Any) -> Any:
        known.set({})
        at, began = time.time(), time.perf_counter()
        response = await handle(api_id, stage_name, method, path, headers, *others)
        found = known.get()
        request = found.get("request")
        if request is not None and request["stage"] is not None:
            key = key_of(key_in(headers)) or {}
            see(
                apigateway.Request(
                    api_name=apis[api_id]["name"],
                    stage=request["stage"],
                    method=method,
                    resource_path=request["resource_path"],
                    status=response[0],
                    latency=round((time.perf_counter() - began) * 1000),
                    integration_latency=round(found.get("integration", 0.0) * 1000),
                    at=at,
                    context={
                        "requestId": request["request_id"],
                        "extendedRequestId": request["request_id"],
                        "apiId": api_id,
                        "path": f"/{stage_name}{path}",
                        "protocol": "HTTP/1.1",
                        "identity.sourceIp": HOST,
                        "identity.userAgent": headers.get("user-agent", ""),
                        "identity.apiKeyId": key.get("id", ""),
                        "responseLength": str(len(response[2])),
                        "error.message": found["error"] or "",
                        "error.messageString": json.dumps(found["error"]) if found["error"] else "",
                    },
                )
            )
        return response

    gateway._invoke_lambda_proxy_v1 = invoke_timed
    gateway._execute_in_scope = execute_seen
    gateway._handle_execute_in_scope = handle_seen


def let_email_go_out(postman: Postman) -> None:
    """Let SNS subscriptions by e-mail wait for their confirmation, and get their notifications.

    Hooks ``ministack.services.sns``: ``_subscribe``, ``_fanout`` and the two lists are completed, the other names are
    used; and ``...cloudformation.provisioners._RESOURCE_HANDLERS``, whose functions for topics and subscriptions write
    into ``_topics`` by themselves.
    """
    sns: Any = importlib.import_module("ministack.services.sns")
    topics = hook(sns.__name__, "_topics")
    names = ("_subscribe", "_fanout", "_error", "_matches_filter_policy", "_resolve_message_for_protocol")
    subscribe, fan_out, refuse, matches, text_for = (hook(sns.__name__, name) for name in names)
    envelope, recount = hook(sns.__name__, "_build_envelope"), hook(sns.__name__, "_refresh_subscription_counts")
    functions = Sns(subscribe, fan_out, refuse, lambda: list(topics.values()), matches, text_for, envelope, recount)
    people = EmailSubscriptions(functions, postman)
    sns._subscribe, sns._fanout = people.subscribe, people.fan_out
    for name in ("_list_subscriptions", "_list_subscriptions_by_topic"):
        setattr(sns, name, people.listing(hook(sns.__name__, name)))
    handlers = hook("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
    for handler in (handlers["AWS::SNS::Topic"], handlers["AWS::SNS::Subscription"]):
        handler.update(create=people.then_ask(handler["create"]), update=people.then_ask(handler["update"]))


def let_events_reach_targets(courier: Courier) -> None:
    """Let `localaws.eventbridge` deliver events, and targets to which it cannot be refused.

    Hooks ``ministack.services.eventbridge``: ``_invoke_target``, which rules and schedules call for each event, and
    ``_validate_target_arn`` are replaced, but for event buses and API destinations; ``_pattern_event_view`` and
    ``_render_input_template`` are used. ``...scheduler._create_schedule`` and ``_update_schedule`` take targets, too;
    so does CloudFormation's own way to make a rule, ``_RESOURCE_HANDLERS``, which checks no pattern either
    (``_event_pattern_error``).
    """
    events: Any = importlib.import_module("ministack.services.eventbridge")
    scheduler: Any = importlib.import_module("ministack.services.scheduler")
    invoke, validate = hook(events.__name__, "_invoke_target"), hook(events.__name__, "_validate_target_arn")
    view_of, render = hook(events.__name__, "_pattern_event_view"), hook(events.__name__, "_render_input_template")
    pattern_error = hook(events.__name__, "_event_pattern_error")

    def deliver(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if targets.is_forwarded(target):
            invoke(target, event, rule, view)
            return
        document = (view or view_of(event)).event_with_detail()
        payload = inputs.payload(target, document, rule, render)
        courier.take(targets.Delivery(target, document, payload, rule["Arn"]))

    def check(target: dict[str, Any]) -> Any:
        reason = targets.refusal(target)
        return events.error_response_json("ValidationException", reason, 400) if reason else validate(target)

    def checked(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(name: str, body: dict[str, Any]) -> Any:
            reason = targets.refusal(body["Target"]) if (body.get("Target") or {}).get("Arn") else None
            return scheduler._error(400, "ValidationException", reason) if reason else function(name, body)

        return called

    def create_rule(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        pattern = properties.get("EventPattern") or ""
        wrong = [targets.refusal(target) for target in properties.get("Targets", [])]
        wrong.append(pattern_error(json.dumps(pattern) if isinstance(pattern, dict) else pattern))
        if reasons := [reason for reason in wrong if reason]:
            raise ValueError(f"{logical_id}: {'; '.join(reasons)}")
        return create(logical_id, properties, stack_name)

    hook(scheduler.__name__, "_error"), hook(events.__name__, "error_response_json")
    hook(events.__name__, "_SCHEDULER_TICK_INTERVAL"), hook(scheduler.__name__, "_SCHEDULE_TICK_INTERVAL")
    events._SCHEDULER_TICK_INTERVAL = scheduler._SCHEDULE_TICK_INTERVAL = _SCHEDULES_LOOKED_AT_SECONDS
    events._invoke_target, events._validate_target_arn = deliver, check
    rules = hook("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")["AWS::Events::Rule"]
    create, rules["create"] = rules["create"], create_rule
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, checked(hook(scheduler.__name__, name)))


def main(argv: Sequence[str] | None = None) -> None:
    """Serve MiniStack until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m localaws.ministack", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True, help="where MiniStack's data goes")
    parser.add_argument("--sagemaker-url", required=True, help="where SageMaker's requests are sent")
    parser.add_argument("--services-url", required=True, help="where those for `localaws.services` are sent")
    parser.add_argument("--outbox", type=Path, help="where e-mails go (default: outbox in the state folder)")
    arguments = parser.parse_args(argv)

    configure(arguments.port, arguments.state_dir.absolute())
    try:
        application = load_application()
        let_services_emit()
        let_functions_answer_soon()
        upstreams = Upstreams(arguments.sagemaker_url, arguments.services_url)
        client = _clients(arguments.port, upstreams)
        let_cloudformation_provision(catalog.provisioners(client))
        let_change_sets_be_exact(schema.create_only)
        let_capabilities_be_asked_for()
        let_templates_lie_in_buckets()
        let_cloudformation_be_exact(*_exactness(client), completion.COMPLETIONS)
        let_api_gateway_be_watched(apigateway.Watch(client).see)
        outbox = Outbox((arguments.outbox or arguments.state_dir / "outbox").absolute())
        let_email_go_out(Postman(outbox, f"http://{HOST}:{arguments.port}"))
        aws = Aws(f"http://{HOST}:{arguments.port}", REGION, ACCOUNT_ID)
        courier = Courier(Spool(arguments.state_dir.absolute() / "eventbridge.sqlite"), aws.client)
        let_events_reach_targets(courier)
        clock = alarms.Clock(let_alarms_be_decided(time_scale()))
        gateway = Gateway(application, upstreams, SnapshotLoop(state_writer()), clock)
    except HookMissingError as error:
        raise SystemExit(str(error)) from None
    courier.start()
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
    courier.close()


def _clients(port: int, upstreams: Upstreams) -> Callable[[str], Any]:
    """The clients of the other services: those behind the gateway are asked straight."""
    urls = {"sagemaker": upstreams.sagemaker, **dict.fromkeys(TARGET_PREFIXES.values(), upstreams.services)}

    @cache
    def client(service: str) -> Any:
        url = urls.get(service, f"http://{HOST}:{port}")
        return boto3.client(service, endpoint_url=url, region_name=REGION, **CREDENTIALS)

    return client


def _exactness(client: Callable[[str], Any]) -> tuple[Check, Complete, Guard]:
    """What makes CloudFormation exact."""

    def check(resource_type: str, logical_id: str, properties: dict[str, Any]) -> None:
        schema.check(resource_type, logical_id, properties)
        if resource_type == "AWS::Lambda::Function":
            completion.check_code(client, properties)

    def complete(resource_type: str, physical_id: str, properties: dict[str, Any]) -> None:
        if resource_type in completion.COMPLETIONS:
            completion.complete(client, resource_type, physical_id, properties)

    def guard(resource_type: str, physical_id: str) -> None:
        if resource_type == "AWS::S3::Bucket":
            completion.check_empty(client, physical_id)

    return check, complete, guard


if __name__ == "__main__":
    main()
