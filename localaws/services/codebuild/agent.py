"""Runs a buildspec's phases inside the container; uses only the standard library and imports nothing of the project.

``python -I -S agent.py PLAN STATUS``: PLAN is a JSON file that says what to run; a line of JSON is appended to STATUS
whenever a phase begins or ends, and one with the exported variables at the end.

In buildspec 0.2 one shell runs all commands: what a command sets is available to the next. So a shell reads the paths
of script files from a pipe, runs each in itself, and answers with its exit status. A command that ends the shell
(``exit 1``, or anything that fails after ``set -e``) has that status, and the next command gets a new shell with the
exported variables and the working folder of the old one.
"""

import json
import os
import select
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

# Commands do not inherit the shell's own file descriptors: a process left behind would hold them open.
_LOOP = r"""
trap 'agent_code=$?; export -p > {folder}/env.sh; pwd > {folder}/pwd; exit $agent_code' EXIT
if [ -f {folder}/env.sh ]; then . {folder}/env.sh; cd "$(cat {folder}/pwd)"; fi
while IFS= read -r agent_script <&{commands}; do
    . "$agent_script" {commands}<&- {statuses}>&-
    echo $? >&{statuses}
done
"""
_MASK = b"***"
# A line that does not end is written in pieces.
_LONGEST_LINE = 1024 * 1024


class Shell:
    """The shell that runs the commands.

    Parameters
    ----------
    program : str
    folder : Path
        The folder that the commands are written to.
    directory : str
        The working folder of the first command.
    output : int
        A file descriptor.
    """

    def __init__(self, program: str, folder: Path, directory: str, output: int) -> None:
        self._program, self._folder, self._directory, self._output = program, folder, directory, output
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: tuple[int, ...] = ()
        self._number = 0

    def run(self, command: str) -> int:
        """Run a command and return its exit status."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._start()
        self._number += 1
        script = self._folder / f"script-{self._number}.sh"
        script.write_text(f"{command}\n")
        os.write(self._commands, f"{script}\n".encode())
        return self._answer(process)

    def variables(self, names: list[str]) -> dict[str, str]:
        """Return the present values of variables in the shell."""
        target = self._folder / "variables.json"
        reader = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
        exports = "; ".join(f"export {name}" for name in names)
        status = self.run(f"{exports}; '{sys.executable}' -I -S -c \"{reader}\" '{target}'")
        values = json.loads(target.read_text()) if status == 0 else {}
        return {name: values[name] for name in names if name in values}

    def close(self) -> None:
        """End the shell."""
        if self._process is not None and self._process.poll() is None:
            os.close(self._commands)
            self._pipes = ()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        for own in self._pipes:
            os.close(own)
        # dash only accepts one-digit file descriptors: these are the first that are free.
        commands, self._commands = os.pipe()
        self._statuses, statuses = os.pipe()
        self._pipes = (self._commands, self._statuses)
        loop = _LOOP.format(folder=shlex.quote(str(self._folder)), commands=commands, statuses=statuses)
        process = subprocess.Popen(
            [self._program, "-c", loop],
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            pass_fds=(commands, statuses),
        )
        os.close(commands)
        os.close(statuses)
        return process

    def _answer(self, process: subprocess.Popen[bytes]) -> int:
        """Return the status that the shell answers, or its own exit status if it ended."""
        ended = os.pidfd_open(process.pid)
        try:
            ready, _, _ = select.select([self._statuses, ended], [], [])
            if self._statuses in ready:
                text = os.read(self._statuses, 16)
                if text:
                    return int(text)
            return process.wait()
        finally:
            os.close(ended)


class Output:
    """Standard output in which secrets are replaced by three asterisks, as CodeBuild does.

    Parameters
    ----------
    secrets : list of str
    """

    def __init__(self, secrets: list[str]) -> None:
        self._secrets = [secret.encode() for secret in sorted(secrets, key=len, reverse=True) if secret]
        self._thread: threading.Thread | None = None
        self.fd = sys.stdout.fileno()
        if self._secrets:
            source, self.fd = os.pipe()
            self._thread = threading.Thread(target=self._mask, args=(source,), daemon=True)
            self._thread.start()

    def say(self, line: str) -> None:
        """Write a line of CodeBuild's own."""
        now = time.time()
        stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
        os.write(self.fd, f"[Container] {stamp} {line}\n".encode())

    def close(self) -> None:
        """Write what is left, without waiting for a process that the build left behind."""
        if self._thread is not None:
            os.close(self.fd)
            self._thread.join(1.0)

    def _mask(self, source: int) -> None:
        with os.fdopen(source, "rb", buffering=0) as stream:
            kept = b""
            while data := stream.read(65536):
                whole, newline, kept = (kept + data).rpartition(b"\n")
                self._write(whole + newline)
                if len(kept) > _LONGEST_LINE:  # its end may be the beginning of a secret
                    begun = len(self._secrets[0])
                    self._write(kept[:-begun])
                    kept = kept[-begun:]
            self._write(kept)

    def _write(self, text: bytes) -> None:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        while text:
            text = text[os.write(sys.stdout.fileno(), text) :]


class Agent:
    """The phases of one build.

    Parameters
    ----------
    plan : dict
        The plan that the module's docstring describes.
    status : Path
        The file that the phases are reported to.
    """

    def __init__(self, plan: dict[str, Any], status: Path) -> None:
        self._plan, self._status = plan, status
        self._output = Output(plan["secrets"])
        folder = status.parent
        self._shell = Shell(plan["shell"], folder, plan["directory"], self._output.fd)

    def run(self) -> int:
        """Run the phases; return 0 if all succeeded."""
        failed = False
        for line in self._plan["notices"]:
            self._output.say(line)
        for phase in self._plan["phases"]:
            message = self._run_phase(phase)
            if message is not None:
                if not failed:
                    self._shell.run("export CODEBUILD_BUILD_SUCCEEDING=0")
                failed = True
                if phase["on_failure"] == "ABORT":
                    break
        self._tell(exported=self._shell.variables(self._plan["exported"]) if self._plan["exported"] else {})
        self._shell.close()
        self._output.close()
        return int(failed)

    def _run_phase(self, phase: dict[str, Any]) -> str | None:
        """Run a phase; return why it failed, or None if it succeeded."""
        name = phase["name"]
        self._tell(phase=name, status="IN_PROGRESS")
        self._output.say(f"Entering phase {name}")
        message = self._run_all(phase["commands"])
        last = self._run_all(phase["finally"])
        message = message or last
        status = "FAILED" if message else "SUCCEEDED"
        self._output.say(f"Phase complete: {name} State: {status}")
        code = "COMMAND_EXECUTION_ERROR" if message else ""
        self._output.say(f"Phase context status code: {code} Message: {message or ''}")
        self._tell(phase=name, status=status, message=message or "")
        return message

    def _run_all(self, commands: list[str]) -> str | None:
        for command in commands:
            self._output.say(f"Running command {command}")
            code = self._shell.run(command)
            if code:
                self._output.say(f"Command did not exit successfully {command} exit status {code}")
                return f"Error while executing command: {command}. Reason: exit status {code}"
        return None

    def _tell(self, **content: Any) -> None:
        with self._status.open("a") as file:
            file.write(json.dumps({**content, "time": time.time()}) + "\n")


def main() -> int:
    """Run the plan given on the command line."""
    plan, status = (Path(path).absolute() for path in sys.argv[1:])
    content = json.loads(plan.read_text())
    plan.unlink()
    return Agent(content, status).run()


if __name__ == "__main__":
    sys.exit(main())
