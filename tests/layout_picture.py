"""The picture of the packages in CONTRIBUTING.md, drawn from what the code imports.

``python -m tests.layout_picture`` writes it between the two markers; `tests/test_layout_picture.py` fails when what
stands there is not what the code says.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.test_layout import FLOORS, ROOT, imports

PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- layout -->", "<!-- /layout -->"
TOP = ("pipelines", "deploy", "serving", "training", "model_road", "localaws")

Graph = Mapping[str, set[str]]


def between_packages() -> dict[str, set[str]]:
    """Return what each top package imports of the others."""
    return {package: _imported(ROOT / package, "") & set(TOP) - {package} for package in TOP}


def inside_local_aws() -> dict[str, set[str]]:
    """Return what each package or module of localaws imports of the others."""
    names = [name for floor in FLOORS for name in floor]
    return {name: _imported(ROOT / "localaws" / name, "localaws.") & set(names) - {name} for name in names}


def reduced(graph: Graph) -> dict[str, set[str]]:
    """Return a graph without the arrows that a longer way makes superfluous: its transitive reduction.

    Raises
    ------
    ValueError
        The graph has a circle.
    """
    return {name: others - {far for near in others for far in _reached(graph, near)} for name, others in graph.items()}


def picture() -> str:
    """Return what stands between the markers: a diagram of the top packages, and one of localaws."""
    top = [f"    {package}[{package}/]" for package in TOP]
    floors = []
    for number, floor in reversed(list(enumerate(FLOORS, start=1))):
        floors += [f'    subgraph floor{number}["{number}"]', *(f"        {name}" for name in floor), "    end"]
    heading = "What the packages inside of `localaws/` import, by floor:"
    return "\n\n".join([_diagram(top, between_packages()), heading, _diagram(floors, inside_local_aws())])


def written(page: str) -> str:
    """Return the page with the picture that the code makes."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


def _imported(path: Path, prefix: str) -> set[str]:
    """Return the first part of each name, after the prefix, that the files of a package, or a module, import."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    names = {name for file in files for name in imports(file) if name.startswith(prefix)}
    return {name.removeprefix(prefix).partition(".")[0] for name in names}


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name == start:
            raise ValueError(f"{start} imports itself by way of others")
        if name not in seen:
            seen.add(name)
            ahead += graph[name]
    return seen


def _diagram(nodes: list[str], graph: Graph) -> str:
    arrows = [f"    {name} --> {other}" for name, others in reduced(graph).items() for other in sorted(others)]
    return "\n".join(["```mermaid", "flowchart TB", *nodes, *arrows, "```"])


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
