"""Copy the data, and write what a condition reads."""

import argparse
import json
import os
import shutil
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--mse", type=float, default=0.5)
arguments = parser.parse_args()
ROOT = Path("/opt/ml/processing")
for name in ("train", "eval"):
    (ROOT / name).mkdir(parents=True, exist_ok=True)
for file in (ROOT / "input").rglob("*.csv"):
    shutil.copy(file, ROOT / "train" / "train.csv")
report = {"regression_metrics": {"mse": {"value": arguments.mse}}, "word": os.environ.get("WORD", "")}
(ROOT / "eval" / "evaluation.json").write_text(json.dumps(report))
host = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
(ROOT / "eval" / f"{host}.txt").write_text(host)
