"""Loads bdc.yaml: the command line over BDC_* variables over the file over the profile over the schema's defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from bdc.config.dotted import flat, nested
from bdc.config.kept import Loaded, file_of
from bdc.config.model import Config
from bdc.config.problems import usage_error
from bdc.config.schema import field, fields
from bdc.config.tree import Entry, check_key, read, scalar, shown
from bdc.errors import UsageError

PROFILES = Path(__file__).parent / "profiles"


def load(*, file: Path | None, cluster: str | None, overrides: Mapping[str, str], env: Mapping[str, str]) -> Loaded:
    """Loads the configuration from all its places.

    `file` is the one named by the user (it must exist), else $BDC_CONFIG, else ./bdc.yaml when it is there. `cluster` overrides
    the name, `overrides` any dotted key, `env` is the environment. Raises UsageError for everything that is wrong.
    """
    path = file_of(file, env)
    layers = [read(path) if path else {}, _from_env(env), _from_options(overrides)]
    if cluster is not None:
        layers.append({"name": Entry(cluster, "--cluster")})
    given = {key: entry for layer in layers for key, entry in layer.items()}
    return _checked(_profile(given.get("profile")) | given)


@cache
def profiles() -> Mapping[str, Path]:
    """The packaged profiles."""
    return {path.stem: path for path in sorted(PROFILES.glob("*.yaml"))}


def _profile(chosen: Entry | None) -> dict[str, Entry]:
    name = (chosen.text if chosen else str(fields()["profile"].default)) or ""
    if name not in profiles():
        place = f"{chosen.source}: " if chosen else ""
        raise UsageError(f"{place}profile: there is no profile {shown(name)!r}", f"choose one of {', '.join(profiles())}")
    return {key: Entry(entry.text, f"profile {name}") for key, entry in read(profiles()[name]).items()}


def _from_options(overrides: Mapping[str, str]) -> dict[str, Entry]:
    for key in overrides:
        check_key(key, "--set")
    return {key: Entry(scalar(text), "--set") for key, text in overrides.items()}


def _from_env(env: Mapping[str, str]) -> dict[str, Entry]:
    return dict(_variables(env))


def _variables(env: Mapping[str, str]) -> Iterator[tuple[str, Entry]]:
    """BDC_STORAGE__DATANODES, BDC_NAME, BDC_PROFILE. One without `__` that is no field is bdc's own (BDC_CACHE) or Kubernetes's."""
    for variable, text in env.items():
        if not variable.startswith("BDC_") or not text:
            continue
        key = variable.removeprefix("BDC_").lower().replace("__", ".")
        if field(key):
            yield key, Entry(scalar(text), variable)
        elif "__" in variable:
            check_key(key, variable)


def _checked(given: Mapping[str, Entry]) -> Loaded:
    values = flat(Config().model_dump()) | {key: entry.text for key, entry in given.items()}
    sources = {key: given[key].source if key in given else "default" for key in values}
    try:
        config = Config.model_validate(nested(values))
    except ValidationError as error:
        raise usage_error(error, values, sources) from error
    return Loaded(config, dict.fromkeys(flat(config.model_dump()), "default") | sources)
