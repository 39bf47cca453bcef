"""A run that is told to stop says where it was and what to do next."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from bdc.cli.interruption import InterruptedRunError, interruptible
from bdc.cli.live import Silent
from bdc.engine import Event
from bdc.lifecycle import Step


def interrupted(*reported: Step | Event) -> None:
    """A run that is interrupted after it has reported this much."""
    with interruptible(Silent(), "again") as report:
        for one in reported:
            report.step(one) if isinstance(one, Step) else report.event(one)
        raise KeyboardInterrupt


def test_in_the_middle_of_the_stacks_it_counts_objects() -> None:
    with pytest.raises(InterruptedRunError) as caught:
        interrupted(
            Step("images", "6 images", "done", 1),
            Step("stacks", "", "running", 0),
            Event("done", "create", "Secret", "password", "data", 0.1),
            Event("started", "create", "StatefulSet", "master", "master", 0),
            Event("waiting", "create", "StatefulSet", "namenode", "storage", 1, "pods"),
        )
    assert caught.value.message == "interrupted with 1 objects done and 2 under way (master, storage): they stay as they are"
    assert (caught.value.hint, caught.value.exit_code) == ("again", 130)


@pytest.mark.parametrize(
    ("step", "left"),
    [("preflight", "nothing was changed"), ("images", "images that were complete stay"), ("node", "removed or completed by the next run")],
)
def test_before_the_stacks_it_names_the_step(step: str, left: str) -> None:
    with pytest.raises(InterruptedRunError, match=f"interrupted in the step {step}: .*{left}"):
        interrupted(Step(step, "", "running", 0), Step(step, "", "failed", 1))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_that_ask_to_stop(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    inherited = signal.signal(number, before := signal.default_int_handler)  # under nohup SIGHUP is ignored
    request.addfinalizer(lambda: signal.signal(number, inherited))
    with pytest.raises(InterruptedRunError) as caught, interruptible(Silent(), "again"):
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == code
    assert capsys.readouterr().err == "\nstopping what is under way; once more stops at once\n"
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_so(request: pytest.FixtureRequest) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    went_on: list[Callable[[], None]] = []
    with interruptible(Silent(), "again"):
        os.kill(os.getpid(), signal.SIGHUP)
        went_on.append(lambda: None)
    assert went_on
