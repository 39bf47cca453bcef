"""Spark's session: our side against a script of answers, and both sides' idea of values against each other."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bdc.errors import UnhealthyError
from bdc.kube.attach import STDERR, STDOUT
from bdc.sql import Column, QueryError
from bdc.sql.spark import Spark, converter

SESSION = Path(__file__).parents[3] / "manifests" / "spark" / "session.py"
NUMBER = ["n", "int", "integer"]


class Attachment:
    """Answers to each statement from a table, cut into pieces; `cancel` ends the one that runs."""

    def __init__(self, answers: dict[str, list[Any]], *, ready: list[Any] | None = None) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self.output: list[tuple[int, bytes] | BaseException | None] = []
        self._say(ready if ready is not None else [{"ready": "default"}])

    def _say(self, answers: Iterable[Any]) -> None:
        for answer in answers:
            if isinstance(answer, dict):
                line = json.dumps(answer).encode() + b"\n"
                self.output += [(STDOUT, line[:7]), (STDOUT, line[7:])]
            else:
                self.output.append(answer)

    def send(self, data: bytes) -> None:
        request = json.loads(data)
        self.requests.append(request)
        if "cancel" in request:
            self._say([{"error": "[OPERATION_CANCELED] x", "condition": "OPERATION_CANCELED"}])
        elif "end" in request:
            self.output.append(None)
        else:
            self._say(self.answers[request["sql"]])

    def read(self, timeout_seconds: float | None = None) -> tuple[int, bytes] | None:
        if not self.output:
            raise TimeoutError
        found = self.output.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


def session(answers: dict[str, list[Any]], database: str | None = None) -> tuple[Spark, Attachment]:
    attachment = Attachment(answers)
    return Spark(attachment, database), attachment  # type: ignore[arg-type]


def test_rows_and_the_database() -> None:
    answers = {
        "SELECT": [{"columns": [NUMBER]}, {"rows": [[1], [2]]}, {"rows": [[None]]}, {"done": "default"}],
        "USE `de``mo`": [{"columns": []}, {"done": "de`mo"}],
    }
    spark, attachment = session(answers, "de`mo")
    assert spark.schema == "de`mo"
    result = spark.query("SELECT")
    assert result.columns == [Column("n", "int")]
    assert list(result.rows) == [(1,), (2,), (None,)]
    spark.close()
    assert attachment.requests[-1] == {"end": True}


def test_a_statement_without_a_result_is_over_when_it_returns() -> None:
    spark, attachment = session({"create\n table t": [{"columns": []}, {"done": "default"}]})
    result = spark.query("create\n table t")
    assert (result.columns, result.command, list(result.rows)) == ([], "CREATE", [])
    assert not attachment.output


@pytest.mark.parametrize(
    ("message", "condition", "text", "place"),
    [
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table `x` cannot be found.\nVerify it. SQLSTATE: 42P01; line 1 pos 14;\n'Project [*]\n+- 'Unres",
            "TABLE_OR_VIEW_NOT_FOUND",
            "The table `x` cannot be found.\nVerify it.",
            (1, 15),
        ),
        (
            "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'. SQLSTATE: 42601 (line 2, pos 0)\n\n== SQL ==\nSELEC 1\n^^^\n",
            "PARSE_SYNTAX_ERROR",
            "Syntax error at or near 'SELEC'.",
            (2, 1),
        ),
        (
            "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== SQL (line 1, position 8) ==",
            "DIVIDE_BY_ZERO",
            "Division by zero.",
            None,
        ),
        ("something else", None, "something else", None),
        ("read only\n\nDriver stacktrace:\nJVM stacktrace:\njava.lang.X\n\tat a.b(C.java:1)", None, "read only", None),
        (
            "Job aborted: x.Y: no\n\tat a.C.$anonfun$d$2$adapted(E.scala:1)\n\tat f/g.h(Unknown)\nCaused by: i.J: full\n\t... 3 more",
            None,
            "Job aborted: x.Y: no\nCaused by: i.J: full",
            None,
        ),
        (
            'PythonException: Traceback:\n  File "x", line 3\nValueError: at least (1)',
            None,
            'PythonException: Traceback:\n  File "x", line 3\nValueError: at least (1)',
            None,
        ),
    ],
)
def test_errors_without_their_plans(message: str, condition: str | None, text: str, place: tuple[int, int] | None) -> None:
    spark, _ = session({"SELECT": [{"error": message, "condition": condition, "sqlstate": None}]})
    with pytest.raises(QueryError) as raised:
        spark.query("SELECT")
    assert (raised.value.text, raised.value.code, raised.value.place) == (text, condition, place)


def test_an_error_between_rows() -> None:
    spark, _ = session({"SELECT": [{"columns": [NUMBER]}, {"rows": [[1]]}, {"error": "[X] lost", "condition": "X"}]})
    rows = spark.query("SELECT").rows
    assert next(rows) == (1,)
    with pytest.raises(QueryError, match="lost"):
        next(rows)


def test_an_interruption_cancels_and_the_session_goes_on() -> None:
    answers = {
        "SELECT": [KeyboardInterrupt(), {"columns": [NUMBER]}, {"rows": [[1]]}],
        "NEXT": [{"columns": [NUMBER]}, {"rows": [[2]]}, {"done": "default"}],
    }
    spark, attachment = session(answers)
    with pytest.raises(KeyboardInterrupt):
        spark.query("SELECT")
    assert attachment.requests[-1] == {"cancel": True}
    assert list(spark.query("NEXT").rows) == [(2,)]


def test_rows_that_nobody_reads_are_cancelled() -> None:
    answers = {
        "SELECT": [{"columns": [NUMBER]}, {"rows": [[1], [2]]}],
        "NEXT": [{"columns": [NUMBER]}, {"done": "default"}],
    }
    spark, attachment = session(answers)
    result = spark.query("SELECT")
    assert next(result.rows) == (1,)
    result.close()
    assert attachment.requests[-1] == {"cancel": True}
    assert list(spark.query("NEXT").rows) == []


def test_a_session_that_ends_says_its_last_word() -> None:
    with pytest.raises(UnhealthyError, match="ended: no more memory"):
        Spark(Attachment({}, ready=[(STDERR, b"warning\nno more memory\n"), None]))  # type: ignore[arg-type]


def test_spark_connect_that_is_silent() -> None:
    with pytest.raises(UnhealthyError, match="does not answer within 120 s"):
        Spark(Attachment({}, ready=[]))  # type: ignore[arg-type]


def _other_side() -> dict[str, Any]:
    text = SESSION.read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(compile(text[: text.rindex("sys.exit(")], str(SESSION), "exec"), scope)
    return scope


def test_values_arrive_as_they_were() -> None:
    from pyspark.sql import types as t

    point = t.StructType([t.StructField("x", t.DecimalType(5, 2)), t.StructField("when", t.DateType())])
    cases: list[tuple[t.DataType, Any, Any]] = [
        (t.LongType(), 2**63 - 1, 2**63 - 1),
        (t.DoubleType(), 0.1, 0.1),
        (t.DoubleType(), float("inf"), float("inf")),
        (t.BooleanType(), True, True),
        (t.StringType(), 'ü"\n', 'ü"\n'),
        (t.DecimalType(38, 10), Decimal("1234567890123456789012345678.0123456789"), Decimal("1234567890123456789012345678.0123456789")),
        (t.BinaryType(), bytearray(b"\x00\xff"), b"\x00\xff"),
        (t.ArrayType(t.DecimalType(3, 1)), [Decimal("1.5"), None], [Decimal("1.5"), None]),
        (t.MapType(t.IntegerType(), t.StringType()), {1: "a", 2: None}, {"1": "a", "2": None}),
        (point, (Decimal("1.50"), datetime.date(2013, 7, 4)), {"x": Decimal("1.50"), "when": "2013-07-04"}),
    ]
    encoder = _other_side()["encoder"]
    for kind, value, expected in cases:
        sent = json.loads(json.dumps(encoder(kind)(value)))
        assert converter(kind.jsonValue())(sent) == expected
        assert converter(kind.jsonValue())(None) is None
    assert encoder(t.TimestampType()) is None
    assert encoder(t.DateType()) is None
