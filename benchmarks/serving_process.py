"""The model server as a process, for benchmarks: a trained model, a free port, and its end."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from sklearn.datasets import load_diabetes

from pipelines import code
from pipelines.lr.pipeline import ROAD

_START_SECONDS = 30


def linear_regression(folder: Path, n_features: int) -> Path:
    """Return a model directory with the project's linear regression, trained by its own train.py.

    Parameters
    ----------
    folder : Path
        The working folder.
    n_features : int
        1 for the body mass index alone; 10 for all of the diabetes data.
    """
    table, target = load_diabetes(return_X_y=True, as_frame=True)
    columns = ["bmi"] if n_features == 1 else list(table.columns)
    train = folder / "input" / "data" / "train"
    train.mkdir(parents=True)
    table[columns].assign(target=target)[:-20].to_csv(train / "train.csv", index=False)
    code.write(folder / "code", ROAD.training_code())
    script = folder / "code" / "train.py"
    subprocess.run([sys.executable, script, "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    return folder / "model"


class ServingProcess:
    """A server that is ready when the context is entered.

    Parameters
    ----------
    model_dir : Path
    log : Path
        The file of its log.
    workers : int, optional
        By default one for each CPU.
    """

    def __init__(self, model_dir: Path, log: Path, workers: int | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        options = ["--model-dir", str(model_dir), "--host", "127.0.0.1", "--port", str(self.port)]
        self._command = [sys.executable, "-m", "serving", *options, *(["--workers", str(workers)] if workers else [])]
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._command, stdout=log, env=os.environ | {"SAGEMAKER_BIND_TO_PORT": ""})
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(_START_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()
