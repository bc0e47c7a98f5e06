"""The hooks by which metric data are ours: nothing of them is in MiniStack's memory or state."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

from tests.conftest import LocalAws, until

_SCRIPT = """
import asyncio, json, sys, time
from pathlib import Path
from localaws.ministack import host
folder = Path(sys.argv[1])
host.configure(1, folder)
host.load_application()
from ministack.services import cloudwatch
from localaws.ministack.cloudwatch.data.metric import Scope
from localaws.ministack.cloudwatch.data.recorder import Recorder
from localaws.ministack.cloudwatch.data.store import MetricStore
from localaws.ministack.cloudwatch.hooks_metrics import answer_metric_data, record_in_store
recorder = Recorder(MetricStore(folder / "metrics.sqlite"))
answer_metric_data(recorder), record_in_store(recorder)
point = {"Timestamp": time.time(), "Value": 1.0, "Unit": "None", "Dimensions": {}}
cloudwatch.load_persisted_state({"metrics": {("N", "Old", ""): [point]}, "alarms": {}})
cloudwatch.record_metric("N", "Own", 1.0, "Count", {"D": "d"})
there = lambda: asyncio.run(recorder.read(lambda store: store.numbers()))
while not there():
    time.sleep(0.01)
asyncio.run(cloudwatch.handle_request("POST", "/", {}, b"Action=PutMetricData&Namespace=N&"
    b"MetricData.member.1.MetricName=M&MetricData.member.1.Value=1", {}))
found = {"recorded": len(there()), "state": len(cloudwatch.get_state()["metrics"])}
cloudwatch.reset()
print(json.dumps({**found, "after reset": len(there())}))
recorder.close()
"""


def test_hook_ministack_keeps_no_metric_data(tmp_path: Path) -> None:
    """`answer_metric_data` and `record_in_store`, an old state's data and a reset too."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"recorded": 2, "state": 0, "after reset": 0}


def test_metric_data_are_in_a_file_of_their_own(local_aws: LocalAws) -> None:
    cloudwatch, name = local_aws.client("cloudwatch"), f"file-{uuid.uuid4().hex}"
    values = [float(n) for n in range(150)]
    # So much that boto3 compresses it.
    data = [{"MetricName": f"{name}-{n}", "Values": values} for n in range(50)]
    cloudwatch.put_metric_data(Namespace=name, MetricData=data)
    dashboard = {"DashboardName": f"of-{name[:20]}", "DashboardBody": "{}"}
    cloudwatch.put_dashboard(**dashboard)
    folder = local_aws.state_dir / "ministack"

    def holds(pattern: str, text: str) -> bool:
        return any(text.encode() in path.read_bytes() for path in folder.glob(pattern) if path.is_file())

    until(lambda: holds("state*", dashboard["DashboardName"]) or holds("state/*", dashboard["DashboardName"]))
    assert not holds("state*", name) and not holds("state/*", name)
    assert holds("metrics.sqlite*", name)
    assert len(cloudwatch.list_metrics(Namespace=name)["Metrics"]) == 50
    cloudwatch.delete_dashboards(DashboardNames=[dashboard["DashboardName"]])


_BOUNDS = """
import gzip, json, sys, time
from pathlib import Path
from localaws.ministack import host
host.configure(1, Path(sys.argv[1]))
host.load_application()
import ministack.app as app
from ministack.services import cloudwatch
from localaws.ministack.cloudwatch.hooks_alarms import bound_history
from localaws.ministack.cloudwatch.hooks_metrics import inflate_within_bounds
inflate_within_bounds(), bound_history()

def inflated(body, encoding="gzip"):
    headers = {"content-encoding": encoding}
    return len(app._decompress_request_body(body, headers)), headers

bomb, good = gzip.compress(bytes(1 << 28)), gzip.compress(b"{}")
told = [inflated(good), inflated(good, "aws-chunked, GZIP"), inflated(good, "br")]
told += [inflated(bomb) == (len(bomb), {"content-encoding": "gzip"}), inflated(good[:-1])[0] == len(good) - 1]
entries = cloudwatch._history_entries()
entries += [{"AlarmName": "old", "Timestamp": "2020-01-01T00:00:00Z"}] * 20_000
cloudwatch._record_history("a", "OK", "ALARM", "why")
old = len(entries)
for _ in range(12_000):
    cloudwatch._record_history("a", "OK", "ALARM", "why")
print(json.dumps([*told, old, len(entries)]))
"""


def test_hook_what_is_inflated_and_an_alarms_history_have_bounds(tmp_path: Path) -> None:
    """`inflate_within_bounds` and `bound_history`."""
    command = [sys.executable, "-c", _BOUNDS, str(tmp_path)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    good, both, other, bomb, cut, old, many = json.loads(done.stdout)
    assert (good, both) == ([2, {}], [2, {"content-encoding": "aws-chunked"}])
    assert other[1] == {"content-encoding": "br"}
    assert bomb and cut
    assert (old, many) == (1, 10_000)
