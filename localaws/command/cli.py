"""``local-aws``: start, stop and look at AWS on this machine.

Exit codes: 0 done; 1 not done, and the message says why; 2 the command line is wrong; 3 (status) nothing is
running. Only what a command needs is imported, when it runs: ``-h`` and ``env`` are typed often.
"""

import argparse
import json
import logging
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from localaws.command.images_parser import add_images_parser
from localaws.command.logs.parser import add_logs_parser
from localaws.command.mail_parser import add_mail_parser
from localaws.errors import LocalAwsError, NotRunningError
from localaws.settings import (
    ACCOUNT_ID,
    DEFAULT_PORT,
    DEFAULT_STATE_DIR,
    SERVER_NAMES,
    requested_ports,
    state_path,
)
from localaws.supervision.record import Record
from localaws.supervision.state_dir import StateDir
from model_road.aws import is_error
from model_road.proposals import command, completed

NOT_RUNNING_EXIT_CODE = 3  # as systemctl status
_SERVER_LOGS = ("supervisor", *SERVER_NAMES)

_EPILOG = """\
typical use:
  local-aws start
  eval "$(local-aws env)"       # boto3, the AWS CLI and the SageMaker SDK now talk to this machine
  aws s3 ls
  local-aws stop                # the state stays; local-aws reset deletes it
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state-dir",
        metavar="DIR",
        help=f"where everything is kept (default: $LOCALAWS_STATE_DIR, {DEFAULT_STATE_DIR})",
    )
    parser = argparse.ArgumentParser(
        prog="local-aws",
        description="AWS on this machine: SageMaker, S3, Lambda and more; no account, no Docker.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, work: Callable[[argparse.Namespace, StateDir], int], help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=help_text)
        added.set_defaults(command=work)
        return added

    _add_start_options(add("start", _start, "start the servers and wait until they answer"))
    add("stop", _stop, "stop the servers; the state stays")
    add("status", _status, "show the servers; exit code 3 when not running")
    reset = add("reset", _reset, "stop the servers and delete the state")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    env = add("env", _env, 'print the environment: eval "$(local-aws env)"')
    env.add_argument("--format", choices=("shell", "json"), default="shell", help="default: shell")
    env.add_argument("--account", type=_account, default=ACCOUNT_ID, metavar="ID", help="12 digits (%(default)s)")
    add_logs_parser(commands, common, _SERVER_LOGS).set_defaults(command=_logs)
    add_mail_parser(commands, common).set_defaults(command=_mail)
    add_images_parser(commands, common).set_defaults(command=_images)
    return parser


def _add_start_options(start: argparse.ArgumentParser) -> None:
    start.add_argument(
        "--port", type=int, metavar="N", help=f"the endpoint's port (default: $LOCALAWS_PORT, {DEFAULT_PORT})"
    )
    start.add_argument("--sagemaker-port", type=int, metavar="N", help="SageMaker's own port (default: port + 1)")
    start.add_argument(
        "--services-port", type=int, metavar="N", help="the port of CodePipeline and others (default: port + 2)"
    )
    start.add_argument(
        "--foreground", action="store_true", help="stay, until Ctrl-C or SIGTERM (for containers and systemd)"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    state = StateDir(state_path(arguments.state_dir, os.environ))
    try:
        code: int = arguments.command(arguments, state)
    except LocalAwsError as error:
        print(f"local-aws: {completed(str(error), _options(arguments))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left (local-aws logs | head).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if not is_error(error):
            raise
        said = (
            f"local AWS has ended, or does not answer: {error}. Look with `local-aws status`, or run `local-aws start`"
        )
        print(f"local-aws: {completed(said, _options(arguments))}", file=sys.stderr)
        return 1
    return code


def _options(arguments: argparse.Namespace) -> str:
    """Return the options that proposed commands repeat."""
    return f"--state-dir {shlex.quote(arguments.state_dir)}" if arguments.state_dir else ""


def _say(line: str) -> None:
    print(line, flush=True)


def _running(state: StateDir) -> Record:
    record = state.running()
    if record is None:
        raise NotRunningError(f"not running with {state.path}. Start it: `local-aws start`")
    return record


def _start(arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.supervision import lifecycle  # noqa: PLC0415 - see the module's docstring

    lifecycle.check_platform(sys.platform)
    requested = requested_ports(arguments.port, arguments.sagemaker_port, arguments.services_port, os.environ)
    if arguments.foreground:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        return lifecycle.run_in_foreground(state, requested)
    started = lifecycle.start(state, requested, _say)
    verb = "is running already" if started.already else "is running"
    _say(f"local AWS {verb}: {started.record.ports.endpoint_url}  (state: {state.path})")
    _say(f'To use it in this shell: eval "$({command("local-aws", "env", _options(arguments))})"')
    return 0


def _stop(_arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.supervision import lifecycle  # noqa: PLC0415

    _say("stopped" if lifecycle.stop(state) else f"nothing runs with {state.path}")
    return 0


def _status(_arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.supervision.health import is_healthy  # noqa: PLC0415

    record = state.running()
    if record is None:
        last = state.last_record()
        reason = f"; it ended: {last.failure}" if last is not None and last.failure else ""
        _say(f"not running  (state: {state.path}){reason}")
        return NOT_RUNNING_EXIT_CODE
    rows = [("SERVER", "PID", "PORT", "UPTIME", "RESTARTS", "HEALTH")]
    rows.append(("supervisor", str(record.pid), "-", _uptime(record.started_at), "-", "-"))
    for server in record.servers:
        health = "ok" if is_healthy(server) else "no answer"
        pid = str(server.pid or "-")
        uptime = _uptime(server.started_at)
        rows.append((server.name, pid, str(server.port), uptime, str(server.restarts), health))
    for row in rows:
        _say("{:<11} {:>8} {:>6} {:>9} {:>9}  {}".format(*row))
    _say(f"endpoint: {record.ports.endpoint_url}\nstate:    {state.path}")
    return 0


def _uptime(started_at: float) -> str:
    minutes, seconds = divmod(max(0, int(time.time() - started_at)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def _reset(arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.supervision import lifecycle  # noqa: PLC0415

    if not state.path.exists():
        _say(f"nothing to delete: {state.path} does not exist")
        return 0
    state.check_ours()
    if not arguments.yes and not _agrees(f"Delete {state.path} with every bucket, job and model in it? [y/N] "):
        raise LocalAwsError("Nothing was deleted.")
    if lifecycle.stop(state):
        _say("stopped")
    removed = state.remove()
    _say(f"deleted {state.path}: {', '.join(removed)}")
    return 0


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        raise LocalAwsError("reset asks before it deletes, and there is no terminal: `local-aws reset --yes`")
    return input(question).strip().lower() in ("y", "yes")


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an account's id, which has 12 digits")
    return text


def _env(arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.supervision import environment  # noqa: PLC0415

    ports = _running(state).ports
    found = environment.variables(ports, state, os.environ, arguments.account)
    if arguments.format == "json":
        _say(json.dumps(found, indent=2))
    else:
        _say("\n".join(environment.shell_lines(found, environment.variables_to_unset(os.environ, found))))
    return 0


def _logs(arguments: argparse.Namespace, state: StateDir) -> int:
    if arguments.name in _SERVER_LOGS and arguments.type is None:
        if arguments.since is not None:
            raise LocalAwsError(f"--since is not for the servers: {state.log_path(arguments.name)} is a plain file.")
        for text in _file_texts(state.log_path(arguments.name), arguments.follow):
            print(text, end="", flush=True)
        return 0
    from localaws.command.client import client  # noqa: PLC0415 - boto3 takes 0.2 s
    from localaws.command.logs import command  # noqa: PLC0415

    ports = _running(state).ports
    clients = cache(lambda service: client(service, ports))
    if arguments.name is None:
        command.show_list(clients, arguments.type, _say)
        return 0
    log = command.find(clients, arguments.name, arguments.type, arguments.since)
    n_lines = 0
    for line in log.lines(arguments.follow):
        _say(line)
        n_lines += 1
    if n_lines == 0:
        since = " since then" if arguments.since else ""
        print(f"local-aws: {log.name} has written no log line{since}", file=sys.stderr)
    return 0


def _mail(arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.command import mail  # noqa: PLC0415
    from localaws.ministack.sns.mailbox import Mailbox  # noqa: PLC0415

    mailbox = Mailbox(state.outbox_path)
    if arguments.action == "list":
        mail.show_list(mailbox, arguments.format == "json", _say)
    elif arguments.action == "show":
        mail.show_mail(mailbox, arguments.number, arguments.format == "json", _say)
    elif arguments.action == "clear":
        _say(f"deleted {mailbox.clear()} mails")
    else:
        from localaws.command.client import client  # noqa: PLC0415

        mail.confirm(mailbox, client("sns", _running(state).ports), arguments.address, _say)
    return 0


def _images(arguments: argparse.Namespace, state: StateDir) -> int:
    from localaws.command import images  # noqa: PLC0415

    if arguments.action == "install":
        images.install_all(arguments.names, _say)
    elif arguments.action == "remove":
        images.remove_all(arguments.names, _say)
    else:
        images.show_list(state.data_path("sagemaker"), arguments.format == "json", _say)
    return 0


def _file_texts(path: Path, follow: bool) -> Iterator[str]:
    """Yield the content of a log file in pieces; with ``follow``, also what is appended."""
    if not path.exists():
        raise LocalAwsError(f"there is no log {path}. Start local AWS first: `local-aws start`")
    with path.open(errors="replace") as log:
        while True:
            text = log.read(65536)
            if text:
                yield text
            elif not follow:
                return
            else:
                time.sleep(0.2)


if __name__ == "__main__":
    raise SystemExit(main())
