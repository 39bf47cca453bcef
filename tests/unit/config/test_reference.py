"""The reference is the schema, and is fresh."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.config import reference
from bdc.config.schema import fields, named_fields


def test_the_page_in_the_repository_is_fresh() -> None:
    assert reference.main(["--check"]) == 0, "python -m bdc.config.reference"


def test_every_field_is_described_and_listed() -> None:
    page = reference.page()
    assert all(field.description for field in fields().values())
    assert page.count("\n| `") == len(fields()) + len(named_fields())
    assert "| `replicas` | integer, 1 to 9 |  | `1` | `3` |" in page


def test_fields_that_can_not_change_say_so() -> None:
    lines = {line.split("`")[1]: line for line in reference.page().splitlines() if line.startswith("| `")}
    assert "**Can't change in place.**" in lines["datanode_volume"]
    assert "**Can be raised, not lowered.**" in lines["datanodes"]
    assert "**" not in lines["block_size"]


def test_a_stale_page_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "docs" / "configuration.md")
    assert reference.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
