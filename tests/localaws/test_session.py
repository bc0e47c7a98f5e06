"""The clients of a process: from one session, whichever threads ask for them, signed as they are told."""

import subprocess
import sys
from typing import Any

import pytest
from botocore.credentials import Credentials

from localaws.account.session import make_client

_MANY = """
import threading
from localaws.account.session import make_client

failures, ready = [], threading.Barrier(24)

def make(service):
    ready.wait()
    try:
        make_client(service, endpoint_url="http://127.0.0.1:1", region="us-east-1")
    except Exception as error:
        failures.append(repr(error))

threads = [threading.Thread(target=make, args=(each,)) for each in ("s3", "sqs", "sns", "sts", "logs", "events") * 4]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures
"""


def test_threads_of_a_new_process_make_clients_at_the_same_time() -> None:
    """Without the lock botocore's session fails: its components are made when they are asked for first."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _MANY], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "credentials",
    [{"aws_access_key_id": "AKIDGIVEN", "aws_secret_access_key": "s"}, Credentials("AKIDGIVEN", "s")],
    ids=["keys", "object"],
)
def test_a_client_signs_with_what_it_is_given(credentials: Any) -> None:
    sts = make_client("sts", endpoint_url="http://127.0.0.1:1", region="us-east-1", credentials=credentials)
    signed: list[str] = []

    def stop(request: Any, **_: Any) -> None:
        signed.append(request.headers["Authorization"].decode())
        raise InterruptedError

    sts.meta.events.register("before-send", stop)
    with pytest.raises(InterruptedError):
        sts.get_caller_identity()
    assert "Credential=AKIDGIVEN/" in signed[0]
