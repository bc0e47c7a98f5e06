"""JUnit's XML, read as CodeBuild reads it. Pure functions."""

from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree

from localaws.document import Document

_NANOSECONDS = 1_000_000_000
_STATUSES = {"failure": "FAILED", "error": "ERROR", "skipped": "SKIPPED"}


def test_cases(text: bytes, path: str) -> list[Document]:
    """Return the test cases of a file.

    Parameters
    ----------
    text : bytes
    path : str
        The path of the file, for ``testRawDataPath``.

    Raises
    ------
    ValueError
        If the file is not XML.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - the build's own file, and a build may run anything here
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} is not XML: {error}") from error
    return [_case(suite, case, path) for suite, case in _walk(root, "")]


def summary(cases: list[Document]) -> Document:
    """Return the ``TestReportSummary`` of test cases."""
    counts = Counter(case["status"] for case in cases)
    names = ("SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN")
    return {
        "total": len(cases),
        "statusCounts": {name: counts[name] for name in names},
        "durationInNanoSeconds": sum(case["durationInNanoSeconds"] for case in cases),
    }


def _walk(element: ElementTree.Element, suite: str) -> Iterator[tuple[str, ElementTree.Element]]:
    if element.tag == "testsuite":
        suite = element.get("name", suite)
    for child in element:
        if child.tag == "testcase":
            yield suite, child
        elif child.tag in ("testsuite", "testsuites"):
            yield from _walk(child, suite)


def _case(suite: str, case: ElementTree.Element, path: str) -> Document:
    outcome = next((child for child in case if child.tag in _STATUSES), None)
    message = "" if outcome is None else outcome.get("message") or (outcome.text or "").strip()
    return {
        "testRawDataPath": path,
        "testSuiteName": suite,
        "prefix": case.get("classname", ""),
        "name": case.get("name", ""),
        "status": "SUCCEEDED" if outcome is None else _STATUSES[outcome.tag],
        "durationInNanoSeconds": round(float(case.get("time") or 0) * _NANOSECONDS),
        "message": message,
    }
