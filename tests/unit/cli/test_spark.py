from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from bdc.cli.settings import Settings
from bdc.cli.spark.follow import _interrupted
from bdc.errors import BdcError
from bdc.kube import ApiForbiddenError, UnreachableError
from bdc.spark import Client
from tests.unit.cli.conftest import Bdc
from tests.unit.fake_kube import FakeKube

JOBS = "/apis/batch/v1/namespaces/bdc/jobs"
CORE = "/api/v1/namespaces/bdc"
APP = "local:///opt/etl.py"


class RunsAtOnce(FakeKube):
    """An application has run as soon as it is released; it prints `output` and exits with `code`."""

    code = 0
    output: tuple[str, ...] = ("hello",)

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        answer = super().request(method, path, body, **options)
        if method == "PATCH" and "/jobs/" in path and isinstance(body, dict) and (body.get("spec") or {}).get("suspend") is False:
            self.run(path.rpartition("/")[2])
        return answer

    def run(self, name: str) -> None:
        done = {"type": "Failed" if self.code else "Complete", "status": "True", "lastTransitionTime": "2026-11-21T10:00:30Z"}
        self.objects[f"{JOBS}/{name}"]["status"] = {"conditions": [done]}
        ended = {"exitCode": self.code, "startedAt": "2026-11-21T10:00:00Z"}
        labels = self.objects[f"{JOBS}/{name}"]["spec"]["template"]["metadata"]["labels"] | {"batch.kubernetes.io/job-name": name}
        state = {"containerStatuses": [{"name": "driver", "state": {"terminated": ended}}]}
        self.put(f"{CORE}/pods/{name}-x", {"metadata": {"labels": labels}, "status": state})
        self.logs[f"{CORE}/pods/{name}-x/log"] = "".join(f"2026-11-21T10:00:0{at}Z {line}\n" for at, line in enumerate(self.output))


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> RunsAtOnce:
    fake = RunsAtOnce()
    defaults = "spark.kubernetes.container.image bdc.local/spark:1\nspark.executor.memoryOverhead 384m\n"
    fake.put(f"{CORE}/configmaps/spark-conf", {"data": {"spark-defaults.conf": defaults}})
    monkeypatch.setattr(Settings, "kube", lambda _: fake)
    return fake


def test_submit_prints_what_the_application_prints_and_nothing_else(kube: RunsAtOnce, bdc: Bdc) -> None:
    result = bdc("spark", "submit", APP, "--name", "etl", "--", "--day", "x")
    assert (result.code, result.out) == (0, "hello\n")
    assert "etl succeeded after 30 s" in result.err
    assert kube.objects[f"{JOBS}/etl"]["spec"]["template"]["spec"]["containers"][0]["args"][-3:] == [APP, "--day", "x"]


def test_the_exit_code_is_the_applications_and_the_cause_is_said(kube: RunsAtOnce, bdc: Bdc) -> None:
    kube.code = 42
    kube.output = ("Traceback (most recent call last):", '  File "/opt/etl.py", line 7, in <module>', "ValueError: no")
    result = bdc("spark", "submit", APP, "--name", "etl")
    assert result.code == 42
    assert "etl failed after 30 s (exit 42)\n  etl.py:7  ValueError: no\n" in result.err
    status = bdc("spark", "status", "etl", "-o", "json")
    assert json.loads(status.out)["cause"] == {"what": "ValueError: no", "where": "etl.py:7", "hint": None}


def test_json_is_the_only_thing_on_stdout(kube: RunsAtOnce, bdc: Bdc) -> None:
    result = bdc("spark", "submit", APP, "--name", "etl", "-o", "json")
    document = json.loads(result.out)
    assert (document["name"], document["state"], document["exit_code"], document["cause"]) == ("etl", "Succeeded", 0, None)
    assert "hello" in result.err


def test_no_wait_prints_the_name(kube: RunsAtOnce, bdc: Bdc) -> None:
    assert bdc("spark", "submit", APP, "--name", "etl", "--no-wait").out == "etl\n"
    again = bdc("spark", "submit", APP, "--name", "etl", "--no-wait", "--exist-ok", "-o", "json")
    assert json.loads(again.out) == {"name": "etl", "created": False, "pool": None}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.py"], "there is no file missing.py"),
        ([APP, "--conf", "spark.x"], "is not KEY=VALUE"),
        ([APP, "--conf", "spark.driver.host=x"], "can't be set"),
        ([APP, "--executors", "8:2"], "is no range"),
        ([APP, "--exist-ok"], "none is named"),
        ([APP, "--name", "Etl"], "can't be an application's name"),
    ],
)
def test_bdcs_own_failures_exit_125(kube: RunsAtOnce, bdc: Bdc, arguments: list[str], said: str) -> None:
    result = bdc("spark", "submit", *arguments)
    assert result.code == 125
    assert said in result.err
    assert not [path for path in kube.objects if path.startswith(JOBS)]


def test_an_api_that_refuses_is_125_too(kube: RunsAtOnce, bdc: Bdc) -> None:
    kube.fail("POST", "/jobs", ApiForbiddenError(403, "Forbidden", "may not create jobs"))
    assert bdc("spark", "submit", APP).code == 125


def test_an_application_that_is_lost_is_126(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    from bdc.spark import LostError

    def lost(*_: object) -> Any:
        raise LostError("lost sight of etl")

    monkeypatch.setattr("bdc.spark.following.follow.follow", lost)
    assert bdc("spark", "submit", APP).code == 126


def test_interrupted_where_nobody_can_be_asked_kills(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunsAtOnce, "run", lambda *_: None)
    monkeypatch.setattr("bdc.spark.following.follow.follow", interrupted)
    result = bdc("spark", "submit", APP, "--name", "etl")
    assert result.code == 130
    assert "bdc.dev/killed" in kube.objects[f"{JOBS}/etl"]["metadata"]["annotations"]


def test_logs_that_are_interrupted_leave_it_running(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    bdc("spark", "submit", APP, "--name", "etl", "--no-wait")
    monkeypatch.setattr("bdc.spark.following.follow.follow", interrupted)
    assert bdc("spark", "logs", "etl", "-f").code == 130
    assert "bdc.dev/killed" not in kube.objects[f"{JOBS}/etl"]["metadata"]["annotations"]


@pytest.mark.parametrize(("answer", "killed"), [("y\n", True), ("\n", False), ("", False)])
def test_on_a_terminal_it_is_asked(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch, answer: str, *, killed: bool) -> None:
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(RunsAtOnce, "run", lambda *_: None)
    bdc("spark", "submit", APP, "--name", "etl", "--no-wait")
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    _interrupted(Client(), "etl", None)
    assert ("bdc.dev/killed" in kube.objects[f"{JOBS}/etl"]["metadata"]["annotations"]) is killed
    assert ("goes on" in said.getvalue()) is not killed


def test_the_list_by_state_and_length(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, name in enumerate("abc"):
        bdc("spark", "submit", APP, "--name", name, "--no-wait")
        kube.objects[f"{JOBS}/{name}"]["metadata"]["creationTimestamp"] = f"2026-11-21T10:0{at}:00Z"
    monkeypatch.setattr(RunsAtOnce, "run", lambda *_: None)
    bdc("spark", "submit", APP, "--name", "waits", "--no-wait")

    def listed(*options: str) -> list[str]:
        return [entry["name"] for entry in json.loads(bdc("spark", "list", *options, "-o", "json").out)]

    assert listed("--state", "succeeded") == ["c", "b", "a"]
    assert listed("--state", "Succeeded", "--limit", "2") == ["c", "b"]
    assert listed("--state", "queued") == ["waits"]
    assert sorted(listed("--state", "queued", "--state", "succeeded")) == ["a", "b", "c", "waits"]
    assert listed("--state", "killed") == []
    wrong = bdc("spark", "list", "--state", "done")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--state 'done' is no state of an application" in wrong.err
    assert "choose of queued, starting, running, succeeded, failed, killed" in wrong.err
    assert bdc("spark", "list", "--limit", "0").code == 2


def test_list_logs_kill_delete(kube: RunsAtOnce, bdc: Bdc) -> None:
    bdc("spark", "submit", APP, "--name", "etl", "--no-wait")
    assert [entry["name"] for entry in json.loads(bdc("spark", "list", "-o", "json").out)] == ["etl"]
    assert bdc("spark", "logs", "etl").out == "hello\n"
    assert bdc("spark", "logs", "etl", "-f").code == 0
    assert bdc("spark", "kill", "etl").code == 2
    assert bdc("spark", "delete", "etl").code == 0
    assert bdc("spark", "status", "etl").code == 3
    assert bdc("spark", "logs", "etl", "-f").code == 3


def test_history(kube: RunsAtOnce, bdc: Bdc) -> None:
    assert bdc("spark", "history").code == 5
    labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "spark-history"}
    kube.put(f"{CORE}/pods/h", {"metadata": {"labels": labels}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    attempt = {"startTimeEpoch": 0, "endTimeEpoch": 5000, "duration": 5000, "completed": True}
    kube.pages["h:18080/api/v1/applications"] = [{"id": "etl-abcde", "name": "etl", "attempts": [attempt]}]
    assert "etl-abcde" in bdc("spark", "history").out
    assert json.loads(bdc("spark", "history", "etl", "-o", "json").out)[0]["duration_seconds"] == 5


def test_connect_prints_the_address_only(kube: RunsAtOnce, bdc: Bdc) -> None:
    kube.put("/api/v1/nodes/vm", {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.2"}]}})
    result = bdc("spark", "connect")
    assert result.out == "sc://192.0.2.2:31002/;use_ssl=true\n"
    assert "--token" in result.err


def test_local_files_go_to_hdfs(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Path, str]] = []

    class Hdfs:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def exists(self, path: str) -> bool:
            return bool(sent)

        def mkdir(self, path: str, *, parents: bool) -> None:
            pass

        def put(self, local: Path, target: str) -> None:
            sent.append((local, target))

    monkeypatch.setattr("bdc.spark.Client._hdfs", lambda _: Hdfs())
    Path("etl.py").write_text("print(1)\n")
    assert bdc("spark", "submit", "etl.py").code == 0
    assert bdc("spark", "submit", "etl.py").code == 0
    assert len(sent) == 1
    assert sent[0][1].startswith("/spark/staging/")
    assert sent[0][1].endswith("/etl.py")


def test_no_kubernetes_is_125(kube: RunsAtOnce, bdc: Bdc) -> None:
    kube.fail("GET", "/configmaps", UnreachableError("https://fake", "refused"))
    result = bdc("spark", "submit", APP)
    assert result.code == 125
    assert "does not answer" in result.err
    assert issubclass(UnreachableError, BdcError)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--master", "yarn", APP], "--master can't be used: applications run on the cluster's own Kubernetes", "leave it out"),
        (["--deploy-mode=client", APP], "--deploy-mode can't be used: the driver always runs in the cluster", "leave it out"),
        (["--kill", "etl"], "--kill can't be used: this submits", "bdc spark kill NAME"),
        (["-z"], "no such option: -z", "bdc spark submit --help"),
        ([APP, "--day", "x"], "no such option: --day", f"bdc spark submit ... {APP} -- --day ..."),
        ([APP, "--timeout", "soon"], "'soon' is not a duration", "10m"),
        ([APP, "--properties-file", "nowhere.conf"], "nowhere.conf can't be read: No such file or directory", ""),
    ],
)
def test_words_that_mean_nothing_here_are_refused(kube: RunsAtOnce, bdc: Bdc, words: list[str], message: str, hint: str) -> None:
    result = bdc("spark", "submit", *words)
    assert result.code == 125
    assert message in result.err
    assert hint in result.err
    assert not [call for call in kube.calls if call[0] != "GET"]


def test_an_option_of_ours_after_the_file_is_ours(kube: RunsAtOnce, bdc: Bdc) -> None:
    assert bdc("spark", "submit", APP, "--name", "etl", "--num-executors", "2", "--", "--master", "x").code == 0
    args = kube.objects[f"{JOBS}/etl"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[-2:] == ["--master", "x"]


def test_settings_of_a_file_come_before_conf(kube: RunsAtOnce, bdc: Bdc, tmp_path: Path) -> None:
    file = tmp_path / "job.conf"
    file.write_text("# mine\nspark.sql.shuffle.partitions 8\nspark.speculation=true\n")
    assert bdc("spark", "submit", APP, "--name", "etl", "--properties-file", str(file), "--conf", "spark.speculation=false").code == 0
    text = kube.objects[f"{CORE}/configmaps/etl-driver"]["data"]["spark.properties"]
    assert "spark.sql.shuffle.partitions=8\n" in text
    assert "spark.speculation=false\n" in text


def test_ui_of_a_running_application_is_forwarded(kube: RunsAtOnce, bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by = {"app.kubernetes.io/component": "spark-driver", "batch.kubernetes.io/job-name": "etl"}
    labels = found_by | {"bdc.dev/application": "etl"}
    kube.put(f"{JOBS}/etl", {"metadata": {"labels": labels}, "spec": {}})
    state = {"containerStatuses": [{"name": "driver", "state": {"running": {"startedAt": "2026-11-21T10:00:00Z"}}}]}
    kube.put(f"{CORE}/pods/etl-x", {"metadata": {"labels": labels}, "status": state})
    led: list[Any] = []

    @contextmanager
    def forward(_kube: object, cluster: str, selector: Any, port: int, **options: Any) -> Iterator[tuple[str, int]]:
        led.append((cluster, selector, port, options["local_port"]))
        yield "127.0.0.1", 4041

    monkeypatch.setattr("bdc.kube.portforward.forward", forward)
    monkeypatch.setattr("bdc.cli.access.until_interrupted", lambda _: None)
    assert bdc("spark", "ui", "etl", "--port", "4041").out == "http://127.0.0.1:4041/\n"
    assert led == [("bdc", found_by, 4040, 4041)]


def test_ui_of_an_ended_application_is_the_history_servers(kube: RunsAtOnce, bdc: Bdc) -> None:
    bdc("spark", "submit", APP, "--name", "etl")
    kube.put("/api/v1/nodes/n", {"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.2"}]}})
    result = bdc("spark", "ui", "etl")
    assert result.out == "https://192.0.2.2:31808/history/etl-x/jobs/\n"
    assert "bdc credentials show" in result.err


def test_ui_of_an_application_that_waits_is_refused(kube: RunsAtOnce, bdc: Bdc) -> None:
    labels = {"app.kubernetes.io/component": "spark-driver", "bdc.dev/application": "etl"}
    kube.put(f"{JOBS}/etl", {"metadata": {"labels": labels}, "spec": {}})
    result = bdc("spark", "ui", "etl")
    assert (result.code, result.out) == (2, "")
    assert "etl has no pages before it runs; it is queued" in result.err


def test_schedules(kube: RunsAtOnce, bdc: Bdc) -> None:
    made = bdc("spark", "submit", APP, "--name", "nightly", "--schedule", "0 2 * * *", "--concurrency", "Replace", "--keep", "1")
    assert (made.code, made.out) == (0, "nightly\n")
    assert "nightly  0 2 * * *" in bdc("spark", "schedules", "list").out
    assert bdc("spark", "schedules", "pause", "nightly").code == 0
    [listed] = json.loads(bdc("spark", "schedules", "list", "-o", "json").out)
    assert (listed["name"], listed["state"], listed["concurrency"]) == ("nightly", "paused", "Replace")
    assert bdc("spark", "schedules", "resume", "nightly").code == 0
    run = bdc("spark", "schedules", "run", "nightly").out.strip()
    assert run in bdc("spark", "list").out
    assert bdc("spark", "schedules", "delete", "nightly").code == 0
    assert bdc("spark", "schedules", "delete", "nightly").code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--time-zone", "UTC"], "--time-zone is for schedules"),
        (["--schedule", "daily"], "not a cron expression"),
        (["--schedule", "@daily", "--concurrency", "maybe"], "none of allow, forbid, replace"),
    ],
)
def test_words_of_a_schedule_that_are_wrong(kube: RunsAtOnce, bdc: Bdc, words: list[str], said: str) -> None:
    result = bdc("spark", "submit", *words, APP)
    assert result.code == 125
    assert said in result.err
