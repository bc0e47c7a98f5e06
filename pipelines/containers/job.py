"""How a script in a container ends: the reason of a failure goes where SageMaker looks for it.

| job | file | member of its description |
|---|---|---|
| processing | /opt/ml/output/message | ExitMessage |
| training | /opt/ml/output/failure | FailureReason |
"""

import argparse
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

PREFIX = Path("/opt/ml")
MESSAGE_FILE = PREFIX / "output" / "message"

# SageMaker keeps 1,024 characters of either.
_REASON_LENGTH = 1024


class Parser(argparse.ArgumentParser):
    """Raises what is wrong with the options, so that the job's reason says it."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def processing_parser(description: str) -> Parser:
    """Return a parser with the option that `message_file` reads."""
    parser = Parser(description=description)
    parser.add_argument("--message-file", type=Path, default=MESSAGE_FILE, help="where the reason of a failure goes")
    return parser


def message_file(arguments: Sequence[str] | None) -> Path:
    """Return where a processing job's reason goes, whatever is wrong with its other arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--message-file", type=Path, default=MESSAGE_FILE)
    return Path(parser.parse_known_args(arguments)[0].message_file)


def run(work: Callable[[], None], reason_file: Path) -> int:
    """Do the work of a job; return the script's exit code.

    Parameters
    ----------
    work : callable
    reason_file : Path
        What is raised is written there, if its folder exists: outside of a container nobody reads it.
    """
    try:
        work()
    except Exception as error:
        traceback.print_exc()
        if reason_file.parent.is_dir():
            reason_file.write_text(f"{type(error).__name__}: {error}"[:_REASON_LENGTH], encoding="utf-8")
        return 1
    return 0
