"""`get-pipeline-definition`: print a module's pipeline as the JSON that SageMaker gets, or write it to a file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model_road import command
from model_road.errors import UsageError
from model_road.options import environment_words
from pipelines import definition, options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parser().parse_args(arguments)
    return command.exit_status(lambda: _define(parsed), environment_words(parsed))


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    made = argparse.ArgumentParser(
        prog="get-pipeline-definition",
        description="Print the definition of a module's pipeline. Its code is uploaded, nothing is run.",
    )
    options.add_module_options(made)
    made.add_argument("-f", "--file-name", type=Path, help="file to write instead of printing")
    return made


def _define(parsed: argparse.Namespace) -> int:
    if parsed.file_name is not None and not parsed.file_name.parent.is_dir():
        raise UsageError(f"--file-name {parsed.file_name}: there is no folder {parsed.file_name.parent}")
    pipeline, _ = definition.make_pipeline(parsed)
    text = definition.to_json(pipeline)
    if parsed.file_name is None:
        print(text)
        return 0
    try:
        parsed.file_name.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--file-name {parsed.file_name}: cannot be written: {error.strerror}") from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
