"""Pipelines made with the SDK's own job classes, as strangers write them, run unchanged."""

from pathlib import Path

import pytest

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench
from tests.localaws.sagemaker.sdk_script import run_script


def test_model_trainer_with_its_drivers(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(
        "import argparse, os, pathlib\n"
        "parser = argparse.ArgumentParser(); parser.add_argument('--alpha', type=float)\n"
        "alpha = parser.parse_args().alpha\n"
        "pathlib.Path(os.environ['SM_MODEL_DIR'], 'alpha').write_text(str(alpha * 2))\n"
        "print('score=', alpha, os.environ['SM_CURRENT_HOST'], sep='')\n"
    )
    script = f"""
    from sagemaker.mlops.workflow.steps import TrainingStep
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode

    trainer = ModelTrainer(
        training_image=image, role=role, sagemaker_session=session, hyperparameters={{"alpha": 0.25}},
        source_code=SourceCode(source_dir={str(tmp_path / "code")!r}, entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
    )
    execution = run("ModelTrainer", TrainingStep(name="Train", step_args=trainer.train()))
    (step,) = execution.list_steps()
    job = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=job)
    print(json.dumps({{"model": described["ModelArtifacts"]["S3ModelArtifacts"], "job": described["TrainingJobName"]}}))
    """
    printed = run_script(local_aws, bench, tmp_path, script)
    assert bench.read(printed["model"])
    assert "score=0.25algo-1" in bench.log("training", printed["job"])


def test_framework_processor_with_a_source_folder(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "helper.py").write_text("WORD = 'helped'\n")
    (tmp_path / "code" / "process.py").write_text(
        "import pathlib, sys, helper\n"
        "pathlib.Path('/opt/ml/processing/output/word').write_text(helper.WORD + sys.argv[1])\n"
    )
    script = f"""
    from sagemaker.core.processing import FrameworkProcessor
    from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
    from sagemaker.mlops.workflow.steps import ProcessingStep

    processor = FrameworkProcessor(
        image_uri=image, command=["python3"], role=role, instance_count=1, instance_type="ml.m5.xlarge",
        sagemaker_session=session,
    )
    target = ProcessingS3Output(
        s3_uri=f"s3://{{bucket}}/out", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    arguments = processor.run(
        code="process.py", source_dir={str(tmp_path / "code")!r}, arguments=["!"],
        outputs=[ProcessingOutput(output_name="out", s3_output=target)],
    )
    execution = run("FrameworkProcessor", ProcessingStep(name="Process", step_args=arguments))
    print(json.dumps({{"status": execution.describe()["PipelineExecutionStatus"]}}))
    """
    assert run_script(local_aws, bench, tmp_path, script) == {"status": "Succeeded"}
    assert bench.read(f"s3://{bench.bucket}/out/word") == b"helped!"


@pytest.mark.parametrize("score", [0.9, 0.1])
def test_model_builder_registers_behind_a_condition(
    local_aws: LocalAws, bench: Bench, tmp_path: Path, score: float
) -> None:
    bench.put("model.tar.gz", b"")
    script = f"""
    from sagemaker.core.workflow.conditions import ConditionGreaterThan
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.model_step import ModelStep
    from sagemaker.serve.model_builder import ModelBuilder

    builder = ModelBuilder(
        image_uri=image, s3_model_data_url=f"s3://{{bucket}}/model.tar.gz", role_arn=role, sagemaker_session=session
    )
    register = ModelStep(name="Register", step_args=builder.register(
        model_package_group_name=bucket, content_types=["text/csv"], response_types=["text/csv"],
        inference_instances=["ml.m5.xlarge"], transform_instances=["ml.m5.xlarge"], approval_status="Approved",
    ))
    check = ConditionStep(
        name="Check", conditions=[ConditionGreaterThan(left={score}, right=0.5)],
        if_steps=[register], else_steps=[FailStep(name="TooLow", error_message="no")],
    )
    pipeline = Pipeline(name=f"builder-{{bucket}}"[:60], steps=[check], sagemaker_session=session)
    pipeline.upsert(role_arn=role)
    execution = pipeline.start()
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.1)
    print(json.dumps({{"status": execution.describe()["PipelineExecutionStatus"]}}))
    """
    reached = score > 0.5
    assert run_script(local_aws, bench, tmp_path, script) == {"status": "Succeeded" if reached else "Failed"}
    groups = bench.sagemaker.list_model_package_groups(NameContains=bench.bucket)["ModelPackageGroupSummaryList"]
    assert len(groups) == reached
