"""Every command that the documentation shows is one that bdc has, with options that it has; the quickstart is examples/flights/run.sh."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_group

from bdc.cli.main import app

CHECKOUT = Path(__file__).parents[2]
PAGES = [
    CHECKOUT / "README.md",
    *(path for path in sorted((CHECKOUT / "docs").rglob("*.md")) if path.parent.name != "adr" and path.name != "cli.md"),
    *sorted((CHECKOUT / "examples").glob("*/README.md")),
]
"""All but the decisions, which tell of the past, and the generated list of commands."""
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```|^((?: {4}[^\n]*\n|\n(?= {4}))+)", re.MULTILINE | re.DOTALL)
_START = re.compile(r"(?:^|(?<=\$\()|(?<=&& )|(?<=\| )|(?<=sudo )|(?<=\$ ))bdc(?= |$)", re.MULTILINE)
_SPAN = re.compile(r"`(bdc(?: [^`]*)?)`")
_END = re.compile(r"\s+(?:&&|\|\||[|<>#;])(?=\s|$)|[)]\"?(?=\s|$)|\s*$")


@dataclass(frozen=True)
class Command:
    """A command line of the documentation; `whole`: it is in a block, so it is complete."""

    page: str
    text: str
    whole: bool

    @property
    def arguments(self) -> list[str]:
        return [word for word in shlex.split(self.text.split("#")[0])[1:] if word not in {"...", "…"}]


def commands() -> Iterator[Command]:
    for page in PAGES:
        text, name = page.read_text(), str(page.relative_to(CHECKOUT))
        for block in _BLOCK.finditer(text):
            for line in (block[1] or block[2]).splitlines():
                for found in _START.finditer(line.strip()):
                    rest = line.strip()[found.start() :]
                    end = _END.search(rest)
                    yield Command(name, rest[: end.start() if end else None], whole=True)
        for span in _SPAN.finditer(_BLOCK.sub("", text)):
            yield Command(name, span[1], whole=False)


ALL = sorted(set(commands()), key=lambda one: (one.page, one.text))


def parse(arguments: list[str]) -> None:
    """Parse as bdc would, and run nothing. Raises typer.TyperException; typer.Exit when help is asked for."""
    command: Any = get_group(app)
    parent = None
    name, rest = "bdc", arguments
    while True:
        context = command.make_context(name, list(rest), parent=parent)
        if not hasattr(command, "resolve_command"):
            return
        left = [*context._protected_args, *context.args]
        if not left:
            return
        name, command, rest = command.resolve_command(context, left)
        parent = context


def mistake(one: Command) -> str | None:
    """What bdc would say against it; what is named in a sentence may leave its arguments out."""
    try:
        parse(one.arguments)
    except typer.Exit:
        return None
    except typer.TyperException as error:
        said = error.format_message()
        return None if not one.whole and said.lower().startswith("missing ") else said
    return None


def test_they_were_found() -> None:
    assert len({one.page for one in ALL}) >= 6
    assert Command("docs/quickstart.md", "bdc endpoints master --uri", whole=True) in ALL
    assert len(ALL) > 45


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.page}: {one.text}")
def test_a_command_is_one_of_bdc(one: Command) -> None:
    assert mistake(one) is None


@pytest.mark.parametrize("wrong", ["bdc start", "bdc node begin", "bdc plan --fast", "bdc hdfs ls --nothing /", "bdc up -o xml"])
def test_a_wrong_one_would_be_noticed(wrong: str) -> None:
    assert mistake(Command("", wrong, whole=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_headings_are_headings(page: Path) -> None:
    """Not bold words at the beginning of a paragraph, to which nothing can link."""
    assert not re.findall(r"^\*\*[^*]+[.:]?\*\*", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_quickstart_is_the_example() -> None:
    page = (CHECKOUT / "docs" / "quickstart.md").read_text()
    shown = next(block[2] for block in _BLOCK.finditer(page) if block[2] and "# 1." in block[2])
    script = (CHECKOUT / "examples" / "flights" / "run.sh").read_text()
    run = script[script.index("# 1.") :]
    for variable, instead in (('"$data"', "FOLDER"), ("$data/", ""), ("$here/", ""), ("$work/", ""), ('"$python"', "python")):
        run = run.replace(variable, instead)
    run = re.sub(r'"([\w./]+)"', r"\1", run)
    assert [line.strip() for line in shown.splitlines() if line.strip()] == [line.strip() for line in run.splitlines() if line.strip()]
