"""The process that forks for each command of tests/commands.py. It takes requests from stdin, one a line."""

import gc
import json
import logging
import os
import runpy
import signal
import sys
from typing import Any

# What the commands import that is not this project's own. The SDK makes a client while it is imported, and configures
# logging: both are undone for the commands that do not import it.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3
import rich.live
import rich.table  # noqa: F401
import sagemaker.core.image_uris
import sagemaker.core.workflow.pipeline_context
import sagemaker.mlops.workflow.pipeline
import sagemaker.mlops.workflow.retry
import sagemaker.mlops.workflow.steps  # noqa: F401

boto3.DEFAULT_SESSION = None
logging.getLogger().handlers.clear()
logging.getLogger().setLevel(logging.WARNING)


def next_command() -> dict[str, Any]:
    """Return in a child process for each request; end this one when there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return dict(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    sys.exit()


def become(request: dict[str, Any]) -> None:
    """Take over the environment, the folder and the standard streams of a command."""
    signal.alarm(request["timeout"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, path in enumerate(request["streams"], start=1):
        stream = os.open(path, os.O_RDWR | os.O_APPEND)
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["cwd"])
    sys.argv[1:] = request["arguments"]


gc.freeze()
command = next_command()
become(command)
runpy.run_module(command["module"], run_name="__main__", alter_sys=True)
