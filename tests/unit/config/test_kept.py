"""A configuration that was checked before is taken as it was found; whatever it comes from makes another of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bdc.config import kept
from bdc.config.load import load
from bdc.config.model import Section
from bdc.errors import UsageError

FILE = "name: lab\nstorage:\n  datanodes: 2\nspark:\n  pools:\n    etl:\n      max_cpu: 2\n    night: {idle_seconds: 5}\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BDC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "configurations"


def read(file: Path | None = None, **env: str) -> kept.Loaded:
    return kept.load(file=file, cluster=None, overrides={}, env=env)


def test_what_was_kept_says_the_same(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "bdc.yaml"
    file.write_text(FILE)
    read(file)
    found, checked = read(file), load(file=file, cluster=None, overrides={}, env={})
    assert isinstance(found.config, kept.Section)
    assert found.config.model_dump() == checked.config.model_dump()
    assert found.sources == checked.sources
    assert found.config.spark.pools["night"].idle_seconds == 5
    assert found.config.storage.namenode.memory == checked.config.storage.namenode.memory
    assert [one.stat().st_mode & 0o777 for one in cache.iterdir()] == [0o600]


def test_it_takes_no_pydantic(tmp_path: Path) -> None:
    read()
    code = (
        "import sys\nfrom bdc.config import kept\nkept.load(file=None, cluster=None, overrides={}, env={})\n"
        "print(*{'pydantic', 'yaml'}.intersection(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_another_input_is_checked_anew(tmp_path: Path) -> None:
    file = tmp_path / "bdc.yaml"
    file.write_text(FILE)
    read()
    assert read(file).config.name == "lab"
    file.write_text(FILE.replace("lab", "hut"))
    assert read(file).config.name == "hut"
    assert read(file, BDC_NAME="den").config.name == "den"
    assert kept.load(file=file, cluster="mine", overrides={}, env={}).sources["name"] == "--cluster"
    assert kept.load(file=file, cluster=None, overrides={"network.expose": "none"}, env={}).config.network.expose == "none"


def test_a_mistake_is_refused_each_time(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "bdc.yaml"
    file.write_text("storage: {datanodes: none}\n")
    said = set()
    for _ in range(2):
        with pytest.raises(UsageError) as refused:
            read(file)
        said.add(refused.value.message)
    assert len(said) == 1
    assert not cache.exists()


@pytest.mark.parametrize("damage", ["", "{}", "[1]", "no json"])
def test_what_is_damaged_is_not_believed(damage: str, cache: Path) -> None:
    read()
    (place,) = cache.iterdir()
    place.write_text(damage)
    assert read().config.name == "bdc"
    assert isinstance(read().config, kept.Section)


def test_what_others_may_write_is_not_believed(cache: Path) -> None:
    read()
    (place,) = cache.iterdir()
    place.write_text(place.read_text().replace('"bdc"', '"evil"'))
    place.chmod(0o666)
    assert read().config.name == "bdc"


def test_a_folder_that_nothing_can_be_written_to_changes_nothing(cache: Path) -> None:
    cache.parent.write_text("no folder")
    assert read().config.name == "bdc"


def test_the_oldest_go(cache: Path) -> None:
    for number in range(40):
        read(None, BDC_NAME=f"c{number}")
    assert len(list(cache.iterdir())) == 32


def test_a_section_is_what_its_fields_say() -> None:
    """What was kept has no methods and properties of the model's: nobody may need one."""
    for section in Section.__subclasses__():
        own = {name for name in vars(section) if not name.startswith(("_", "model_"))}
        assert own <= set(section.model_fields), section
