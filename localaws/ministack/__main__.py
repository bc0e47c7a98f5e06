"""``python -m localaws.ministack``: MiniStack, hooked, behind the gateway."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config

from localaws.account.clients import Aws
from localaws.account.roles import Roles
from localaws.errors import HookMissingError
from localaws.metrics.meter import Meter
from localaws.ministack import host
from localaws.ministack.apigateway import body_errors
from localaws.ministack.apigateway import hooks_deployments as deployments
from localaws.ministack.apigateway import hooks_requests as apigateway
from localaws.ministack.apigateway.reporter import Watch
from localaws.ministack.awslambda import hooks_workers as functions
from localaws.ministack.awslambda.metrics import FunctionMetrics
from localaws.ministack.clock import Clock
from localaws.ministack.cloudformation import catalog, schema
from localaws.ministack.cloudformation import hooks_deletion as deletion
from localaws.ministack.cloudformation import hooks_interruption as interruption
from localaws.ministack.cloudformation import hooks_requests as stack_requests
from localaws.ministack.cloudformation import hooks_roles as stack_roles
from localaws.ministack.cloudformation import hooks_rollback as rollback
from localaws.ministack.cloudformation import hooks_types as cloudformation
from localaws.ministack.cloudformation.exactness import Exactness
from localaws.ministack.cloudwatch import hooks_alarms as cloudwatch
from localaws.ministack.cloudwatch.publisher import Publisher
from localaws.ministack.eventbridge import hooks_rules as events
from localaws.ministack.eventbridge import hooks_scheduler as scheduler
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.metrics import RuleMetrics
from localaws.ministack.eventbridge.spool import Spool
from localaws.ministack.eventbridge.targets import Allows
from localaws.ministack.gateway import Gateway
from localaws.ministack.iam import hooks_authorizer as iam
from localaws.ministack.s3 import hooks_events as s3
from localaws.ministack.snapshot import SnapshotLoop
from localaws.ministack.sns import hooks_email as sns
from localaws.ministack.sns.mailbox import Outbox
from localaws.ministack.sns.mails import Postman
from localaws.ministack.sqs import hooks_messages as queues
from localaws.ministack.stepfunctions import hooks_executions as executions
from localaws.ministack.stepfunctions import hooks_nested as nested
from localaws.ministack.stepfunctions import hooks_states as states
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.reporter import Reporter
from localaws.ministack.stepfunctions.task import Clients
from localaws.protocol import routing
from localaws.settings import ACCOUNT_ID, CREDENTIALS, HOST, REGION, iam_enforced, time_scale

# A function may run for 15 minutes, and what fails is tried again as the state machine says.
_TASK_CONFIG = Config(read_timeout=960, retries={"total_max_attempts": 1}, max_pool_connections=64)
# Executions that go on wait so long for this server to listen.
_START_SECONDS = 30

# What is kept of a second's durations: CloudWatch's own 150 for each function would be a million an hour under load.
_MOST_VALUES = 40


def main(argv: Sequence[str] | None = None) -> None:
    """Serve MiniStack until SIGTERM or SIGINT."""
    arguments = _parser().parse_args(argv)
    host.configure(arguments.port, arguments.state_dir.absolute())
    try:
        gateway, courier = _hooked(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws.ministack", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state-dir", type=Path, required=True, help="where MiniStack's data goes")
    parser.add_argument("--sagemaker-url", required=True, help="where SageMaker's requests are sent")
    parser.add_argument("--services-url", required=True, help="where those for `localaws.services` are sent")
    parser.add_argument("--outbox", type=Path, help="where e-mails go (default: outbox in the state folder)")
    return parser


def _hooked(arguments: argparse.Namespace) -> tuple[Gateway, Courier]:
    """MiniStack with everything hooked in, behind the gateway; and who delivers its events."""
    port, state_dir = arguments.port, arguments.state_dir.absolute()
    application, meter = host.load_application(), Meter(_MOST_VALUES)
    servers = {"sagemaker": arguments.sagemaker_url, "services": arguments.services_url}
    client, aws = _clients(port, servers), Aws(f"http://{HOST}:{port}", REGION, ACCOUNT_ID)
    snapshots = SnapshotLoop(host.state_writer())
    events.let_services_emit()
    functions.let_functions_answer_soon()
    functions.let_few_functions_start_at_once(os.cpu_count() or 1)
    states.let_functions_name_their_exceptions()
    iam.let_services_assume_roles()
    iam.let_log_groups_have_streams()
    iam.let_loopback_be_secure()
    states.let_executions_be_seen(snapshots.note_change, Reporter(client, meter))
    kept = _let_executions_go_on(state_dir, _clients_of_roles("states", port, servers, _TASK_CONFIG))
    _let_cloudformation_be_complete(port, servers)
    deployments.let_stages_serve_their_deployments()
    apigateway.let_api_gateway_explain(body_errors.explain)
    apigateway.let_api_gateway_keep_secrets()
    apigateway.let_api_gateway_be_watched(Watch(client, meter).see)
    outbox = Outbox((arguments.outbox or state_dir / "outbox").absolute())
    sns.let_email_go_out(Postman(outbox, f"http://{HOST}:{port}"))
    courier = _let_events_be_delivered(state_dir, aws, meter)
    cloudwatch.let_alarms_act(courier)
    cloudwatch.let_alarms_have_expressions()
    clock = _clock(meter, snapshots.note_change)
    authorize = iam.let_iam_decide() if iam_enforced() else None
    go_on = partial(kept.go_on, partial(aws.wait_until_there, _START_SECONDS))
    return Gateway(application, servers, snapshots, clock, go_on, authorize), courier


def _let_events_be_delivered(state_dir: Path, aws: Aws, meter: Meter) -> Courier:
    rules = RuleMetrics(meter)
    courier = Courier(Spool(state_dir / "eventbridge.sqlite"), aws, _allows(), rules)
    events.let_events_reach_targets(courier, rules)
    events.let_targets_be_refused()
    scheduler.let_schedules_be_looked_at_often()
    scheduler.let_schedules_be_due_in_their_time_zone()
    s3.let_object_events_be_complete()
    return courier


def _allows() -> Allows:
    """What lets EventBridge in: the policies of its targets, where IAM is enforced."""
    return iam.resource_policies() if iam_enforced() else lambda *_: True


def _let_cloudformation_be_complete(port: int, servers: Mapping[str, str]) -> None:
    client, of_roles = _clients(port, servers), _clients_of_roles("cloudformation", port, servers)

    def of_stack(service: str) -> Any:
        return of_roles(stack_roles.role_arn.get())(service)

    cloudformation.let_cloudformation_provision(catalog.provisioners(of_stack))
    cloudformation.let_change_sets_be_exact(schema.create_only)
    cloudformation.let_capabilities_be_asked_for()
    cloudformation.let_templates_lie_in_buckets()
    cloudformation.let_cloudformation_be_exact(Exactness(client))
    stack_requests.let_unknown_parameters_be_refused()
    stack_requests.let_stacks_refuse_what_their_status_forbids()
    rollback.let_failed_resources_be_rolled_back()
    rollback.let_nested_stacks_be_rolled_back()
    deletion.let_stacks_be_deleted_while_they_are_made()
    interruption.let_interrupted_operations_end()
    stack_roles.let_stacks_have_roles()  # of whatever the others have made of an operation


def _let_executions_go_on(state_dir: Path, clients: Callable[[str | None], Clients]) -> executions.GoingOn:
    """After they are made to be seen: what is seen of them is in the journal."""
    executions.let_executions_end_once()
    states.let_states_call_services(clients)
    nested.let_executions_start_others()
    return executions.let_executions_go_on(Journal(state_dir / "stepfunctions.sqlite"))


def _clock(meter: Meter, changed: Callable[[], None]) -> Clock:
    """What happens every second: what functions, queues and others have counted is published, alarms are decided."""
    functions.let_functions_be_counted(FunctionMetrics(meter))
    functions.let_events_of_functions_be_counted(FunctionMetrics(meter))
    cloudwatch.let_metrics_be_told_apart()
    cloudwatch.let_old_metrics_be_looked_for_seldom()
    watched = queues.let_queues_be_counted(meter, time_scale())
    publisher = Publisher(meter, watched, cloudwatch.let_services_publish(), changed)
    return Clock(publisher.publish, cloudwatch.let_alarms_be_decided(time_scale()))


def _clients_of_roles(
    principal: str, port: int, servers: Mapping[str, str], config: Config | None = None
) -> Callable[[str | None], Clients]:
    """The clients of what a service does for a role, where IAM is enforced; otherwise, and without one, its own."""
    own, roles = _clients(port, servers, config), Roles(f"http://{HOST}:{port}", REGION, config)

    def clients(role_arn: str | None) -> Clients:
        if role_arn is None or not iam_enforced():
            return own
        return lambda service: roles.client(service, role_arn, principal)

    return clients


def _clients(port: int, servers: Mapping[str, str], config: Config | None = None) -> Clients:
    """The clients of the other services: those behind the gateway are asked straight."""
    urls = routing.urls(servers)

    @cache
    def client(service: str) -> Any:
        url = urls.get(service, f"http://{HOST}:{port}")
        return boto3.client(service, endpoint_url=url, region_name=REGION, config=config, **CREDENTIALS)

    return client


if __name__ == "__main__":
    main()
