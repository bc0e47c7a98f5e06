"""A server that a test starts and kills itself, beside a local AWS."""

import argparse
import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from localaws.service.program import parser, serve
from localaws.service.service import Service
from tests.conftest import LocalAws, until

# A fork of a process that has everything imported already is ready in a fraction of the time.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["localaws.sagemaker.service", "tests.localaws.service.killable"])


def _serve(options: argparse.Namespace, service: type[Service]) -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    serve(options, [service])


@dataclass
class Killable:
    """A server of one service, on a state folder that outlives it."""

    service: type[Service]
    aws: LocalAws
    state_dir: Path
    port: int
    process: BaseProcess | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = ["--port", str(self.port), "--state-dir", str(self.state_dir)]
        arguments += ["--endpoint-url", f"http://127.0.0.1:{self.aws.port}"]
        options = parser(f"tests.{self.service.name}", "", 0).parse_args(arguments)
        self.process = _FORKS.Process(target=_serve, args=(options, self.service), daemon=False)
        self.process.start()
        until(self._answers)

    def kill(self) -> None:
        """End it as the kernel does when there is no memory left."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def client(self, **options: Any) -> Any:
        """A client of the service, at this server."""
        return self.aws.client(self.service.name, endpoint_url=f"http://127.0.0.1:{self.port}", **options)

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, ConnectionError):
            return False
