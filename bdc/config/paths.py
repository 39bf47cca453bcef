"""Where bdc keeps what it makes, and where its own resources are.

Four kinds of folder, each with one owner and one way to lose it:

* cache (`$BDC_CACHE`, else `$XDG_CACHE_HOME/bdc`, else `~/.cache/bdc`): programs, image archives, downloads, configurations
  that were checked. May be deleted at any time.
* state (`$BDC_STATE`, else `$XDG_DATA_HOME/bdc`, else `~/.local/share/bdc`): Pulumi's local backend, one folder a cluster. A copy
  is kept in the cluster, so it may be lost too.
* configuration (`$XDG_CONFIG_HOME/bdc`, else `~/.config/bdc`): contexts of ordinary users. Kept.
* node (`/var/lib/bdc`): what the embedded Kubernetes node needs: supervisor, logs, volumes. Removed by `bdc node reset` only.

Resources (images/, manifests/) lie beside the package in a checkout and inside it in a wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

NODE_DIR = Path("/var/lib/bdc")


def cache_dir() -> Path:
    """Folder of what can be made again: programs/, images/, downloads/, configurations/. Not created here."""
    return _dir("BDC_CACHE", "XDG_CACHE_HOME", ".cache")


def state_dir(cluster: str | None = None) -> Path:
    """Folder of local state, or of one cluster's local state. Not created here."""
    base = _dir("BDC_STATE", "XDG_DATA_HOME", ".local/share")
    return base / cluster if cluster else base


def config_dir() -> Path:
    """Folder of what a user has chosen. Not created here."""
    return _dir("BDC_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")


def resources(kind: str) -> Path:
    """Folder of packaged resources; `kind` is "images", "manifests" or "stacks"."""
    packaged = Path(__file__).parent.parent / "_resources" / kind
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / kind


def _dir(own: str, xdg: str, home: str) -> Path:
    if value := os.environ.get(own):
        return Path(value).expanduser()
    if value := os.environ.get(xdg):
        return Path(value) / "bdc"
    return Path.home() / home / "bdc"
