"""The decision records: one form, numbered without a gap, each in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = sorted((DOCS / "adr").glob("*.md"))


def test_they_are_numbered_without_a_gap() -> None:
    assert [path.name[:5] for path in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_they_have_one_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}: \S.*\n\nStatus: accepted\b", text)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[:2] == ["Context", "Decision"]
    assert not re.search(r"^## .*\n+(## |\Z)", text, re.MULTILINE), "a section is empty"
    assert f"adr/{path.name}" in (DOCS / "index.md").read_text(encoding="utf-8")
