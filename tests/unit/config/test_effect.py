"""Nothing is accepted and ignored: whatever bdc.yaml takes is read by something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bdc.config.dotted import flat
from bdc.config.model import Config

ROOT = Path(__file__).parents[3]
RESOURCES = {"cpu", "memory", "memory_limit"}
"""Fields of every section of resources, which are read together."""


@pytest.fixture(scope="module")
def readers() -> str:
    """All code that may read a configuration, without the schema itself."""
    files = [*(ROOT / "bdc").rglob("*.py"), *(ROOT / "stacks").rglob("*.py"), *(ROOT / "manifests").rglob("*.j2")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.parent != ROOT / "bdc" / "config")


@pytest.mark.parametrize("key", sorted(key for key in flat(Config().model_dump()) if key.rpartition(".")[2] not in RESOURCES))
def test_a_setting_is_read(key: str, readers: str) -> None:
    name = key.rpartition(".")[2]
    assert re.search(rf"\.{name}\b|\"{re.escape(key)}\"|\b{name}\b *(?:\||\}}\}})", readers), f"{key} is documented and changes nothing"
