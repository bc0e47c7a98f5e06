"""Models that load without a script, from real files of real libraries."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.serving.conftest import refused, write_files


def onnx_model(width=2):
    """y = x @ [2, 3] + 1, in float32."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(np.array([[2.0], [3.0]], np.float32), "w"),
            numpy_helper.from_array(np.array([1.0], np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("onnx"), {"model.onnx": onnx_model()})


def test_onnx_answers_every_format(start, folder):
    server = start(model_dir=folder, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    assert server.invoke("[[1, 10], [2, 20]]").json == {"predictions": [[33.0], [65.0]]}
    assert server.invoke("a,b\n1,10\n", "text/csv", Accept="text/csv").body == b"33.0\n"


def test_rows_of_another_width_are_refused_with_both_numbers(start, folder):
    reply = start(model_dir=folder).invoke("[[1, 2, 3]]")
    assert (reply.status, "3 numbers" in reply.json["error"], "expects 2" in reply.json["error"]) == (400, True, True)


def test_a_file_that_is_no_model_is_named(tmp_path):
    assert "model.onnx cannot be loaded" in refused(write_files(tmp_path / "m", {"model.onnx": b"nothing"}))


def test_a_missing_library_is_named(tmp_path):
    """torch is not among the libraries of the tests."""
    sentence = refused(write_files(tmp_path / "m", {"model.pt": b""}), PYTHONPATH=str(blocked(tmp_path, "torch")))
    assert "needs the package torch" in sentence


def blocked(tmp_path, name):
    """A folder in which that package is not to be found."""
    return write_files(tmp_path / "path", {f"{name}.py": f"raise ModuleNotFoundError('no', name={name!r})"})
