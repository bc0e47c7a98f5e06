"""The framework module of `train` (``SAGEMAKER_TRAINING_MODULE``): the user's script, or the algorithm without one."""

import sys

import sagemaker_containers.beta.framework as toolkit

from .algorithm import job as algorithm


def main() -> None:
    """Install the script that the hyperparameters name, and run it with its arguments and the ``SM_...`` variables.

    Without a script the algorithm trains: its reason of a failure is in the job's failure file when it returns.
    """
    job = toolkit.training_env()
    if job.user_entry_point is None:
        sys.exit(algorithm.main())
    toolkit.modules.run_module(job.module_dir, job.to_cmd_args(), job.to_env_vars(), job.module_name)
