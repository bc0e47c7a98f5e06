"""`run-pipeline`: create or update a module's pipeline, start it, and show it until it ends.

make the pipeline ─> check --parameters ─> upsert ─> start ─> follow ─> print what was made, or why it failed
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from model_road import command
from model_road.environment import Environment
from model_road.options import add_parameters_option, environment_words
from pipelines import definition, options, outcome, parameters
from pipelines.execution import Snapshot
from pipelines.module import blame
from pipelines.session import execution_role


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parsed = parser().parse_args(arguments)
    return command.exit_status(lambda: _run(parsed), environment_words(parsed))


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    made = argparse.ArgumentParser(
        prog="run-pipeline",
        description="Create or update the pipeline of a module, run it and show its steps.",
        epilog="exit status: 0 the execution succeeded, 1 it failed, 2 the command is wrong, 130 Ctrl-C "
        "(the execution goes on)",
    )
    options.add_module_options(made)
    made.add_argument(*("-description", "--description"), metavar="TEXT", help="description of the pipeline")
    made.add_argument(
        *("-tags", "--tags"),
        type=options.parse_tags,
        metavar="LIST",
        help='tags of the pipeline: \'[{"Key": "team", "Value": "ml"}]\'',
    )
    add_parameters_option(made, "values for parameters of the pipeline: R2Threshold=0.4 LearningRate=0.05")
    made.add_argument(
        "--no-start", dest="start", action="store_false", help="create or update the pipeline without starting it"
    )
    made.add_argument(
        "--no-wait", dest="wait", action="store_false", help="return as soon as the execution has started"
    )
    return made


def _run(parsed: argparse.Namespace) -> int:
    pipeline, environment = definition.make_pipeline(parsed)
    session = pipeline.sagemaker_session
    values = parameters.check([item.to_request() for item in pipeline.parameters], dict(parsed.parameters))
    text = definition.to_json(pipeline)
    role_arn = environment.role_arn or parsed.kwargs.get("role") or execution_role(session.boto_session)
    with blame(f"starting the pipeline {pipeline.name}"):
        pipeline.upsert(role_arn=role_arn, description=parsed.description, tags=parsed.tags)
        if not parsed.start:
            print(f"Pipeline       {pipeline.name} is up to date")
            return 0
        arn = pipeline.start(parameters=values or None).arn
    print(f"Execution      {arn}", flush=True)
    if not parsed.wait:
        return 0
    # It imports rich: 0.1 s, which `-h` is spared.
    from pipelines import execution_view  # noqa: PLC0415

    try:
        final = execution_view.watch(session.sagemaker_client, arn, text)
    except KeyboardInterrupt:
        _say_goodbye(environment, arn)
        return command.INTERRUPTED
    return _tell(session, final, environment_words(parsed))


def _tell(session: Any, final: Snapshot, options_given: str) -> int:
    """Print how the execution ended; return the exit status."""
    succeeded = final.status == "Succeeded"
    lines = (
        outcome.success(session.boto_session, session.sagemaker_client, final, options_given)
        if succeeded
        else outcome.failure(session.boto_session, session.sagemaker_client, final)
    )
    for line in lines:
        print(line, file=sys.stdout if succeeded else sys.stderr)
    return 0 if succeeded else 1


def _say_goodbye(environment: Environment, arn: str) -> None:
    stop = f"aws sagemaker stop-pipeline-execution --pipeline-execution-arn {arn}"
    print(
        f"\nThe execution goes on. To stop it: {command.shell_command(environment.shell_setup, stop)}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
