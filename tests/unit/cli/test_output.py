"""Tables, documents, questions."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
import rich.cells
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bdc.cli.cells import cell_len
from bdc.cli.output import Format, Output, _aligned, _folded, confirm, error
from bdc.errors import UsageError

ROWS = [{"name": "é[b]x[/b]", "count": 3, "ready": True, "note": None}, {"name": "y" * 300, "count": 10, "ready": False, "note": "n"}]


def test_tables_are_plain_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    Output().emit(ROWS, columns={"name": "NAME", "ready": "READY", "note": "NOTE"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "READY", "NOTE"]
    assert lines[1].split() == ["é[b]x[/b]", "true", "-"]
    assert lines[2] == "y" * 300 + "  false  n"
    assert lines[1].index("true") == lines[2].index("false")


CELLS = st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=2, max_size=2), min_size=1, max_size=4)


@given(CELLS, st.lists(st.text("aé漢 ", max_size=6), min_size=2, max_size=2) | st.just([]))
def test_a_table_looks_the_same_without_rich(rows: list[list[str]], titles: list[str]) -> None:
    plain = _aligned(rows, titles)
    assert plain is None or plain == _folded(rows, titles)
    assert plain is not None or not all(cell.isprintable() for row in rows for cell in row)


def test_usual_characters_take_one_cell() -> None:
    usual = [chr(code) for code in range(0x300) if chr(code).isprintable()]
    assert {rich.cells.cell_len(one) for one in usual} == {1}
    assert [cell_len(text) for text in ("", "é·b", "漢字", "e\u0301")] == [0, 3, 4, 1]


@pytest.mark.parametrize(("columns", "lines"), [("10", ["aaa  bbbbb"]), ("9", ["aaa  bbbb", "     b"])])
def test_a_terminal_has_bold_titles_and_folds_what_is_too_wide(
    columns: str, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    Output().emit([{"one": "aaa", "two": "bbbbb"}])
    title, *shown = capsys.readouterr().out.splitlines()
    assert shown == lines
    assert title.startswith("\x1b[1mone")
    assert re.sub("\x1b\\[[0-9]*m", "", title).split() == ["one", "two"]


def test_mappings_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    Output().emit({"a": 1, "long": "x"})
    Output().emit({"a": 1}, text="hello")
    Output().emit([])
    assert capsys.readouterr().out == "a     1\nlong  x\nhello\n"


@pytest.mark.parametrize("form", [Format.json, Format.yaml])
def test_documents_hold_the_data_and_nothing_else(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(form)
    out.progress("working")
    out.emit(ROWS, columns={"name": "NAME"}, text="text")
    captured = capsys.readouterr()
    assert (json.loads if form is Format.json else yaml.safe_load)(captured.out) == ROWS
    assert captured.err == "working\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Output(quiet=True).progress("working")
    assert capsys.readouterr().err == ""


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    error("what")
    error("what", "do\nthis")
    assert capsys.readouterr().err == "error: what\nerror: what\nhint:  do\n       this\n"


def test_confirm_without_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert confirm("Delete?", yes=True, no_input=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="Delete\\? Nobody is there to answer"):
        confirm("Delete?", yes=False, no_input=False)


@pytest.mark.parametrize(("answer", "expected"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False), ("", False)])
def test_confirm_on_a_terminal(answer: str, expected: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    assert confirm("Delete?", yes=False, no_input=False) is expected
    assert capsys.readouterr().err == "Delete? [y/N] "
    with pytest.raises(UsageError):
        confirm("Delete?", yes=False, no_input=True)
