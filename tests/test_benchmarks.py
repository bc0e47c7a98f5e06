"""The parts of the benchmarks that could make a figure wrong without anyone seeing it."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import serving_soak
from benchmarks.serving import report
from benchmarks.serving.rounds import Measured, Plan
from benchmarks.serving.servers import PEERS, SERVERS
from benchmarks.serving.workloads import Workload, as_json, as_sagemaker, as_tensor, is_right
from benchmarks.serving.wrk import Load

ROWS = Workload(
    "csv", "2 rows", Path("/model"), np.array([[0.1, 1.0], [0.2, 2.0]]), np.array([434.0765649977469, -2.5])
)


@pytest.mark.parametrize(
    "answer",
    [
        b"434.0765649977469\n-2.5\n",
        b"[434.0765649977469, -2.5]",
        b'{"predictions": [434.0765649977469, -2.5]}',
        b'{"outputs": [{"name": "predictions", "shape": [2, 1], "data": [434.0765649977469, -2.5]}]}',
    ],
)
def test_a_right_answer_is_known_in_every_form(answer: bytes) -> None:
    assert is_right(ROWS, answer)


@pytest.mark.parametrize("answer", [b"434.07656\n-2.5\n", b"434.0765649977469\n", b"[-2.5, 434.0765649977469]"])
def test_a_wrong_answer_is_known(answer: bytes) -> None:
    assert not is_right(ROWS, answer)


def test_every_protocol_carries_the_same_rows() -> None:
    tensor = json.loads(as_tensor(ROWS).body)["inputs"][0]
    assert np.reshape(tensor["data"], tensor["shape"]).tolist() == ROWS.rows.tolist()
    assert json.loads(as_json(ROWS).body)["x"] == ROWS.rows.tolist()
    assert as_sagemaker(ROWS).body == b"0.1,1.0\n0.2,2.0\n"


def test_every_peer_of_its_own_environment_has_all_versions_pinned() -> None:
    pinned = [server for server in SERVERS.values() if server.requirements]
    assert len(pinned) == 6
    for server in pinned:
        assert server.requirements
        lines = [line for line in server.requirements.read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert all("==" in line for line in lines), server.title
    assert {path.name for path in PEERS.iterdir()} == {
        server.folder for server in SERVERS.values() if server.folder
    } | {"common"}


def test_ratios_are_of_medians_and_to_the_best() -> None:
    rates = {"serving": [90, 100, 500], "mlserver": [10, 10, 10], "bentoml": [20, 20, 1], "flask": [50, 50, 50]}
    results = {
        (name, "csv"): Measured({1: [Load(rate, 300, 900, 0) for rate in rates[name]]}, [1.0], [1.0]) for name in rates
    }
    results["echo", "csv"] = Measured({1: [Load(1000, 200, 400, 0)]}, [1.0], [1.0])
    plan = Plan(dict.fromkeys([*rates, "echo"]), [ROWS], [1], 3, 1, 2)
    rows = report.ratios(plan, results).splitlines()
    assert "| csv | req/s over the best ready-made model server | 5.00 |" in rows
    assert "| csv | req/s over flask | 2.00 |" in rows
    assert "| csv | p50 over echo's | 1.50 |" in rows


def test_the_soak_sees_memory_that_grows_after_the_first_minute() -> None:
    steady = [serving_soak.Period(Load(1, 1, 1, 0), 50.0 if number else 20.0) for number in range(60)]
    assert serving_soak.growth_of(steady) == 0
    growing = [serving_soak.Period(Load(1, 1, 1, 0), 50.0 + number) for number in range(60)]
    assert serving_soak.growth_of(growing) > serving_soak.MOST_GROWTH
