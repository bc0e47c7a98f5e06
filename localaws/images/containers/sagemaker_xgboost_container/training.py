"""The framework module of `train` (``SAGEMAKER_TRAINING_MODULE``): the user's script as an installed module."""

import sagemaker_containers.beta.framework as toolkit


def main() -> None:
    """Install the script that the hyperparameters name, and run it with its arguments and the ``SM_...`` variables."""
    job = toolkit.training_env()
    if job.user_entry_point is None:
        raise toolkit.errors.ClientError(
            "The algorithm mode of AWS's XGBoost image is not on PyPI, and not in the local one: name a script in the"
            " hyperparameter sagemaker_program"
        )
    toolkit.modules.run_module(job.module_dir, job.to_cmd_args(), job.to_env_vars(), job.module_name)
