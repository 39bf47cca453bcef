"""Who may begin in a pool with bounds."""

from __future__ import annotations

from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bdc.spark.admission import Amount, admissible, bounds, queue, taken

GIB = 2**30


def job(name: str, cpu: float = 1, state: str = "queued", priority: int = 0, second: int = 0, **annotations: str) -> dict[str, Any]:
    done = {"conditions": [{"type": "Complete", "status": "True"}]} if state == "ended" else {}
    asked = {"bdc.dev/asks": Amount(cpu, cpu * GIB).text, "bdc.dev/priority": str(priority), "bdc.dev/released": "true"}
    return {
        "metadata": {
            "name": name,
            "labels": {"bdc.dev/admission": "queued" if state == "queued" else "admitted"},
            "annotations": asked | {f"bdc.dev/{key}": value for key, value in annotations.items()},
            "creationTimestamp": f"2026-11-21T10:00:{second:02}Z",
        },
        "spec": {"suspend": state == "queued"},
        "status": done,
    }


def pod(app: str, cpu: str = "1", memory: str = "1Gi", component: str = "spark-executor", phase: str = "Running") -> dict[str, Any]:
    name = "batch.kubernetes.io/job-name" if component == "spark-driver" else "bdc.dev/application"
    return {
        "metadata": {"labels": {"app.kubernetes.io/component": component, name: app}},
        "spec": {"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]},
        "status": {"phase": phase},
    }


def room(cpu: float) -> Amount:
    return Amount(cpu, cpu * GIB)


def test_bounds_are_the_pools_settings() -> None:
    assert bounds({"spark.bdc.maxCpu": "1500m", "spark.bdc.maxMemory": "2Gi"}) == Amount(1.5, 2 * GIB)
    assert bounds({"spark.bdc.maxMemory": "2Gi"}) == Amount(inf, 2 * GIB)
    assert bounds({}) is None


def test_those_that_fit_begin_in_the_order_of_their_creation() -> None:
    jobs = [job("c", second=3), job("a", second=1), job("b", second=2)]
    assert admissible(jobs, [], room(2)) == ["a", "b"]


def test_the_higher_priority_begins_first() -> None:
    jobs = [job("a", second=1), job("b", second=2, priority=5), job("c", second=3, priority=-5)]
    assert [one["metadata"]["name"] for one in queue(jobs)] == ["b", "a", "c"]


def test_nobody_overtakes_a_large_one_that_waits() -> None:
    jobs = [job("busy", 2, "begun"), job("large", 3, second=1), job("small", 1, second=2)]
    assert admissible(jobs, [], room(4)) == []
    assert admissible([job("busy", 2, "ended"), *jobs[1:]], [], room(4)) == ["large", "small"]


def test_one_that_can_never_begin_stands_aside() -> None:
    assert admissible([job("huge", 9, second=1), job("small", second=2)], [], room(4)) == ["small"]


def test_an_application_takes_what_it_asked_for_until_its_pods_are_there_and_what_they_request_where_it_is_more() -> None:
    begun = job("etl", 2, "begun")
    assert taken([begun], []) == room(2)
    assert taken([begun], [pod("etl", component="spark-driver")]) == room(2)
    grown = [pod("etl", component="spark-driver"), *[pod("etl")] * 3]
    assert taken([begun], grown) == room(4)
    assert taken([begun], [*grown, pod("etl", phase="Succeeded"), pod("etl", phase="Failed")]) == room(4)
    assert taken([job("etl", 2, "ended")], []) == Amount()
    assert taken([job("etl", 2, "ended")], [pod("etl")]) == room(1), "an executor that is not gone yet still counts"


def test_an_interrupted_submit_and_a_killed_one_hold_nobody_up() -> None:
    unreleased = job("a", 4)
    del unreleased["metadata"]["annotations"]["bdc.dev/released"]
    assert admissible([unreleased, job("b", 4, killed="2026-11-21T10:00:00Z"), job("c", 4)], [], room(4)) == ["c"]


JOBS = st.lists(
    st.builds(
        job,
        st.text("abcdefgh", min_size=1, max_size=4),
        st.integers(0, 6),
        st.sampled_from(["queued", "begun", "ended"]),
        st.integers(-3, 3),
        st.integers(0, 59),
    ),
    max_size=12,
    unique_by=lambda one: one["metadata"]["name"],
)


@given(JOBS, st.integers(0, 12))
def test_a_pool_is_never_more_than_full_and_two_who_look_agree(jobs: list[dict[str, Any]], size: int) -> None:
    names = admissible(jobs, [], room(size))
    asked = {one["metadata"]["name"]: Amount.parse(one["metadata"]["annotations"]["bdc.dev/asks"]).cpu for one in jobs}
    begun = {name: job(name, asked[name], "begun") for name in names}
    before = taken(jobs, [])
    after = [begun.get(one["metadata"]["name"], one) for one in jobs]
    assert not names or taken(after, []).fits(room(size)) or not before.fits(room(size))
    assert admissible(after, [], room(size)) == []
    assert admissible(list(reversed(jobs)), [], room(size)) == names
