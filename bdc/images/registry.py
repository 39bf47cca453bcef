"""Puts built images into a registry, from which other clusters pull them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bdc.config.paths import cache_dir
from bdc.images.builder import ensure_builder
from bdc.images.building import build_lock
from bdc.images.oci_layout import layout
from bdc.images.spec import chosen, references


def push(names: Iterable[str] | None, registry: str, *, on_progress: Callable[[str], None] | None = None) -> None:
    """Pushes built images (all unless told) to `registry`, with the build tool's own login."""
    say = on_progress or (lambda _line: None)
    log = cache_dir() / "images" / "logs" / "push.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with build_lock(say):
        builder = ensure_builder()
        here, there = references(), references(registry)
        for spec in chosen(names):
            layout().descriptor(here[spec.name])
            say(f"pushing {there[spec.name]}")
            builder.push(layout(), here[spec.name], there[spec.name], log)
