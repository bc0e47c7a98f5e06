"""AWS's images as environments of this host: which there are, and how one is made."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sagemaker.core import image_uris

from localaws.command import images
from localaws.errors import ImageError
from localaws.images import catalog, install, interpreter
from localaws.images.definition import Definition, Framework
from localaws.images.environment import find
from localaws.sagemaker.jobs.images import Image

# Small, pure Python, and on every index: what is tested is how environments are made, not what is in them.
_TINY = Framework("tiny_container", train="tiny", imports=("six",), compared=("six",))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Definition:
    """An image with one small package, which its requirements pin, and a container of our own."""
    requirements, container = tmp_path / "requirements.txt", tmp_path / "tiny_container"
    requirements.write_text("# https://example.com/requirements.txt\nsix==1.16.0\n")
    container.mkdir()
    (container / "__init__.py").write_text("")
    monkeypatch.setattr(Definition, "requirements_path", requirements)
    monkeypatch.setattr(Definition, "container_path", container)
    return Definition("tiny", "1.0", f"3.{sys.version_info.minor}", _TINY)


def silent(_line: str) -> None:
    """Say nothing."""


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sagemaker-scikit-learn:1.4-2", "sagemaker-scikit-learn:1.4-2"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3", "…:1.4-2"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3", "…:1.4-2-py312"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:0.23-1-cpu-py3", "…:0.23-1"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-20", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine/sagemaker-scikit-learn:1.4-2", None),
        ("sagemaker-scikit-learn", None),
    ],
)
def test_a_uri_means_the_image_of_its_repository_and_version(uri: str, name: str | None) -> None:
    found = catalog.of_uri(uri)
    assert (found.name if found else None) == (name.replace("…", "sagemaker-scikit-learn") if name else None)


@pytest.mark.parametrize("definition", catalog.DEFINITIONS, ids=lambda each: each.name)
def test_an_image_pins_what_it_has(definition: Definition) -> None:
    assert definition.source.startswith("https://github.com/aws/")
    assert {"sagemaker-containers", "pip", *definition.framework.compared} <= set(definition.pins)
    assert (definition.container_path / "serving.py").is_file()
    version = re.match(r"\d+\.\d+", definition.version)
    package = definition.repository.removeprefix("sagemaker-")
    assert version
    assert definition.pins[package].startswith(version[0])


def test_the_page_says_which_of_the_sdks_versions_are_not_there() -> None:
    config = image_uris.config_for_framework("sklearn")
    versions = {version for scope in ("training", "inference") for version in config[scope]["versions"]}
    assert versions - {each.version for each in catalog.DEFINITIONS} == {"0.20.0"}
    page = Path(__file__).parents[2] / "docs" / "localaws" / "sagemaker-jobs.md"
    there = re.search(r"\| (XGBoost's images) \| [^|]* \| (.*?) \|", page.read_text())
    assert there
    names = [each.version for each in catalog.DEFINITIONS if each.repository == "sagemaker-xgboost"]
    assert all(name in there[2] for name in names)


def test_an_image_is_made_once(tiny: Definition, tmp_path: Path) -> None:
    made = install.install(tiny, tmp_path / "images", silent)
    assert made.versions["six"] == "1.16.0"
    assert made.has_own_python
    assert find(tiny, tmp_path / "images") == made
    assert install.install(tiny, tmp_path / "images", silent).folder == made.folder


def test_what_aws_changes_makes_it_anew(tiny: Definition, tmp_path: Path) -> None:
    earlier = install.install(tiny, tmp_path / "images", silent)
    tiny.requirements_path.write_text("# https://example.com/requirements.txt\nsix==1.17.0\n")
    assert not earlier.is_current
    made = install.install(tiny, tmp_path / "images", silent)
    assert made.versions["six"] == "1.17.0"
    assert not earlier.folder.exists()


def test_what_cannot_be_imported_is_not_kept(tiny: Definition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "MINORS", [])
    broken = replace(tiny, framework=replace(_TINY, imports=("no_such_module",)))
    with pytest.raises(ImageError, match="No module named 'no_such_module'"):
        install.install(broken, tmp_path / "images", silent)
    assert find(tiny, tmp_path / "images") is None
    assert list((tmp_path / "images").glob("*@*")) == []


def test_an_edit_does_not_reach_the_cache(tiny: Definition, tmp_path: Path) -> None:
    edited = replace(tiny, edits={"six.py": ("Benjamin Peterson", "Somebody")})
    made = install.install(edited, tmp_path / "one", silent)
    plain = install.install(tiny, tmp_path / "other", silent)
    assert "Somebody" in (made.site_packages / "six.py").read_text()
    assert "Somebody" not in (plain.site_packages / "six.py").read_text()


def test_what_is_removed_is_gone(tiny: Definition, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    install.install(tiny, folder, silent)
    assert install.remove(tiny, folder, silent)
    assert list(folder.iterdir()) == [folder / "tiny-1.0.lock"]
    assert not install.remove(tiny, folder, silent)


def test_the_list_says_what_stands_for_what(tiny: Definition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALAWS_IMAGES_DIR", str(tmp_path))
    monkeypatch.setattr(catalog, "DEFINITIONS", [tiny, replace(tiny, version="2.0")])
    made = install.install(tiny, tmp_path, silent)
    (tmp_path / "images.json").write_text('{"my-team/torch": "/torch/bin/python"}')
    said: list[str] = []
    images.show_list(tmp_path, True, said.append)
    listed = json.loads(said[0])
    one, other = listed["images"]
    assert (one["name"], one["versions"], other["installed"]) == ("tiny:1.0", {"six": "1.16.0"}, None)
    assert (one["installed"]["interpreter"], one["installed"]["is_current"]) == (str(made.python), True)
    assert one["installed"]["bytes"] > 10_000
    assert listed["mapped"] == {"my-team/torch": "/torch/bin/python"}
    assert listed["others"]["interpreter"] == sys.executable
    images.show_list(tmp_path, False, said.append)
    assert re.search(r"^tiny:1\.0 .* six 1\.16\.0 +installed, Python 3", "\n".join(said[1:]), re.MULTILINE)
    assert re.search(r"^tiny:2\.0 .* not installed$", "\n".join(said[1:]), re.MULTILINE)


def test_the_next_python_is_taken_and_named(tiny: Definition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Python 3.99 is here, nor can it be downloaded."""
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    said: list[str] = []
    made = install.install(replace(tiny, python="3.99"), tmp_path / "images", said.append)
    assert not made.has_own_python
    assert any("not with Python 3.99: error: No interpreter found for Python 3.99" in line for line in said)


def test_the_nearest_python_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"3.8", "3.11", "3.13"}
    monkeypatch.setattr(
        interpreter,
        "on_this_host",
        lambda version: interpreter.Interpreter(version, version) if version in here else None,
    )
    assert [each.version for each in interpreter.candidates("3.12")] == ["3.12", "3.13", "3.11", "3.8"]


def test_without_a_network_the_message_says_so(
    tiny: Definition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(interpreter, "MINORS", [])
    with pytest.raises(ImageError, match=r"(?s)cannot be installed.*(network|offline|[Cc]onnect)"):
        install.install(tiny, tmp_path / "images", silent)


def test_two_at_once_make_one_and_a_killed_one_leaves_nothing(tiny: Definition, tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from localaws.images.definition import Definition, Framework
from localaws.images.install import install
Definition.requirements_path = Path({str(tiny.requirements_path)!r})
Definition.container_path = Path({str(tiny.container_path)!r})
tiny = Definition("tiny", "1.0", {tiny.python!r}, Framework("tiny_container", "tiny", ("six",), ("six",)))
print(install(tiny, Path({str(tmp_path / "images")!r}), lambda line: print(line, flush=True)).folder)
"""

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)

    with begin() as killed:
        assert killed.stdout
        while "installing" not in killed.stdout.readline():
            assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
    both = [begin() for _ in range(2)]
    ends = [each.communicate(timeout=240)[0].splitlines()[-1] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    (folder,) = (tmp_path / "images").glob("*@*")
    assert ends == [str(folder), str(folder)]


def test_an_old_toolkit_is_led_here_and_not_to_aws() -> None:
    """Its boto3 does not read AWS_ENDPOINT_URL; an image without variables is this machine's own Python."""
    own = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "SM_MODEL_DIR": "/mine"}
    image = Image("tiny:1.0", Path(sys.executable), serve=[], train=[], variables={"SM_MODEL_DIR": "/opt/ml/model"})
    assert image.environment(own) == {**own, "S3_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert replace(image, variables={}).environment(own) == own
