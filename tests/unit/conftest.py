"""Tests keep nothing in the cache of whoever runs them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path_factory.getbasetemp() / "bdc-cache"))
