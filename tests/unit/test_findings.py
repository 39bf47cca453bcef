"""Findings aren't run by CI; their form is checked here."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def test_the_index_names_each_script_once() -> None:
    named = re.findall(r"^\| \[([\w-]+)\]\(\1\.sh\)", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert named == [script.stem for script in SCRIPTS]
    assert len(named) >= 6


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_cleans_up_and_installs_what_it_names(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "there=$(mktemp -d)\n" in text
    assert re.search(r"""^trap '.*rm -rf "\$there"' EXIT$""", text, re.MULTILINE)
    for line in re.findall(r"pip\" install (.*)", text):
        packages = [word for word in line.split() if not word.startswith("-")]
        assert packages
        assert all(re.fullmatch(r"[\w.-]+==[\d.]+", package) for package in packages), line
    for part in ("# One would guess:", "# What happens:", "# Why it matters:", "# Needs:"):
        assert f"\n{part}" in text
