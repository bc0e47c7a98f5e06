"""``python -m tests.toolkits``: the container scripts under AWS's toolkits, as a table; exit code 1 if any differs."""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.toolkits import servers
from tests.toolkits.judgement import Judgement, judge, known_differences
from tests.toolkits.places import JudgeError, Place, here, of_image
from tests.toolkits.questions import CONTENT_TYPES, Question, questions
from tests.toolkits.scripts import PROJECTS, Project, registered_environment
from tests.toolkits.servers import Reply

# What pipelines/steps.py registers with, and the newest.
IMAGES = ("sagemaker-scikit-learn:1.4-2-py312", "sagemaker-scikit-learn:1.9-0")
Program = Callable[[Place], Sequence[str]]
AWS_SERVERS: Mapping[str, Program] = {
    "sagemaker-containers": servers.sagemaker_containers,
    "sagemaker-inference": servers.sagemaker_inference,
}


@dataclass(frozen=True)
class Round:
    """A script under one of AWS's servers, in an image."""

    script: str
    image: str
    server: str
    judgements: list[Judgement]

    @property
    def toolkit(self) -> str:
        """The head of its column."""
        return f"{self.server}\n{self.image.removeprefix('sagemaker-')}"

    def cell(self, content_type: str) -> str:
        """Say how many answers are the same, of the requests of a content type."""
        asked = [each for each in self.judgements if each.question.content_type == content_type]
        counted = Counter(each.outcome for each in asked)
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))


def main() -> int:
    """Judge; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.toolkits", description=__doc__.partition(":")[2].strip())
    parser.add_argument("images", nargs="*", default=IMAGES, help=f"installed images of AWS ({', '.join(IMAGES)})")
    images = parser.parse_args().images
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    started = time.monotonic()
    try:
        places = [of_image(name) for name in images]
        programs = _programs(console)
        with tempfile.TemporaryDirectory(prefix="toolkits-") as folder:
            rounds = [
                each for project in PROJECTS for each in _rounds(project, places, programs, Path(folder), console)
            ]
    except JudgeError as error:
        print(f"toolkits: {error}", file=sys.stderr)
        return 1
    _print_table(rounds, console)
    console.print(f"{sum(len(each.judgements) for each in rounds)} answers in {time.monotonic() - started:.0f} s")
    return _verdict(rounds, console)


def _programs(console: Console) -> Mapping[str, Program]:
    """Return AWS's servers that this machine can run."""
    if shutil.which("java"):
        return AWS_SERVERS
    console.print("sagemaker-inference is not judged: multi-model-server needs java on PATH")
    return {name: program for name, program in AWS_SERVERS.items() if name != "sagemaker-inference"}


def _rounds(
    project: Project, places: Sequence[Place], programs: Mapping[str, Program], folder: Path, console: Console
) -> Iterator[Round]:
    """Build a project's model in each place, and have each server there answer all questions."""
    asked = list(questions(project.width))
    variables = registered_environment()
    model = _built(project, here(), folder, console)
    expected = _answers(here(), servers.serving(here()), model, variables, asked)
    for place in places:
        model = _built(project, place, folder, console)
        for name, program in programs.items():
            given = _answers(place, program(place), model, variables, asked)
            yield Round(project.name, place.name, name, judge(project.name, name, asked, expected, given))


def _built(project: Project, place: Place, folder: Path, console: Console) -> Path:
    started = time.monotonic()
    own = folder / f"{project.name}-{place.name}".replace("/", "-").replace(":", "-")
    own.mkdir()
    model = project.build(place, own)
    console.print(f"{project.name}: processed and trained by {place.name} in {time.monotonic() - started:.1f} s")
    return model


def _answers(
    place: Place, argv: Sequence[str], model: Path, variables: Mapping[str, str], asked: Sequence[Question]
) -> list[Reply]:
    with tempfile.TemporaryDirectory(prefix="toolkits-") as folder:
        ml = Path(folder, "ml")
        shutil.copytree(model, ml / "model")
        with servers.running(place, argv, ml, variables) as server:
            return [server.ask(question.body, question.headers) for question in asked]


def _print_table(rounds: Sequence[Round], console: Console) -> None:
    toolkits = list(dict.fromkeys(each.toolkit for each in rounds))
    table = Table("script", "content type", *toolkits)
    for project in PROJECTS:
        own = {each.toolkit: each for each in rounds if each.script == project.name}
        for content_type in CONTENT_TYPES:
            table.add_row(project.name, content_type, *(own[toolkit].cell(content_type) for toolkit in toolkits))
    console.print(table)


def _verdict(rounds: Sequence[Round], console: Console) -> int:
    """Say which differences there are without a reason, and which reasons are without a difference."""
    wrong = [(each, one) for each in rounds for one in each.judgements if one.outcome == "DIFFERENT"]
    for each, one in wrong:
        console.print(f"{each.script} in {each.image}, {each.server}: {one}", soft_wrap=True, markup=False)
    found = {one.known for each in rounds for one in each.judgements if one.outcome == "known"}
    judged = {each.server for each in rounds}
    gone = [known for known in known_differences() if known not in found and known.server in judged]
    for known in gone:
        console.print(f"docs/serving.md names a difference that is none: {known}", soft_wrap=True, markup=False)
    return 1 if wrong or gone else 0


if __name__ == "__main__":
    sys.exit(main())
