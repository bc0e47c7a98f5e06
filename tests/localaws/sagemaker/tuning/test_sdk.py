"""The SDK's HyperparameterTuner, as strangers use it: on its own, and as a step of a pipeline."""

from pathlib import Path

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench
from tests.localaws.sagemaker.test_sdk import run_script
from tests.localaws.sagemaker.tuning.conftest import objective, training_jobs

TRAIN = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument('--alpha', type=float); parser.add_argument('--depth', type=int)
parser.add_argument('--kind'); parser.add_argument('--fixed', type=int)
given = parser.parse_args()
assert given.fixed == 3 and given.kind in ('a', 'b') and 1 <= given.depth <= 4
data = pathlib.Path(os.environ['SM_CHANNEL_TRAIN'], 'data.csv').read_text()
pathlib.Path(os.environ['SM_MODEL_DIR'], 'alpha').write_text(f"{given.alpha} {data}")
print(f'loss={abs(given.alpha - 0.01)};')
"""
TUNER = """
    from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode, StoppingCondition
    from sagemaker.train.tuner import HyperparameterTuner

    def tuner_of(session):
        trainer = ModelTrainer(
            training_image=image, role=role, sagemaker_session=session, hyperparameters={{"fixed": 3}},
            source_code=SourceCode(source_dir={code!r}, entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{{bucket}}/models"),
        )
        return HyperparameterTuner(
            model_trainer=trainer, objective_metric_name="loss", objective_type="Minimize", strategy={strategy!r},
            max_jobs=4, max_parallel_jobs=2, random_seed=3,
            metric_definitions=[{{"Name": "loss", "Regex": "loss=([0-9.e-]+);"}}],
            hyperparameter_ranges={{
                "alpha": ContinuousParameter(1e-4, 10.0, "Logarithmic"), "depth": IntegerParameter(1, 4),
                "kind": CategoricalParameter(["a", "b"]),
            }},
        )

    inputs = [InputData(channel_name="train", data_source=f"s3://{{bucket}}/train/")]
"""


def code_folder(folder: Path) -> str:
    """A source folder with the training script."""
    code = folder / "code"
    code.mkdir()
    (code / "train.py").write_text(TRAIN)
    return str(code)


def test_the_tuner_on_its_own(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    bench.put("train/data.csv", "1,2")
    script = f"""{TUNER.format(code=code_folder(tmp_path), strategy="Random")}
    from sagemaker.core.helper.session_helper import Session

    tuner = tuner_of(Session(default_bucket=bucket))
    tuner.tune(inputs=inputs, wait=False)
    while tuner.describe().hyper_parameter_tuning_job_status == "InProgress":
        time.sleep(0.1)
    print(json.dumps({{"best": tuner.best_training_job(), "name": tuner.latest_tuning_job.get_name()}}))
    """
    printed = run_script(local_aws, bench, tmp_path, script)
    rows = training_jobs(bench, printed["name"], SortBy="FinalObjectiveMetricValue")
    assert len(rows) == 4
    assert rows[0]["TrainingJobName"] == printed["best"]


def test_a_tuning_step_hands_its_best_model_on(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    bench.put("train/data.csv", "1,2")
    (tmp_path / "evaluate.py").write_text(
        "import pathlib, tarfile\n"
        "packed = tarfile.open('/opt/ml/processing/input/model/model.tar.gz')\n"
        "pathlib.Path('/opt/ml/processing/output/alpha').write_bytes(packed.extractfile('alpha').read())\n"
    )
    script = f"""{TUNER.format(code=code_folder(tmp_path), strategy="Bayesian")}
    from sagemaker.core.processing import ScriptProcessor
    from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
    from sagemaker.mlops.workflow.steps import ProcessingStep, TuningStep

    tune = TuningStep(name="TuneTheModel", step_args=tuner_of(session).tune(inputs=inputs))
    processor = ScriptProcessor(
        image_uri=image, command=["python3"], role=role, instance_count=1, instance_type="ml.m5.xlarge",
        sagemaker_session=session,
    )
    model = ProcessingS3Input(
        s3_uri=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="models"),
        local_path="/opt/ml/processing/input/model", s3_data_type="S3Prefix", s3_input_mode="File",
    )
    target = ProcessingS3Output(
        s3_uri=f"s3://{{bucket}}/evaluated", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    evaluate = ProcessingStep(name="Evaluate", step_args=processor.run(
        code={str(tmp_path / "evaluate.py")!r}, inputs=[ProcessingInput(input_name="model", s3_input=model)],
        outputs=[ProcessingOutput(output_name="out", s3_output=target)],
    ))
    execution = run(f"Tuning-{{bucket}}"[:60], tune, evaluate)
    steps = {{step["StepName"]: step["Metadata"] for step in execution.list_steps()}}
    print(json.dumps({{"tuning": steps["TuneTheModel"]["TuningJob"]["Arn"].rpartition("/")[2]}}))
    """
    name = run_script(local_aws, bench, tmp_path, script)["tuning"]
    assert len(name) <= 32
    rows = training_jobs(bench, name)
    best = min(rows, key=objective)["TunedHyperParameters"]["alpha"]
    assert bench.read(f"s3://{bench.bucket}/evaluated/alpha").decode() == f"{best} 1,2"
