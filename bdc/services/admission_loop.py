"""The controller's loop: look at each pool, do what there is to do, wait a moment.

It keeps nothing in memory: whatever it knows is in the Jobs. It may be killed at any time, and two at once do no harm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.spark.scheduling.queueing import look

_PAUSE_SECONDS, _QUIET_SECONDS = 0.5, 2.0
"""Between two rounds while applications run, as their executors wait for the controller, and where none does."""


def run(kube: Kube, namespaces: Iterable[str], wait: Callable[[float], bool], beat: Path) -> None:
    """Look at the pools with these namespaces until `wait`, which gets a number of seconds, says that it is time to end.

    `beat` is touched after each round, so that a probe sees a loop that hangs.
    """
    trouble: dict[str, str] = {}
    names = list(namespaces)
    while True:
        quiet = True
        for namespace in names:
            try:
                done = look(kube, namespace)
                quiet = quiet and done.quiet
                for what, whom in (("begins", done.begun), ("its --timeout is over", done.late), ("may start", done.executors)):
                    _say(f"{namespace}: {what}: {', '.join(whom)}" if whom else "")
                trouble.pop(namespace, None)
            except BdcError as error:
                if trouble.get(namespace) != error.message:  # said once, not every two seconds
                    _say(f"{namespace}: {error.message}")
                trouble[namespace] = error.message
        beat.touch()
        if wait(_QUIET_SECONDS if quiet else _PAUSE_SECONDS):
            return


def _say(text: str) -> None:
    if text:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
