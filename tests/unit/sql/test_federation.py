from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from bdc.errors import BdcError, UnhealthyError
from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc.sql.errors import QueryError
from bdc.sql.federation import Federation, converter
from tests.unit.sql.fake_trino import FakeTrino, Script, of, signature

BIGINT = signature("bigint")


@pytest.fixture
def federation(reached_trino: EndpointConnection, access: Credentials) -> Iterator[Federation]:
    with Federation(reached_trino, access, "lake", "demo") as session:
        yield session


def test_rows_come_page_by_page(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["SELECT n"] = Script([("n", "bigint", BIGINT)], [[[1], [2]], [], [[3]]])
    result = federation.query("SELECT n")
    assert [(column.name, column.type) for column in result.columns] == [("n", "bigint")]
    assert list(result.rows) == [(1,), (2,), (3,)]
    assert trino.sent["X-Trino-Catalog"] == "lake"
    assert trino.sent["X-Trino-Schema"] == "demo"
    assert trino.sent["X-Trino-Source"] == "bdc"


def test_a_result_without_rows_has_its_columns(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["SELECT none"] = Script([("n", "bigint", BIGINT)], [[]])
    result = federation.query("SELECT none")
    assert [column.name for column in result.columns] == ["n"]
    assert list(result.rows) == []


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        (signature("decimal"), "12345678901234567890.0123456789", Decimal("12345678901234567890.0123456789")),
        (BIGINT, 9223372036854775807, 9223372036854775807),
        (signature("double"), 0.1, 0.1),
        (signature("double"), "Infinity", float("inf")),
        (signature("timestamp"), "2026-01-02 03:04:05.123456789", "2026-01-02 03:04:05.123456789"),
        (signature("varbinary"), base64.b64encode(b"\x00\xff").decode(), b"\x00\xff"),
        (signature("varchar"), None, None),
        (signature("array", of(signature("decimal"))), ["1.10", None], [Decimal("1.10"), None]),
        (signature("map", of(BIGINT), of(signature("double"))), {"7": 1.5}, {"7": 1.5}),
        (
            signature("row", of({"fieldName": {"name": "a"}, "typeSignature": BIGINT}), of({"typeSignature": signature("decimal")})),
            [1, "2.50"],
            {"a": 1, "field1": Decimal("2.50")},
        ),
    ],
)
def test_values_are_exact(kind: dict[str, object], sent: object, value: object) -> None:
    found = converter(kind)(sent)
    assert found == value
    assert type(found) is type(value)


def test_commands_say_what_they_did(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["INSERT"] = Script([("rows", "bigint", BIGINT)], [[[5]]], update="INSERT", count=5)
    trino.scripts["CREATE"] = Script(update="CREATE TABLE", pages=[[]])
    inserted, created = federation.query("INSERT"), federation.query("CREATE")
    assert (inserted.command, inserted.affected, inserted.columns) == ("INSERT", 5, [])
    assert (created.command, created.affected) == ("CREATE TABLE", None)


def test_use_stays(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["USE tpch.tiny"] = Script(update="USE", pages=[[]], headers={"X-Trino-Set-Catalog": "tpch", "X-Trino-Set-Schema": "tiny"})
    federation.query("USE tpch.tiny")
    assert federation.schema == "tpch.tiny"
    federation.query("USE tpch.tiny")
    assert trino.sent["X-Trino-Schema"] == "tiny"


def test_errors_have_name_and_place(federation: Federation, trino: FakeTrino) -> None:
    error = {
        "message": "line 2:8: Column 'x' cannot be resolved",
        "errorName": "COLUMN_NOT_FOUND",
        "errorType": "USER_ERROR",
        "errorLocation": {"lineNumber": 2, "columnNumber": 8},
    }
    trino.scripts["SELECT x"] = Script(error=error)
    with pytest.raises(QueryError) as caught:
        federation.query("SELECT x")
    assert caught.value.message == "line 2, column 8: Column 'x' cannot be resolved (COLUMN_NOT_FOUND)"
    assert caught.value.place == (2, 8)


def test_an_error_of_another_system_has_its_words(federation: Federation, trino: FakeTrino) -> None:
    bucket = {"type": "S", "message": "The specified bucket does not exist. (Service: S3, Status Code: 404) (SDK Attempt Count: 1)"}
    listed = {"type": "T", "message": "Failed to list location: s3://a", "cause": {"type": "U", "message": None, "cause": bucket}}
    error = {"errorName": "HIVE_FILESYSTEM_ERROR", "errorType": "EXTERNAL", "message": listed["message"], "failureInfo": listed}
    trino.scripts["SELECT n"] = Script(error=error)
    said = r"Failed to list location: s3://a: The specified bucket does not exist\. \(HIVE"
    with pytest.raises(QueryError, match=said):
        federation.query("SELECT n")
    trino.scripts["SELECT n"] = Script(error={**error, "failureInfo": {"type": "T", "message": listed["message"]}})
    with pytest.raises(QueryError, match=r"Failed to list location: s3://a \(HIVE"):
        federation.query("SELECT n")


def test_an_error_after_rows_is_raised_there(federation: Federation, trino: FakeTrino) -> None:
    error = {"message": "Division by zero", "errorName": "DIVISION_BY_ZERO", "errorType": "USER_ERROR"}
    trino.scripts["SELECT n"] = Script([("n", "bigint", BIGINT)], [[[1]], [[2]]], error=error)
    rows = federation.query("SELECT n").rows
    assert next(rows) == (1,)  # the client is a page ahead: the last page before an error is not seen
    with pytest.raises(QueryError, match="Division by zero"):
        next(rows)


def test_statements_may_run_while_rows_of_another_are_read(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["SELECT n"] = Script([("n", "bigint", BIGINT)], [[[1]], [[2]], [[3]]])
    trino.scripts["DROP TABLE t"] = Script(update="DROP TABLE", pages=[[]])
    seen = [(row, federation.query("DROP TABLE t").command) for row in federation.query("SELECT n").rows]
    assert seen == [((number,), "DROP TABLE") for number in (1, 2, 3)]


def test_leaving_rows_unread_cancels(federation: Federation, trino: FakeTrino) -> None:
    trino.scripts["SELECT n"] = Script([("n", "bigint", BIGINT)], [[[1]], [[2]], [[3]]])
    result = federation.query("SELECT n")
    assert next(result.rows) == (1,)
    assert trino.cancelled == []
    del result
    assert trino.cancelled == ["q1"]


def test_a_wrong_password_is_said_and_not_shown(reached_trino: EndpointConnection, access: Credentials) -> None:
    with Federation(reached_trino, replace(access, password=SecretStr("wr0ng"))) as session:
        with pytest.raises(BdcError, match="does not accept the user name or the password") as caught:
            session.query("SELECT 1")
        assert "wr0ng" not in str(caught.value)


def test_a_starting_trino(federation: Federation, trino: FakeTrino) -> None:
    error = {"message": "Trino server is still initializing", "errorName": "SERVER_STARTING_UP", "errorType": "INTERNAL_ERROR"}
    trino.scripts["SELECT 1"] = Script(error=error)
    with pytest.raises(UnhealthyError, match="still starting"):
        federation.query("SELECT 1")


def test_another_name_is_refused(reached_trino: EndpointConnection, access: Credentials, trino: FakeTrino) -> None:
    with (
        Federation(replace(reached_trino, server_name="elsewhere"), access) as session,
        pytest.raises(BdcError, match="isn't the cluster's"),
    ):
        session.query("SELECT 1")
    assert trino.seen == []


def test_nobody_there(reached_trino: EndpointConnection, access: Credentials) -> None:
    with Federation(replace(reached_trino, port=1), access) as session, pytest.raises(UnhealthyError, match="connection refused"):
        session.query("SELECT 1")
