"""The configuration as a command with the same input has checked it before: pydantic, which checks it, takes longer than most commands do.

It is kept in the cache folder by a digest of all that it comes from: the file, the options, BDC_*, and the schema and profiles of this
bdc. What is wrong is never kept, so that it is refused each time. Only what this user alone may write is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from bdc import __version__
from bdc.config.paths import cache_dir

if TYPE_CHECKING:
    from bdc.config.model import Config

DEFAULT_FILE = Path("bdc.yaml")
_MOST = 32
"""How many are kept; beyond it the oldest go."""


@dataclass(frozen=True)
class Loaded:
    """A checked configuration; `sources` says where each dotted key's value comes from: "bdc.yaml:14", "--set", "default"."""

    config: Config
    sources: Mapping[str, str]


class Section(SimpleNamespace):
    """A part of a configuration that was kept: what a section of the model says, without the model's own methods but `model_dump`."""

    def model_dump(self) -> dict[str, Any]:
        """As the model's."""
        return {name: _dumped(value) for name, value in vars(self).items()}


def load(*, file: Path | None, cluster: str | None, overrides: Mapping[str, str], env: Mapping[str, str]) -> Loaded:
    """What `bdc.config.load.load` gives, from where it was kept if it was. Raises UsageError as that does."""
    place = _place(file, cluster, overrides, env)
    if place and (found := _read(place)):
        return found
    from bdc.config.load import load as checked

    loaded = checked(file=file, cluster=cluster, overrides=overrides, env=env)
    if place and place == _place(file, cluster, overrides, env):  # the file hasn't changed meanwhile
        with suppress(OSError):
            _write(place, loaded)
    return loaded


def file_of(file: Path | None, env: Mapping[str, str]) -> Path | None:
    """The file that `load` reads, None when there is none."""
    if file is not None:
        return file.expanduser()
    if named := env.get("BDC_CONFIG"):
        return Path(named).expanduser()
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _place(file: Path | None, cluster: str | None, overrides: Mapping[str, str], env: Mapping[str, str]) -> Path | None:
    """Where the configuration that comes from this is kept; None where it can't be: a pipe can be read once only."""
    path = file_of(file, env)
    try:
        if path and not path.is_file():
            return None
        text = path.read_bytes() if path else None
        schema = [(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in _schema()]
        folder = cache_dir() / "configurations"
    except (OSError, RuntimeError):  # this account has no home
        return None
    variables = [(name, value) for name, value in env.items() if name.startswith("BDC_")]
    given = (__version__, schema, str(path), text, cluster, list(overrides.items()), variables)
    return folder / f"{hashlib.sha256(repr(given).encode()).hexdigest()}.json"


def _schema() -> list[Path]:
    here = Path(__file__).parent
    return sorted([*here.glob("*.py"), *here.glob("profiles/*.yaml")])


def _read(place: Path) -> Loaded | None:
    try:
        with place.open(encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            kept = json.load(file)
        return Loaded(cast("Config", _section(kept["config"], "", kept["named"])), kept["sources"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(place: Path, loaded: Loaded) -> None:
    import tempfile

    from bdc.config.schema import named_sections

    folder = place.parent
    there = next(one for one in folder.parents if one.exists())
    if there.stat().st_uid != os.geteuid():  # root in the folder of a user, who couldn't write there afterwards
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {"config": loaded.config.model_dump(), "sources": dict(loaded.sources), "named": named_sections()}
    descriptor, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    Path(name).replace(place)
    for old in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)[:-_MOST]:
        old.unlink(missing_ok=True)


def _section(values: Mapping[str, Any], key: str, named: list[str]) -> Any:
    inner = {}
    for name, value in values.items():
        inner[name] = _section(value, f"{key}.{name}".lstrip("."), named) if isinstance(value, dict) else value
    return inner if key in named else Section(**inner)


def _dumped(value: Any) -> Any:
    if isinstance(value, Section):
        return value.model_dump()
    return {name: _dumped(one) for name, one in value.items()} if isinstance(value, dict) else value
