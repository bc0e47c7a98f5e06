"""The result of a test as JUnit's XML, which CodeBuild and every other CI system shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from model_road.errors import UsageError


@dataclass(frozen=True)
class Result:
    """How a check ended.

    Attributes
    ----------
    detail : str
        What was found, in a sentence.
    passed : bool
    """

    name: str
    passed: bool
    detail: str
    seconds: float


def document(suite: str, results: Sequence[Result]) -> bytes:
    """Make a report."""
    failures = sum(not result.passed for result in results)
    total = sum(result.seconds for result in results)
    root = ElementTree.Element("testsuites")
    element = ElementTree.SubElement(root, "testsuite", name=suite, time=f"{total:.3f}", errors="0")
    element.set("tests", str(len(results)))
    element.set("failures", str(failures))
    for result in results:
        case = ElementTree.SubElement(
            element, "testcase", classname=suite, name=result.name, time=f"{result.seconds:.3f}"
        )
        if not result.passed:
            ElementTree.SubElement(case, "failure", message=result.detail)
        ElementTree.SubElement(case, "system-out").text = result.detail
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def write(path: Path, suite: str, results: Sequence[Result]) -> None:
    """Write a report.

    Raises
    ------
    UsageError
        When the file cannot be written.
    """
    try:
        path.write_bytes(document(suite, results))
    except OSError as error:
        raise UsageError(f"the report {path} cannot be written: {error.strerror}") from error
