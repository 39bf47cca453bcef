"""What a kill or a power cut in the middle of a write leaves of the local state, and how it is made readable again.

Pulumi's file backend writes its files beside and renames them, but their side files `.attrs` in place, and Pulumi's and its SDK's
settings in work/ and PULUMI_HOME too; a power cut may leave any of them empty. Side files hold content types, which nothing here uses.
Settings are written anew from the state. Without a whole state the copy in the cluster counts; what that doesn't know is adopted.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

_META = re.compile(rb"version: \d")


def mend(folder: Path, home: Path) -> None:
    """Make the local state in `folder` (backend/, work/, serials.json) and Pulumi's settings in `home` readable.

    Call it with the lock held, and no pulumi running on this cluster.
    """
    shutil.rmtree(folder / "work", ignore_errors=True)
    for settings in (home / "workspaces").glob("*.json"):
        if not _is_json(settings):
            settings.unlink(missing_ok=True)
    backend = folder / "backend" / ".pulumi"
    for side in backend.rglob("*.attrs"):
        if not _is_json(side):
            side.unlink()
    meta = backend / "meta.yaml"
    broken = meta.exists() and not _META.match(meta.read_bytes())
    if broken or not all(map(_is_json, (backend / "stacks").rglob("*.json"))):
        shutil.rmtree(backend)
        (folder / "serials.json").unlink(missing_ok=True)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, FileNotFoundError):
        return False
    return True
