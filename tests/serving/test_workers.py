"""Several workers under one supervisor: who answers, who dies, who is replaced."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.serving.conftest import command, environment, write_model

WHO = """
import os, threading, time
LOADED_BY = None

def model_fn(d):
    global LOADED_BY
    LOADED_BY = os.getpid()
    return bytearray(64 * 1024 * 1024)

def transform_fn(model, body, content_type, accept):
    word, _, number = body.partition(" ")
    if word == "die":
        os._exit(7)
    if word == "sleep":
        time.sleep(float(number))
    return f"{os.getpid()} {LOADED_BY}"
"""
THREADED = WHO.replace(
    "LOADED_BY = os.getpid()\n",
    "LOADED_BY = os.getpid()\n    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
)


def pids(server, times=20):
    """Who answers over connections of their own, and who loaded the model."""
    answers = [server.invoke("who", "text/csv").body.decode().split() for _ in range(times)]
    return {int(pid) for pid, _ in answers}, {int(loader) for _, loader in answers}


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_all_workers_answer_and_share_the_model_that_the_supervisor_loaded(start):
    server = start(WHO, SAGEMAKER_MODEL_SERVER_WORKERS="3")
    until(lambda: len(pids(server)[0]) == 3)
    workers, loaders = pids(server)
    assert loaders == {server.process.pid}
    assert server.process.pid not in workers
    for pid in workers:  # 64 MiB of model, of which none is its own
        private = sum(
            int(line.split()[1])
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith("Private")
        )
        assert private < 40 * 1024


def test_a_model_with_threads_is_loaded_by_each_worker(start):
    server = start(THREADED, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    until(lambda: len(pids(server)[0]) == 2)
    workers, loaders = pids(server)
    assert loaders == workers


def test_connections_are_spread_evenly(start):
    server = start(WHO, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    until(lambda: len(pids(server)[0]) == 2)
    connections = [server.connect() for _ in range(8)]
    seen = []
    for connection in connections:
        connection.request("POST", "/invocations", "who", {"Content-Type": "text/csv"})
        seen.append(connection.getresponse().read().split()[0])
    assert sorted(seen.count(pid) for pid in set(seen)) == [4, 4]


def test_a_worker_that_dies_is_replaced_while_the_others_serve(start):
    server = start(WHO, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    until(lambda: len(pids(server)[0]) == 2)
    before, _ = pids(server)
    failures, lost = [], []
    stop = threading.Event()

    def ask_on():
        while not stop.is_set():
            try:
                if server.invoke("who", "text/csv").status != 200:
                    failures.append(1)
            except ConnectionError as error:
                lost.append(error)

    def replaced():
        try:
            return len(after := pids(server)[0]) == 2 and after != before
        except ConnectionError:  # it was handed to the dying worker, too
            return False

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask_on) for _ in range(2)]
        try:
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                server.invoke("die", "text/csv")
            until(replaced)
        finally:
            stop.set()
    assert [job.exception() for job in asking] == [None, None]
    # What the dying worker had in hand is lost, one request of each caller at most; nothing else may be.
    assert len(lost) <= 2
    assert not failures
    assert any("a worker died and is replaced" in line and "exit code 7" in line for line in server.log)


def test_a_worker_that_is_stuck_is_killed_and_replaced_and_ping_says_so_meanwhile(start):
    server = start(WHO, SAGEMAKER_MODEL_SERVER_TIMEOUT="1")
    [worker], _ = pids(server, 1)
    idle = server.connect()
    idle.request("GET", "/ping")
    assert idle.getresponse().read() == b""
    assert server.invoke("sleep 30", "text/csv").status == 504

    def refused_ping():
        idle.request("GET", "/ping")
        reply = idle.getresponse()
        body = reply.read()
        return reply.status != 200 and (reply.status, body)

    # The request's second began before the call's: for a moment the call is not too long yet.
    status, body = until(refused_ping)
    assert (status, "busy with one call" in json.loads(body)["error"]) == (503, True)
    until(lambda: not Path(f"/proc/{worker}").exists())
    assert pids(server, 1)[0] != {worker}
    assert any("is stuck in one call" in line for line in server.log)


def test_workers_end_when_their_supervisor_is_killed(start):
    server = start(WHO, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    until(lambda: len(pids(server)[0]) == 2)
    workers, _ = pids(server)
    server.process.kill()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_replacement_that_cannot_load_its_model_leaves_the_others_at_work(start, tmp_path):
    folder = write_model(tmp_path / "m", THREADED + "\nopen(__file__ + '.data')\n")
    data = folder / "code" / "inference.py.data"
    data.write_text("")
    server = start(model_dir=folder, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    until(lambda: len(pids(server)[0]) == 2)
    data.unlink()
    victim = pids(server, 1)[0].pop()
    os.kill(victim, signal.SIGKILL)
    until(lambda: any("cannot be imported" in line for line in server.log))
    assert pids(server)[0] - {victim}
    data.write_text("")
    until(lambda: len(pids(server)[0]) == 2)


def test_when_no_worker_can_be_had_any_more_the_server_ends(start, tmp_path):
    folder = write_model(tmp_path / "m", WHO + "\nopen(__file__ + '.data')\n")
    data = folder / "code" / "inference.py.data"
    data.write_text("")
    server = start(model_dir=folder)
    data.unlink()
    os.kill(pids(server, 1)[0].pop(), signal.SIGKILL)
    assert server.process.wait(timeout=60) == 1


def test_ctrl_c_reaches_the_group_and_what_was_accepted_is_answered(tmp_path):
    folder = write_model(tmp_path / "m", WHO)
    process = subprocess.Popen(
        command(folder, "--port", "0", "--workers", "2"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    port = json.loads(process.stdout.readline())["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/invocations", "sleep 0.5", {"Content-Type": "text/csv"})
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    response = connection.getresponse()
    assert (response.status, response.headers["connection"]) == (200, "close")
    process.communicate(timeout=60)
    assert process.returncode == 0
