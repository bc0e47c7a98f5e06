"""The home folder of containers, and the bytecode that is written with it."""

import venv
from pathlib import Path

from localaws.containers.warm_home import WarmHome
from tests.conftest import until


def test_the_bytecode_of_what_scripts_import_is_written_before_they_do(tmp_path: Path) -> None:
    venv.EnvBuilder(symlinks=True).create(tmp_path / "python")
    [packages] = (tmp_path / "python").glob("lib/python*/site-packages")
    (packages / "pandas.py").write_text("import pathlib\n(pathlib.Path.home() / 'cache').touch()\n")
    home = WarmHome(tmp_path / "python" / "bin" / "python", tmp_path / "state")
    home.prepare()
    until(lambda: list((tmp_path / "state").glob("homes/*/cache")))
    assert list(packages.glob("__pycache__/pandas.*.pyc"))
    home.copy_to(tmp_path / "home")
    assert (tmp_path / "home" / "cache").exists()
