"""A model's code as the SDK's framework models leave it: in an archive of its own, with requirements."""

import importlib.util
import io
import zipfile

from tests.localaws.sagemaker.conftest import IMAGE, ROLE, unique
from tests.localaws.sagemaker.hosting.conftest import SCRIPT

_DIST_INFO = "tiny_of_tests-1.0.dist-info"


def serve(endpoints, files, **environment):
    name = unique("model")
    uri = endpoints.put_files(f"{name}/model.tar.gz", files)
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
    endpoints.client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return endpoints.create(endpoints.config(endpoints.variant(name)))


def test_the_script_is_fetched_from_where_the_environment_says(endpoints):
    files = {"mine.py": b"from beside import SCRIPT\nexec(SCRIPT)\n", "beside.py": f"SCRIPT = {SCRIPT!r}".encode()}
    source = endpoints.put_files(f"{unique('source')}/sourcedir.tar.gz", files)
    name = serve(endpoints, {"version": b"7"}, SAGEMAKER_PROGRAM="mine.py", SAGEMAKER_SUBMIT_DIRECTORY=source)
    assert endpoints.invoke(name)["version"] == "7"


def test_requirements_are_installed_into_the_container_alone(endpoints):
    wheel = "tiny_of_tests-1.0-py3-none-any.whl"
    files = {
        "version": b"8",
        f"code/{wheel}": tiny_wheel(),
        "code/requirements.txt": f"/opt/ml/model/code/{wheel}\n".encode(),
        "code/inference.py": b"import tiny_of_tests\n" + SCRIPT.encode(),
    }
    assert endpoints.invoke(serve(endpoints, files))["version"] == "8"
    assert importlib.util.find_spec("tiny_of_tests") is None


def tiny_wheel():
    """A package that is nowhere else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("tiny_of_tests.py", "")
        wheel.writestr(f"{_DIST_INFO}/METADATA", "Metadata-Version: 2.1\nName: tiny-of-tests\nVersion: 1.0\n")
        wheel.writestr(f"{_DIST_INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{_DIST_INFO}/RECORD", "")
    return buffer.getvalue()
