"""The reference of the commands is fresh."""

from __future__ import annotations

from bdc.cli import reference


def test_the_page_in_the_repository_is_fresh() -> None:
    assert reference.main(["--check"]) == 0, "python -m bdc.cli.reference"
