"""The sections of `make test-full` have all tests that `make test` leaves out."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_test_that_is_left_out_is_in_a_section() -> None:
    left_out = {path for path in (ROOT / "tests" / "e2e").rglob("test_*.py") if "pytest.mark.full" in path.read_text(encoding="utf-8")}
    words = (ROOT / ".ci" / "section").read_text(encoding="utf-8").partition("sections='")[2].partition("'")[0].split()
    named = [ROOT / word for word in words if "/" in word]
    assert [path for path in named if not path.exists()] == []
    assert {path for path in left_out if not any(path.is_relative_to(one) for one in named)} == set()
    assert len(left_out) > 10
