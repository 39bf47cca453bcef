"""Contexts of ordinary users on this machine: kubeconfigs that `bdc context import` has taken in, and which of them is used.

Each is the file `contexts/NAME.yaml` in bdc's configuration folder, readable by its owner only; the file `context` there names the one
that is used.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bdc.config.paths import config_dir
from bdc.errors import BdcError, NotFoundError, UsageError
from bdc.kube.kubeconfig import load
from bdc.kube.user_context import UserContext

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.@]{0,126}[a-z0-9])?")
_HINT = "it is the file that bdc context export writes"


@dataclass(frozen=True)
class Context:
    """A context that is here; `current` is the one that is used."""

    name: str
    person: UserContext
    server: str
    path: Path
    current: bool


def take(text: str) -> Context:
    """Keep an exported context, and use it; one of the same name is replaced. Raises UsageError for what is none."""
    try:
        document = yaml.safe_load(text)
        name = str(document["current-context"])
    except (yaml.YAMLError, TypeError, KeyError):
        raise UsageError("this is no context of a bdc cluster", _HINT) from None
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't be a context's name", _HINT)
    folder = _folder()
    with _written(folder / f"{name}.yaml", text) as beside:
        _read(beside, "", current=False)  # what can't be used replaces nothing
    use(name)
    return _read(folder / f"{name}.yaml", name, current=True)


def contexts() -> list[Context]:
    """All that are here by name."""
    used = current()
    return [_read(path, path.stem, current=path == used) for path in sorted(_folder(make=False).glob("*.yaml"))]


def current() -> Path | None:
    """The kubeconfig that is used; None where nobody has chosen one."""
    try:
        name = _chosen().read_text(encoding="utf-8").strip()
    except OSError:
        return None
    path = _folder(make=False) / f"{name}.yaml"
    return path if _NAME.fullmatch(name) and path.is_file() else None


def use(name: str | None) -> None:
    """Use this one from now on, or none. Raises NotFoundError."""
    if name is None:
        _chosen().unlink(missing_ok=True)
        return
    _path(name)
    with _written(_chosen(), f"{name}\n"):
        pass


def delete(name: str) -> None:
    """Forget a context. Raises NotFoundError."""
    path = _path(name)
    if current() == path:
        use(None)
    path.unlink(missing_ok=True)


def _path(name: str) -> Path:
    path = _folder(make=False) / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(one.stem for one in sorted(_folder(make=False).glob("*.yaml"))) or "none"
        raise NotFoundError(f"there is no context {name} here", f"there are: {known}; bdc context import FILE adds one")
    return path


def _read(path: Path, name: str, *, current: bool) -> Context:
    access = load(path)
    if access.person is None:
        raise UsageError("this kubeconfig is not that of an ordinary user of a bdc cluster", _HINT)
    return Context(name, access.person, access.server, path, current)


def _folder(*, make: bool = True) -> Path:
    folder = config_dir() / "contexts"
    if make:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _chosen() -> Path:
    return config_dir() / "context"


@contextmanager
def _written(path: Path, text: str) -> Iterator[Path]:
    """A file beside, which only its owner may read; it becomes `path` when the block ends well, and goes when it doesn't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        beside = Path(name)
    except OSError as error:
        raise BdcError(f"{path} can't be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
