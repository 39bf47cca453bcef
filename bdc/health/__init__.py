"""How a running cluster is: its parts and whether their engines answer (`status`), what is wrong and what to do (`doctor`), logs, and
whom it serves (`in_use`).

from bdc.health import CheckContext, examine, status

for part in status(kube, config).parts:
    print(part.name, part.state, part.detail)
"""

from typing import TYPE_CHECKING, Any

from bdc.health.finding import Check, CheckContext, Finding, Level, Result
from bdc.health.logs import LogLine, Wanted, logs, sources
from bdc.health.part import ClusterStatus, PartState, PartStatus, Probe
from bdc.health.status import status

if TYPE_CHECKING:
    from bdc.health.doctor import CHECKS, examine
    from bdc.health.use import Use, in_use

__all__ = [
    "CHECKS",
    "Check",
    "CheckContext",
    "ClusterStatus",
    "Finding",
    "Level",
    "LogLine",
    "PartState",
    "PartStatus",
    "Probe",
    "Result",
    "Use",
    "Wanted",
    "examine",
    "in_use",
    "logs",
    "sources",
    "status",
]

_LATER = {"CHECKS": "doctor", "examine": "doctor", "Use": "use", "in_use": "use"}
"""What `status` and `logs` needn't wait for: the checks bring all that makes a node."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
