"""What the scripts of AWS's examples import of the image's package."""

import subprocess
import sys
from pathlib import Path

from localaws.images.definition import CONTAINERS

# In the manner of the guide's example of distributed training with a script.
SCRIPT = """
import sys
import numpy as np
import xgboost
from sagemaker_xgboost_container import distributed
from sagemaker_xgboost_container.data_utils import get_dmatrix

def train(matrix, rounds, is_master):
    booster = xgboost.train({}, matrix, num_boost_round=rounds)
    if is_master:
        booster.save_model(sys.argv[3])

matrix = get_dmatrix(sys.argv[2], "text/libsvm")
hosts = ["127.77.0.1", "127.77.0.2", "127.77.0.3"]
distributed.wait_hostname_resolution(hosts)
distributed.rabit_run(exec_fun=train, args={"matrix": matrix, "rounds": 3}, include_in_training=matrix is not None,
                      hosts=hosts, current_host=sys.argv[1], update_rabit_args=True)
"""


def test_a_script_trains_on_the_instances_that_have_data(tmp_path: Path) -> None:
    """The first of three has none."""
    for number in (2, 3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "rows").write_text("".join(f"{row % 7} 0:{row} 1:{row % 7}\n" for row in range(50)))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, f"127.77.0.{number}", str(tmp_path / str(number)),
             str(tmp_path / f"model-{number}.json")],
            env={"PYTHONPATH": str(CONTAINERS), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stderr=subprocess.PIPE, text=True,
        )
        for number in (1, 2, 3)
    ]  # fmt: skip
    said = [process.communicate(timeout=90)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert [path.name for path in tmp_path.glob("model-*")] == ["model-2.json"]
