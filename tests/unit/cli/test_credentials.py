"""`bdc credentials rotate`: what it asks, what it passes on, what it prints."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from bdc.access.credentials.rotate import Rotated
from tests.unit.cli.conftest import Bdc


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str | None]]:
    """What a rotation was asked for."""
    made: list[tuple[list[str], str | None]] = []

    def rotate(_config: object, _substrate: object, _report: object, kinds: list[Any], *, password: str | None) -> Rotated:
        made.append((kinds, password))
        return Rotated(tuple(kinds), ("httpfs", "spark-history"))

    monkeypatch.setattr("bdc.lifecycle.rotate", rotate)
    monkeypatch.setattr("bdc.cli.lifecycle.substrate_of", lambda _: None)
    return made


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ((), ["password", "token"]),
        (("--token",), ["token"]),
        (("--ca", "--internal"), ["internal", "ca"]),
        (("--all",), ["password", "token", "internal", "certificates"]),
        (("--all", "--ca"), ["password", "token", "internal", "certificates", "ca"]),
    ],
)
def test_what_is_rotated(bdc: Bdc, asked: list[Any], options: tuple[str, ...], kinds: list[str]) -> None:
    done = bdc("credentials", "rotate", "--yes", *options)
    assert done.code == 0
    assert asked == [(kinds, None)]


def test_what_is_printed(bdc: Bdc, asked: list[Any]) -> None:
    done = bdc("credentials", "rotate", "--yes")
    assert done.out == "rotated the user's password and Spark Connect's token; restarted httpfs and spark-history\n"
    assert "bdc credentials show" in done.err
    assert json.loads(bdc("credentials", "rotate", "--yes", "--password", "-o", "json").out) == {
        "rotated": ["password"],
        "restarted": ["httpfs", "spark-history"],
    }
    assert "bdc credentials ca FILE" in bdc("credentials", "rotate", "--yes", "--ca").err


def test_nobody_there_to_ask(bdc: Bdc, asked: list[Any]) -> None:
    done = bdc("credentials", "rotate", "--all", "--no-input")
    assert done.code == 2
    assert "master, metastore, trino-coordinator, reconciler, sql-gateway, spark-history and spark-connect restart" in done.err.replace(
        "httpfs, ", ""
    )
    assert "Trino's queries end. Spark Connect's sessions end." in done.err
    assert asked == []


def test_a_no_changes_nothing(bdc: Bdc, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = io.StringIO("n\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)
    done = bdc("credentials", "rotate")
    assert done.code == 1
    assert "httpfs, reconciler, spark-history and spark-connect restart" in done.err
    assert asked == []


def test_a_given_password(bdc: Bdc, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct-horse-battery\n"))
    done = bdc("credentials", "rotate", "--password-stdin", "--yes")
    assert asked == [(["password"], "correct-horse-battery")]
    assert "correct-horse" not in done.out + done.err


def test_a_password_that_can_not_be(bdc: Bdc, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    done = bdc("credentials", "rotate", "--password-stdin", "--yes")
    assert (done.code, asked) == (2, [])
    assert "12 to 128 characters" in done.err


def test_without_a_kubernetes(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def access(self) -> None:
            return None

    monkeypatch.setattr("bdc.cli.lifecycle.substrate_of", lambda _: Nothing())
    done = bdc("credentials", "rotate", "--yes")
    assert done.code == 3
    assert "bdc up" in done.err
