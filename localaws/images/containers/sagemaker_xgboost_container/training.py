"""The framework module of `train` (``SAGEMAKER_TRAINING_MODULE``): the user's script, or the algorithm without one."""

import os
import sys

import sagemaker_containers.beta.framework as toolkit

from .algorithm import job as algorithm


def main() -> None:
    """Install the script that the hyperparameters name, and run it with its arguments and the ``SM_...`` variables.

    Without a script the algorithm trains, and has written why it failed. It then ends the process itself: the toolkit
    takes SystemExit for a success.
    """
    job = toolkit.training_env()
    if job.user_entry_point is None:
        exit_code = algorithm.main()
        if exit_code:
            sys.stdout.flush()
            os._exit(exit_code)
        return
    toolkit.modules.run_module(job.module_dir, job.to_cmd_args(), job.to_env_vars(), job.module_name)
