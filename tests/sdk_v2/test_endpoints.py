"""deploy, predict, update and delete: real-time, serverless, asynchronous and multi-model endpoints, and transforms."""

import boto3
import numpy as np
import pytest
from conftest import CODE, IMAGE, ROLE, unique
from sagemaker.async_inference import AsyncInferenceConfig
from sagemaker.deserializers import CSVDeserializer, NumpyDeserializer
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer, JSONSerializer, NumpySerializer
from sagemaker.serverless import ServerlessInferenceConfig
from sagemaker.sklearn import SKLearn, SKLearnModel, SKLearnPredictor
from sagemaker.transformer import Transformer

SIZE = {"initial_instance_count": 1, "instance_type": "ml.m5.large"}
ROWS, EXPECTED = np.array([[30.0], [31.0]]), pytest.approx([61.0, 63.0])


def model(session, trained, **options):
    """A model of the trained data, with its script."""
    return SKLearnModel(
        model_data=trained.model_data,
        role=ROLE,
        entry_point="train.py",
        sagemaker_session=session,
        **{**IMAGE, "source_dir": str(CODE), **options},
    )


def test_deploy_predict_update_delete(session, trained):
    sagemaker = boto3.client("sagemaker")
    capture = f"s3://{session.default_bucket()}/{unique('capture')}"
    predictor = trained.deploy(
        endpoint_name=unique("endpoint"),
        data_capture_config=DataCaptureConfig(
            enable_capture=True, sampling_percentage=100, destination_s3_uri=capture, sagemaker_session=session
        ),
        **SIZE,
    )
    assert isinstance(predictor, SKLearnPredictor)
    assert predictor.predict(ROWS).tolist() == EXPECTED
    config = sagemaker.describe_endpoint(EndpointName=predictor.endpoint_name)["DataCaptureConfig"]
    assert config["DestinationS3Uri"] == capture

    for serializer in (CSVSerializer(), JSONSerializer(), NumpySerializer()):
        again = Predictor(predictor.endpoint_name, session, serializer, NumpyDeserializer())
        assert again.predict(ROWS).tolist() == EXPECTED
    as_csv = Predictor(predictor.endpoint_name, session, CSVSerializer(), CSVDeserializer())
    assert np.ravel(np.array(as_csv.predict(ROWS), dtype=float)).tolist() == EXPECTED

    predictor.update_endpoint(initial_instance_count=2, instance_type="ml.m5.large")
    (variant,) = sagemaker.describe_endpoint(EndpointName=predictor.endpoint_name)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2
    predictor.disable_data_capture()
    predictor.delete_model()
    predictor.delete_endpoint()
    sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=predictor.endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_a_serverless_endpoint(session, trained):
    predictor = model(session, trained).deploy(
        serverless_inference_config=ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=1)
    )
    assert predictor.predict(ROWS).tolist() == EXPECTED
    predictor.delete_endpoint()


def test_an_asynchronous_endpoint(session, trained):
    output = f"s3://{session.default_bucket()}/{unique('async')}"
    predictor = model(session, trained).deploy(
        async_inference_config=AsyncInferenceConfig(output_path=output, max_concurrent_invocations_per_instance=2),
        **SIZE,
    )
    assert predictor.predict(ROWS).tolist() == EXPECTED
    later = predictor.predict_async(ROWS)
    assert later.output_path.startswith(output)
    predictor.delete_endpoint()


def test_many_models_behind_one_endpoint(session, trained):
    prefix = f"s3://{session.default_bucket()}/{unique('models')}/"
    one = model(session, trained)
    many = MultiDataModel(unique("many"), prefix, model=one, sagemaker_session=session)
    predictor = many.deploy(**SIZE)
    many.add_model(one.repacked_model_data or trained.model_data, "one.tar.gz")
    assert list(many.list_models()) == ["one.tar.gz"]
    assert predictor.predict(ROWS, target_model="one.tar.gz").tolist() == EXPECTED
    predictor.delete_endpoint()


def test_a_transformer_of_an_attached_estimator(session, trained):
    source = session.upload_string_as_file_body("1\n2\n3\n", session.default_bucket(), f"{unique('in')}/x.csv")
    attached = SKLearn.attach(trained.latest_training_job.name, sagemaker_session=session)
    transformer = attached.transformer(
        1,
        "ml.m5.large",
        accept="text/csv",
        assemble_with="Line",
        strategy="MultiRecord",
        max_payload=1,
        output_path=f"s3://{session.default_bucket()}/{unique('out')}",
        env={"WORD": "hello"},
    )
    transformer.transform(source, content_type="text/csv", split_type="Line", logs=False)
    lines = S3Downloader.read_file(f"{transformer.output_path}/x.csv.out", session).split()
    assert [float(line) for line in lines] == pytest.approx([3.0, 5.0, 7.0])
    again = Transformer.attach(transformer.latest_transform_job.name, session)
    assert again.output_path == transformer.output_path
    transformer.delete_model()


def test_a_chain_of_containers(session, trained, tmp_path):
    """The first doubles and the second predicts."""
    (tmp_path / "train.py").write_text(
        "def model_fn(model_dir):\n    return None\n\n\ndef predict_fn(rows, model):\n    return 2 * rows\n"
    )
    doubles = model(session, trained, source_dir=str(tmp_path))
    chain = PipelineModel([doubles, model(session, trained)], ROLE, sagemaker_session=session)
    name = unique("chain")
    chain.deploy(endpoint_name=name, **SIZE)
    predictor = Predictor(name, session, NumpySerializer(), NumpyDeserializer())
    assert predictor.predict(ROWS).tolist() == pytest.approx([121.0, 125.0])
    predictor.delete_endpoint()


def test_a_model_that_cannot_be_loaded_fails_with_the_reason(session, trained, tmp_path):
    (tmp_path / "train.py").write_text("def model_fn(model_dir):\n    raise RuntimeError('wrong model')\n")
    with pytest.raises(Exception, match="wrong model"):
        model(session, trained, source_dir=str(tmp_path)).deploy(**SIZE)
