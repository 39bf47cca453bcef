"""Pinned programs: found on PATH, downloaded and checked, or built from their Go modules.

What the other rooms need: `ensure(name)` gives a `Program`, `find(name)` only what is there already, `programs()` the list.
Everything is pinned in programs.toml and cached under its version and digest.
"""

from __future__ import annotations

from bdc.toolchain.ensure import ensure
from bdc.toolchain.find import find
from bdc.toolchain.golang import ensure_go
from bdc.toolchain.manifest import ProgramSpec, programs
from bdc.toolchain.program import Program

__all__ = ["Program", "ProgramSpec", "ensure", "ensure_go", "find", "programs"]
