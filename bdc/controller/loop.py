"""The controller's loop: look at each pool, do what there is to do, wait a moment.

It keeps nothing in memory: whatever it knows is in the Jobs. It may be killed at any time, and two at once do no harm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.spark.queueing import look

_PAUSE_SECONDS = 2.0


def run(kube: Kube, namespaces: Iterable[str], wait: Callable[[float], bool], beat: Path) -> None:
    """Look at the pools with these namespaces until `wait`, which gets a number of seconds, says that it is time to end.

    `beat` is touched after each round, so that a probe sees a loop that hangs.
    """
    trouble: dict[str, str] = {}
    names = list(namespaces)
    while True:
        for namespace in names:
            try:
                begun, late = look(kube, namespace)
                _say(f"{namespace}: begins: {', '.join(begun)}" if begun else "")
                _say(f"{namespace}: its --timeout is over: {', '.join(late)}" if late else "")
                trouble.pop(namespace, None)
            except BdcError as error:
                if trouble.get(namespace) != error.message:  # said once, not every two seconds
                    _say(f"{namespace}: {error.message}")
                trouble[namespace] = error.message
        beat.touch()
        if wait(_PAUSE_SECONDS):
            return


def _say(text: str) -> None:
    if text:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
