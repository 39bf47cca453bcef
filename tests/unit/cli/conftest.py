"""Command lines run in an empty folder, without this machine's configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bdc.cli.main import run


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


Bdc = Callable[..., Result]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BDC_")] + ["KUBECONFIG", "XDG_CONFIG_HOME", "NO_COLOR", "FORCE_COLOR"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def bdc(capsys: pytest.CaptureFixture[str]) -> Bdc:
    """Runs `bdc ARGUMENTS...` in this process."""

    def call(*arguments: str) -> Result:
        code = run(arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
