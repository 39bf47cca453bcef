from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bdc.config.duration import duration
from bdc.errors import NotFoundError, UsageError
from bdc.health import Wanted, logs, sources
from bdc.kube import ApiError, ApiForbiddenError, UnreachableError
from tests.unit.health.conftest import CORE, Cluster, pod


def line(second: int, text: str) -> str:
    return f"2026-11-21T10:00:{second:02}.5Z {text}\n"


@pytest.fixture
def talking(kube: Cluster) -> Cluster:
    for name, text in {
        "namenode-0": line(1, "a") + line(4, "d"),
        "datanode-0": line(2, "b"),
        "httpfs-0": line(3, "c"),
    }.items():
        kube.logs[f"{CORE}/pods/{name}/log"] = text
    return kube


def test_kubernetes_is_asked_for_the_pods_alone(talking: Cluster) -> None:
    assert [source.pod for source in sources(talking, "bdc", "namenode")] == ["namenode-0"]
    assert talking.calls == [("GET", "/api/v1/namespaces/bdc"), ("GET", f"{CORE}/pods")]


def test_a_part_is_one_stream_by_time(talking: Cluster) -> None:
    told = [(entry.source, entry.text) for entry in logs(talking, "bdc", "storage")]
    assert told == [("namenode-0", "a"), ("datanode-0", "b"), ("httpfs-0", "c"), ("namenode-0", "d")]


@pytest.mark.parametrize("name", ["namenode", "namenode-0"])
def test_a_workload_or_a_pod(talking: Cluster, name: str) -> None:
    assert [entry.text for entry in logs(talking, "bdc", name)] == ["a", "d"]


def test_containers_have_labels_where_there_are_several(kube: Cluster) -> None:
    two = pod("httpfs-0", "storage", "httpfs")
    two["spec"]["containers"].append({"name": "door", "image": "x"})
    kube.put(f"{CORE}/pods/httpfs-0", two)
    assert [source.label for source in sources(kube, "bdc", "httpfs")] == ["httpfs-0/httpfs", "httpfs-0/door"]
    assert [source.label for source in sources(kube, "bdc", "httpfs", "door")] == ["httpfs-0/door"]
    with pytest.raises(NotFoundError, match="no container x"):
        sources(kube, "bdc", "httpfs", "x")


def test_unknown_names_are_told_what_there_is(kube: Cluster) -> None:
    with pytest.raises(NotFoundError, match="no pods of hive") as caught:
        list(logs(kube, "bdc", "hive"))
    assert "metastore" in str(caught.value.hint)


def test_following_goes_over_new_pods_and_broken_connections(talking: Cluster) -> None:
    def more() -> None:
        talking.logs[f"{CORE}/pods/namenode-0/log"] = line(1, "a") + line(4, "d") + line(5, "e")
        talking.fail("GET", "datanode-0/log", UnreachableError("https://fake", "reset"))

    def another() -> None:
        del talking.objects[f"{CORE}/pods/datanode-0"]
        talking.put(f"{CORE}/pods/datanode-1", pod("datanode-1", "storage", "datanode"))
        talking.logs[f"{CORE}/pods/datanode-1/log"] = line(6, "f")

    steps: Iterator[Callable[[], object]] = iter(
        [more, another, lambda: talking.fail("GET", "/pods", UnreachableError("https://fake", "refused"))]
    )

    def sleep(_: float) -> None:
        next(steps)()

    stream = logs(talking, "bdc", "storage", follow=True, sleep=sleep)
    assert [next(stream).text for _ in range(6)] == ["a", "b", "c", "d", "e", "f"]


def test_a_container_that_waits_is_passed_over_and_refused_rights_are_not(talking: Cluster) -> None:
    talking.fail("GET", "httpfs-0/log", ApiError(400, "BadRequest", "container is waiting to start"))
    assert [entry.text for entry in logs(talking, "bdc", "storage")] == ["a", "b", "d"]
    talking.fail("GET", "httpfs-0/log", ApiForbiddenError(403, "Forbidden", "may not"))
    with pytest.raises(ApiError, match="may not"):
        list(logs(talking, "bdc", "storage"))


def test_options_reach_the_api(kube: Cluster) -> None:
    asked = []
    kube.logs[f"{CORE}/pods/master-0/log"] = lambda query: asked.append(dict(query)) or ""  # type: ignore[func-returns-value]
    list(logs(kube, "bdc", "master", Wanted("master", 600, 5, previous=True)))
    assert asked == [{"timestamps": True, "container": "master", "previous": True, "sinceSeconds": 600, "tailLines": 5}]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172800)])
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "1w", "10m!"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(UsageError, match="not a duration"):
        duration(text)
