"""MiniStack as it is served here: what its hooks need is made, the hooks are listed, and all of them installed.

The environment has to be set before (`localaws.ministack.host.configure`): MiniStack reads it when it is imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.config import Config

from localaws.account.clients import Aws
from localaws.account.session import Clients
from localaws.metrics.meter import Meter
from localaws.ministack import host
from localaws.ministack.apigateway.hooks import apigateway_hooks
from localaws.ministack.apigateway.hooks_stages import is_api_request
from localaws.ministack.apigateway.reporter import RequestReporter
from localaws.ministack.awslambda.hooks import awslambda_hooks
from localaws.ministack.awslambda.metrics import FunctionMetrics
from localaws.ministack.clock import Clock
from localaws.ministack.cloudformation.attempts import Attempts
from localaws.ministack.cloudformation.hooks import cloudformation_hooks, stack_provisioners
from localaws.ministack.cloudformation.hooks_operations import Operations
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.hooks import cloudwatch_hooks
from localaws.ministack.cloudwatch.hooks_alarms import alarm_evaluator
from localaws.ministack.cloudwatch.publisher import Publisher
from localaws.ministack.cross_origin import CrossOrigin
from localaws.ministack.eventbridge.courier import Courier
from localaws.ministack.eventbridge.hooks import eventbridge_hooks
from localaws.ministack.eventbridge.metrics import RuleMetrics
from localaws.ministack.eventbridge.spool import Spool
from localaws.ministack.eventbridge.targets import Allows
from localaws.ministack.gateway import Gateway
from localaws.ministack.hook import Hook, install
from localaws.ministack.http.hooks import http_hooks
from localaws.ministack.iam.answers import iam_answers
from localaws.ministack.iam.hooks import iam_hooks
from localaws.ministack.iam.hooks_authorizer import request_authorizer, resource_policies
from localaws.ministack.logs.hooks import logs_hooks
from localaws.ministack.logs.writer import LogWriter
from localaws.ministack.pieces import in_pieces
from localaws.ministack.s3.hooks import s3_hooks
from localaws.ministack.s3.hooks_bucket_cors import BucketCors
from localaws.ministack.s3.writes import Writes
from localaws.ministack.service_clients import clients_of_roles, log_clients, own_clients
from localaws.ministack.sns.hooks import sns_hooks
from localaws.ministack.sns.mailbox import Mailbox
from localaws.ministack.sns.mails import Mailer
from localaws.ministack.sqs.hooks import sqs_hooks
from localaws.ministack.sqs.hooks_messages import messages_by_queue
from localaws.ministack.sqs.metrics import QueueMetrics
from localaws.ministack.state.hooks import state_hooks
from localaws.ministack.state.hooks_state import ServiceStates
from localaws.ministack.state.snapshot import SnapshotLoop
from localaws.ministack.state.state_file import StateFile
from localaws.ministack.stepfunctions.hooks import stepfunctions_hooks
from localaws.ministack.stepfunctions.hooks_executions import Resumer
from localaws.ministack.stepfunctions.hooks_tokens import Tokens
from localaws.ministack.stepfunctions.journal import Journal
from localaws.ministack.stepfunctions.reporter import ExecutionReporter
from localaws.protocol.asgi import Application, Receive, Scope, Send
from localaws.protocol.same_origin import SameOriginOnly
from localaws.settings import ACCOUNT_ID, HOST, REGION, allowed_hosts, iam_enforced, time_scale

# A function may run for 15 minutes, and what fails is tried again as the state machine says.
_TASK_CONFIG = Config(read_timeout=960, retries={"total_max_attempts": 1}, max_pool_connections=64)
# Executions that are resumed wait so long for this server to listen.
_START_SECONDS = 30
# What is kept of a second's durations: CloudWatch's own 150 for each function would be a million an hour under load.
_MOST_VALUES = 40


@dataclass(frozen=True)
class Options:
    """What MiniStack is served with.

    Attributes
    ----------
    port : int
    state_dir : Path
        Where MiniStack's data goes.
    servers : mapping of str to str
        The URLs of the servers behind the gateway, by name.
    mail_dir : Path
        Where e-mails go.
    """

    port: int
    state_dir: Path
    servers: Mapping[str, str]
    mail_dir: Path

    @property
    def endpoint_url(self) -> str:
        """Return where MiniStack answers."""
        return f"http://{HOST}:{self.port}"


class Composition:
    """What the hooks need.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options) -> None:
        url, folder = options.endpoint_url, options.state_dir
        self.meter, self.aws = Meter(_MOST_VALUES), Aws(url, REGION, ACCOUNT_ID)
        self.client: Clients = own_clients(url, options.servers)
        self.clients_of: Callable[..., Callable[[str | None], Clients]] = partial(
            clients_of_roles, endpoint_url=url, servers=options.servers
        )
        self.states = ServiceStates(StateFile(folder / "state.sqlite"))
        self.snapshots = SnapshotLoop(self.states.write)
        self.rules, self.queues = RuleMetrics(self.meter), QueueMetrics(self.meter, messages_by_queue, time_scale())
        self.allows: Allows = resource_policies() if iam_enforced() else lambda *_: True
        self.courier = Courier(Spool(folder / "eventbridge.sqlite"), self.aws, self.allows, self.rules)
        self.attempts = Attempts(folder / "cloudformation.sqlite")
        self.provisioners = stack_provisioners(self.clients_of("cloudformation"))
        self.operations = Operations(self.attempts, self.snapshots.saved, self.snapshots.note_change, self.provisioners)
        self.journal = Journal(folder / "stepfunctions.sqlite")
        self.tokens = Tokens(self.journal)
        self.recorder = Recorder(MetricStore(folder / "metrics.sqlite", time_scale()))
        self.log_writer = LogWriter(log_clients(options.servers["services"]))
        self.writes = Writes(host.writes_dir(folder))
        self.mailer = Mailer(Mailbox(options.mail_dir), url)

    def close(self) -> None:
        """End what works beside MiniStack."""
        self.courier.close()
        self.log_writer.close()

    def hooks(self) -> tuple[Hook, ...]:
        """Return every hook into MiniStack, service by service."""
        return (
            *apigateway_hooks(RequestReporter(self.log_writer, self.meter)),
            *awslambda_hooks(FunctionMetrics(self.meter)),
            *cloudformation_hooks(self.client, self.provisioners, self.attempts, self.operations),
            *cloudwatch_hooks(self.courier, self.allows, self.recorder),
            *eventbridge_hooks(self.courier, self.rules),
            *http_hooks(),
            *iam_hooks(),
            *logs_hooks(self.log_writer),
            *s3_hooks(self.writes),
            *sns_hooks(self.mailer),
            *sqs_hooks(self.queues),
            *state_hooks(self.states),
            *stepfunctions_hooks(
                self.journal,
                self.tokens,
                ExecutionReporter(self.log_writer, self.meter),
                self.clients_of("states", config=_TASK_CONFIG),
                self.snapshots.note_change,
            ),
        )


def compose(options: Options) -> tuple[Application, Composition]:
    """Return MiniStack, hooked, behind the gateway; and what its hooks need, which is to be closed.

    Raises
    ------
    HookMissingError
        The installed MiniStack is another than the one that the hooks were written for.
    """
    application, parts = host.load_application(), Composition(options)
    install(parts.hooks())
    publisher = Publisher(parts.meter, parts.queues, parts.recorder)
    clock = Clock(publisher.publish, alarm_evaluator(parts.recorder, time_scale(), parts.snapshots.note_change))

    def wait() -> None:
        for url in (options.endpoint_url, *options.servers.values()):
            Aws(url, REGION, ACCOUNT_ID).wait_until_there(_START_SECONDS)

    def resume() -> None:
        Resumer(parts.journal, parts.tokens).resume(wait)
        parts.operations.take_up(wait)

    authorize = request_authorizer() if iam_enforced() else None
    answers = iam_answers(authorize)
    gateway = Gateway(application, options.servers, parts.snapshots, clock, resume, answers)
    opened = CrossOrigin(gateway, is_api_request(), BucketCors())
    whole = SameOriginOnly(opened, allowed_hosts(), opened.allows)

    # The whole of it: what decides about a page's origin asks MiniStack which service a request is for.
    async def application_in_pieces(scope: Scope, receive: Receive, send: Send) -> None:
        await in_pieces(whole(scope, receive, send))

    return application_in_pieces, parts
