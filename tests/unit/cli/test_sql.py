from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.cli.sql.printer import Printer
from bdc.cli.sql.render import chart, render
from bdc.cli.sql.shell import Shell
from bdc.cli.sql_options import SqlFormat
from bdc.errors import BdcError
from bdc.sql import Column, Dialect, Engine, QueryError, Result, Row, Statement
from bdc.sql.statements import text_of
from tests.unit.cli.conftest import Bdc

ROWS: list[Row] = [
    ("ann", Decimal("12345678901234567890.10"), None),
    ('q"t, x', -5, b"\x00\xff"),
    ("", 0.1, [1, None, Decimal("1.50")]),
    ("a\nb", float("nan"), {"k": "ü"}),
]
COLUMNS = [Column("name", "varchar"), Column("n", "decimal(38,2)"), Column("x", "varchar")]


class Session:
    """Answers from a table; a statement that isn't in it fails as engines do."""

    schema = "lake.demo"

    def __init__(self) -> None:
        self.results: dict[str, Callable[[], Result]] = {
            "SELECT rows": lambda: Result(COLUMNS, iter(ROWS)),
            "SELECT none": lambda: Result(COLUMNS),
            "SELECT pair": lambda: Result(COLUMNS[:2], iter([("a", 3), ("b", -1)])),
            "CREATE": lambda: Result([], command="CREATE TABLE"),
            "INSERT": lambda: Result([], command="INSERT", affected=1234),
        }
        self.seen: list[str] = []
        self.options: dict[str, Any] = {}

    def query(self, statement: Statement | str) -> Result:
        sql = text_of(statement)
        self.seen.append(sql)
        if sql == "INTERRUPT":
            raise KeyboardInterrupt
        if sql not in self.results:
            raise QueryError("Column 'x' cannot be resolved", "COLUMN_NOT_FOUND", (1, 8), "look again")
        return self.results[sql]()

    def close(self) -> None:
        return


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    made = Session()

    @contextmanager
    def connect(_kube: object, _config: object, engine: Engine, **options: Any) -> Iterator[Session]:
        made.options = {"engine": engine, **options}
        yield made

    monkeypatch.setattr("bdc.sql.connect", connect)
    monkeypatch.setattr("bdc.cli.settings.Settings.kube", lambda _: None)
    return made


def test_a_table(bdc: Bdc, session: Session) -> None:
    shown = bdc("sql", "query", "SELECT rows;")
    assert shown.out.splitlines() == [
        "name   |                       n | x",
        "-------+-------------------------+----------------",
        "ann    | 12345678901234567890.10 | NULL",
        'q"t, x |                      -5 | \\x00ff',
        "       |                     0.1 | [1, null, 1.50]",
        'a\\nb   |                     nan | {"k": "ü"}',
    ]
    assert shown.err.startswith("(4 rows, ")


def test_json(bdc: Bdc, session: Session) -> None:
    out = bdc("sql", "query", "SELECT rows", "-o", "json").out
    rows = json.loads(out, parse_float=Decimal)
    assert [row["n"] for row in rows] == [Decimal("12345678901234567890.10"), -5, Decimal("0.1"), "NaN"]
    assert [row["x"] for row in rows] == [None, "\\x00ff", [1, None, Decimal("1.50")], {"k": "ü"}]
    assert json.loads(bdc("sql", "query", "SELECT none", "-o", "json").out) == []


def test_csv(bdc: Bdc, session: Session) -> None:
    out = bdc("sql", "query", "SELECT rows", "-o", "csv").out
    assert out.splitlines()[0] == "name,n,x"
    assert out.splitlines()[1] == "ann,12345678901234567890.10,"
    assert out.splitlines()[3].startswith('"",0.1,')
    assert list(csv.reader(io.StringIO(out)))[2] == ['q"t, x', "-5", "\\x00ff"]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.tuples(texts, st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False), st.integers())), max_size=5))
def test_csv_and_json_give_back_what_was_there(rows: list[tuple[str, Decimal | int | None]]) -> None:
    columns = [Column("a", "varchar"), Column("a", "decimal")]
    out = io.StringIO()
    assert render(Result(columns, iter(rows)), SqlFormat.csv, out.write) == len(rows)
    read = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    assert [(text, Decimal(number) if number else None) for text, number in read] == rows
    out = io.StringIO()
    render(Result(columns, iter(rows)), SqlFormat.json, out.write)
    assert [(row["a"], row["a_2"]) for row in json.loads(out.getvalue(), parse_float=Decimal)] == rows


def test_commands_say_what_they_did(bdc: Bdc, session: Session) -> None:
    created, inserted = bdc("sql", "query", "CREATE"), bdc("sql", "query", "INSERT")
    assert created.out == inserted.out == ""
    assert created.err.startswith("(CREATE TABLE, ")
    assert inserted.err.startswith("(INSERT 1,234, ")
    assert json.loads(bdc("sql", "query", "CREATE", "-o", "json").out) == []


def test_errors(bdc: Bdc, session: Session) -> None:
    shown = bdc("sql", "query", "SELECT x")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "error: line 1, column 8: Column 'x' cannot be resolved (COLUMN_NOT_FOUND)\nhint:  look again\n"


def test_stdin_and_one_statement_only(bdc: Bdc, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("-- why\nSELECT none;\n"))
    assert bdc("sql", "query", "-").code == 0
    assert session.seen == ["SELECT none"]
    assert bdc("sql", "query", "CREATE; INSERT").code == 2
    assert bdc("sql", "query", "").code == 2
    assert session.seen == ["SELECT none"]


def test_where_it_runs(bdc: Bdc, session: Session) -> None:
    bdc("sql", "query", "CREATE", "--catalog", "lake", "--schema", "demo")
    assert (session.options["engine"], session.options["catalog"], session.options["schema"]) == (Engine.federation, "lake", "demo")
    bdc("sql", "query", "CREATE", "--engine", "master")
    assert session.options["engine"] is Engine.master
    assert bdc("sql", "query", "CREATE", "--engine", "master", "--catalog", "lake").code == 2
    assert bdc("sql", "query", "CREATE", "--schema", "demo").code == 2


def test_a_file_runs_to_its_first_error(bdc: Bdc, session: Session) -> None:
    Path("etl.sql").write_text("CREATE;\n-- ;\nINSERT;\n\n  SELECT x;\nSELECT none;")
    shown = bdc("sql", "run", "etl.sql")
    assert session.seen == ["CREATE", "INSERT", "SELECT x"]
    assert shown.code == 1
    assert shown.err.splitlines()[-2] == "error: etl.sql:5:8: Column 'x' cannot be resolved (COLUMN_NOT_FOUND)"
    assert bdc("sql", "run", "none.sql").code == 3


def test_a_chart_is_for_terminals(bdc: Bdc, session: Session) -> None:
    shown = bdc("sql", "query", "SELECT pair", "--chart")
    assert "█" not in shown.out
    assert shown.out.splitlines()[2] == "a    |  3"


def test_a_chart() -> None:
    drawn = chart([("a", 4), ("long label", Decimal(-2)), ("none", None), ("zero", 0)], 40)
    assert drawn is not None
    lines = drawn.splitlines()
    zero = lines[0].index("█")
    assert lines[1].index("█") < zero
    assert lines[1].rindex("█") == zero - 1
    assert "█" not in lines[2] + lines[3]
    assert lines[0].count("█") == pytest.approx(2 * lines[1].count("█"), abs=1)
    assert [line.split()[-1] for line in lines] == ["4", "-2", "NULL", "0"]
    assert max(map(len, lines)) <= 40


numbers = st.one_of(st.none(), st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))


@given(st.lists(st.tuples(st.text(max_size=50), numbers), max_size=8), st.integers(60, 200))
def test_charts_fit(rows: list[tuple[str, int | float | None]], width: int) -> None:
    from rich.cells import cell_len

    drawn = chart(rows, width)
    assert drawn is not None
    lines = drawn.splitlines()
    assert len(lines) == len(rows)
    assert all(cell_len(line) <= width for line in lines)


def test_what_is_no_number_is_no_chart() -> None:
    assert chart([("a", "b")], 80) is None
    assert chart([("a", True)], 80) is None


def lines(*typed: str | type[BaseException]) -> Callable[[str], str]:
    left = iter(typed)

    def read(prompt: str, /) -> str:
        line = next(left, EOFError)
        if isinstance(line, str):
            return line
        raise line

    return read


def test_the_shell_gathers_lines(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = lines("SELECT", "  none; CREATE;  INS", "ERT;", "\\timing", "dropped", KeyboardInterrupt, "SELECT none", ";", "CREATE")
    session.results["SELECT\n  none"] = session.results["SELECT\nnone"] = session.results["SELECT none"]
    session.results["INS\nERT"] = session.results["INSERT"]
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert session.seen == ["SELECT\n  none", "CREATE", "INS\nERT", "SELECT none", "CREATE"]
    assert capsys.readouterr().err.endswith("(0 rows)\n(CREATE TABLE)\n")


def test_the_shells_commands(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session.results |= {"SHOW TABLES": session.results["SELECT none"], "DESCRIBE t": session.results["SELECT none"]}
    typed = lines("\\d", "\\d t;", "\\?", "\\x", "\\q", "CREATE;")
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert session.seen == ["SHOW TABLES", "DESCRIBE t"]
    assert "there is no \\x" in capsys.readouterr().err


def test_an_interrupted_statement_leaves_the_shell_running(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = lines("INTERRUPT;", "CREATE;")
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert session.seen == ["INTERRUPT", "CREATE"]
    assert "cancelled" in capsys.readouterr().err


def test_a_shell_without_a_terminal_ends_with_the_first_error(session: Session, tmp_path: Path) -> None:
    typed = lines("SELECT x;", "CREATE;")
    with pytest.raises(BdcError, match="cannot be resolved"):
        Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert session.seen == ["SELECT x"]


@pytest.mark.parametrize("word", ["exit", "quit", "EXIT;", " quit ; "])
def test_words_that_leave_the_shell(session: Session, tmp_path: Path, word: str) -> None:
    typed = lines("CREATE;", word, "INSERT;")
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert session.seen == ["CREATE"]


def test_a_statement_may_have_a_line_that_is_exit(session: Session, tmp_path: Path) -> None:
    session.results["SELECT\nexit"] = session.results["SELECT none"]
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", lines("SELECT", "exit", ";")).run()  # type: ignore[arg-type]
    assert session.seen == ["SELECT\nexit"]


def test_what_is_dropped_by_ctrl_c_is_said(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = lines("SELECT", KeyboardInterrupt, KeyboardInterrupt)
    Shell(session, Engine.federation, Printer(SqlFormat.table), tmp_path / "history", typed).run()  # type: ignore[arg-type]
    assert capsys.readouterr().err == "\ncancelled\n\n"


def test_a_files_name_is_no_statement(bdc: Bdc, session: Session) -> None:
    shown = bdc("sql", "query", "etl/nofile.sql")
    assert (shown.code, session.seen) == (2, [])
    assert shown.err == "error: etl/nofile.sql is the name of a file, and query takes a statement\nhint:  bdc sql run etl/nofile.sql\n"


def test_how_statements_are_read(bdc: Bdc, session: Session) -> None:
    bdc("sql", "query", "CREATE", "--dialect", "tsql")
    assert (session.options["dialect"], session.options["leaning"]) == (Dialect.tsql, False)
    for text, leaning in (("CREATE;\nINSERT", False), ("CREATE\nGO\nINSERT", True), ("CREATE;\nSELECT [rows]", True)):
        Path("etl.sql").write_text(text)
        bdc("sql", "run", "etl.sql")
        assert (session.options["dialect"], session.options["leaning"]) == (Dialect.auto, leaning)
    assert bdc("sql", "query", "CREATE", "--engine", "master", "--dialect", "tsql").code == 2


def test_what_there_is(bdc: Bdc, session: Session) -> None:
    listed = [Column("x", "varchar")]

    def query(statement: Statement | str) -> Result:
        sql = text_of(statement)
        if sql.startswith("DESCRIBE"):
            return Result(listed, iter([("carrier", "varchar", "", None)]))
        rows: list[Row] = [("lake", "demo", "flights", "TABLE")] if "jdbc.tables" in sql else [("lake", "demo")]
        return Result(listed, iter(rows))

    session.query = query  # type: ignore[method-assign]
    assert bdc("sql", "databases").out.split() == ["CATALOG", "NAME", "TABLES", "lake", "demo", "1"]
    assert json.loads(bdc("sql", "tables", "demo", "-o", "json").out) == [
        {"catalog": "lake", "database": "demo", "name": "flights", "type": "table"}
    ]
    assert bdc("sql", "describe", "demo.flights", "-o", "yaml").out == "- column: carrier\n  type: varchar\n  comment: ''\n"
    assert bdc("sql", "describe", "demo.flights").out.split() == ["COLUMN", "TYPE", "carrier", "varchar"]
    assert bdc("sql", "tables", "tpch.tiny").code == 3
    assert bdc("sql", "describe", "a..b").code == 2
