"""The framework module of `train` (``SAGEMAKER_TRAINING_MODULE``): the user's script as a process."""

from sagemaker_training import entry_point, environment, runner


def main() -> None:
    """Run the script that the hyperparameters name, with its arguments and the ``SM_...`` variables."""
    job = environment.Environment()
    entry_point.run(
        uri=job.module_dir,
        user_entry_point=job.user_entry_point,
        args=job.to_cmd_args(),
        env_vars=job.to_env_vars(),
        runner_type=runner.ProcessRunnerType,
    )
