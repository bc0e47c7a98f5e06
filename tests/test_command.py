"""How commands end."""

import subprocess
import sys

WRITES_MORE_THAN_A_PIPE_HOLDS = """
import sys
from model_road.command import exit_status
def work():
    for number in range(100_000):
        print(number)
    return 0
sys.exit(exit_status(work))
"""


def test_a_reader_that_has_seen_enough_gets_no_stack_trace():
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_MORE_THAN_A_PIPE_HOLDS], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 141)
