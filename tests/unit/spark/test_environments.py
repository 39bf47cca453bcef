"""Environments: what they are made of, where they are, and how an application gets one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bdc.errors import BdcError, DeadlineError, NotFoundError, UsageError
from bdc.settings import Settings
from bdc.spark import Application, Client
from bdc.spark.environments import FOLDER, PackageList, name_of
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import FakeHdfs

JOBS = "/apis/batch/v1/namespaces/bdc/jobs"


class Entry:
    def __init__(self, path: str) -> None:
        self.path = path


class Hdfs(FakeHdfs):
    def exists(self, path: str) -> bool:
        return path in self.files or any(name.startswith(f"{path}/") for name in self.files)

    def ls(self, path: str) -> list[Entry]:
        return [Entry(name) for name in self.files if name.startswith(f"{path}/")]

    def read(self, path: str) -> Iterator[bytes]:
        yield self.files[path]

    def rm(self, path: str) -> None:
        if path not in self.files:
            raise NotFoundError(f"there is no {path}")
        del self.files[path]


class Kept(dict[str, Any]):
    """Objects of which one has a finalizer."""

    def __init__(self, objects: dict[str, Any], kept: str) -> None:
        super().__init__(objects)
        self._kept = kept

    def pop(self, key: str, *default: Any) -> Any:
        return self[key] if key == self._kept else super().pop(key, *default)


class Builds(FakeKube):
    """A cluster whose Jobs end at once: they lay the archive on `hdfs`, or fail with `log`."""

    hdfs: Hdfs
    log = ""

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        answer = super().request(method, path, body, **options)
        if method == "POST" and path == JOBS and body["metadata"]["name"].startswith("environment-"):
            self.run(body)
        return answer

    def run(self, job: dict[str, Any]) -> None:
        name, [container] = job["metadata"]["name"], job["spec"]["template"]["spec"]["containers"]
        env = {one["name"]: one["value"] for one in container["env"]}
        if not self.log:
            self.hdfs.files[f"{FOLDER}/{env['DIGEST']}.tar.gz"] = b"packages"
            described = {"packages": {"six": "1.17"}, "bytes": 8, "created": "2026-11-21T10:00:00+00:00"}
            described |= {"name": env["NAME"], "digest": env["DIGEST"], "requirements": env["REQUIREMENTS"]}
            self.hdfs.files[f"{FOLDER}/{env['NAME']}.json"] = json.dumps(described).encode()
        done = {"type": "Failed" if self.log else "Complete", "status": "True"}
        self.objects[f"{JOBS}/{name}"]["status"] = {"conditions": [done]}
        labels = {"batch.kubernetes.io/job-name": name}
        self.put(f"/api/v1/namespaces/bdc/pods/{name}-x", {"metadata": {"labels": labels}, "status": {}})
        self.logs[f"/api/v1/namespaces/bdc/pods/{name}-x/log"] = f"2026-11-21T10:00:03Z {self.log or 'done'}\n"


@pytest.fixture
def kube(kube: FakeKube) -> Builds:
    made = Builds()
    made.hdfs = Hdfs()
    made.objects = kube.objects
    made.objects["/api/v1/namespaces/bdc/configmaps/spark-conf"]["data"]["bdc-image"] = "bdc.local/bdc:1"
    return made


@pytest.fixture
def client(kube: Builds, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(Settings, "kube", lambda _: kube)
    monkeypatch.setattr(Client, "_hdfs", lambda _: kube.hdfs.connect())
    return Client()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My requirements.txt"
    path.write_text("# ours\nsix==1.17\n")
    return path


def posted(kube: Builds) -> int:
    return kube.calls.count(("POST", JOBS))


def test_it_is_made_once_for_the_same_content(client: Client, kube: Builds, file: Path) -> None:
    lines: list[str] = []
    made = client.build_environment(file, on_line=lines.append)
    assert made.name.startswith("my-requirements-")
    assert made.packages == {"six": "1.17"}
    assert lines == ["done"]
    file.write_text("six==1.17\n\n")
    assert client.build_environment(file) == made
    assert posted(kube) == 1
    assert [one.name for one in client.environments()] == [made.name]
    file.write_text("six==1.16\n")
    assert client.build_environment(file).digest != made.digest
    assert client.build_environment(file, pip=("--index-url", "https://index.example")).digest not in (made.digest, None)


def test_an_application_gets_it_in_driver_and_executors(client: Client, kube: Builds, file: Path, script: Path) -> None:
    made = client.build_environment(file, "tools")
    client.submit(Application(str(script), name="a", environment="tools"))
    properties = kube.objects["/api/v1/namespaces/bdc/configmaps/a-driver"]["data"]["spark.properties"]
    assert f"spark.archives={made.uri}\n" in properties
    assert made.uri == f"hdfs://bdc/spark/environments/{made.digest}.tar.gz#environment"
    assert "spark.executorEnv.PYTHONPATH=/opt/spark/work/environment\n" in properties
    [container] = kube.objects[f"{JOBS}/a"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "PYTHONPATH", "value": "/opt/spark/work/environment"} in container["env"]
    client.submit(Application(str(script), name="b", environment=str(file)))
    assert posted(kube) == 4, "made for b under the file's own name, and the two applications"
    assert not client.submit(Application(str(script), name="a", environment="tools"), exist_ok=True).created
    client.submit(Application(str(script), name="c"))
    assert "PYTHONPATH" not in json.dumps(kube.objects[f"{JOBS}/c"])
    with pytest.raises(NotFoundError, match="there is no environment nix"):
        client.submit(Application(str(script), environment="nix"))


def test_the_same_name_with_other_packages_is_another_application(client: Client, kube: Builds, file: Path, script: Path) -> None:
    client.build_environment(file, "tools")
    client.submit(Application(str(script), name="a", environment="tools"))
    file.write_text("six==1.16\n")
    client.build_environment(file, "tools")
    with pytest.raises(UsageError, match="asks for something else"):
        client.submit(Application(str(script), name="a", environment="tools"), exist_ok=True)


def test_deleting_keeps_an_archive_that_another_has(client: Client, kube: Builds, file: Path) -> None:
    first = client.build_environment(file, "one")
    client.build_environment(file, "two")
    client.delete_environment("one")
    assert f"{FOLDER}/{first.digest}.tar.gz" in kube.hdfs.files
    client.delete_environment("two")
    assert kube.hdfs.files == {}
    with pytest.raises(NotFoundError):
        client.delete_environment("two")


def test_pips_last_words_are_the_error_and_the_next_build_tries_again(client: Client, kube: Builds, file: Path) -> None:
    kube.log = "ERROR: No matching distribution found for six==1.17"
    with pytest.raises(BdcError, match=r"could not be made: ERROR: No matching distribution found for six==1\.17") as failed:
        client.build_environment(file)
    assert "wheel" in (failed.value.hint or "")
    kube.log = ""
    assert client.build_environment(file).packages == {"six": "1.17"}


def test_a_job_that_does_not_go_is_not_waited_for_without_end(
    client: Client, kube: Builds, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube.log = "ERROR: x"
    with pytest.raises(BdcError):
        client.build_environment(file)
    [job] = [path for path in kube.objects if path.startswith(f"{JOBS}/")]
    passed = itertools.count(0, 30)
    monkeypatch.setattr("bdc.kube.wait.time.monotonic", lambda: float(next(passed)))
    monkeypatch.setattr("bdc.kube.wait.time.sleep", lambda _: None)
    monkeypatch.setattr(kube, "objects", Kept(kube.objects, job))
    with pytest.raises(DeadlineError, match="is still being deleted after 120 s") as raised:
        client.build_environment(file)
    assert "kubectl -n bdc describe job environment-" in str(raised.value.hint)
    assert posted(kube) == 1


def test_a_job_that_never_ends_is_not_followed_without_end(
    client: Client, kube: Builds, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = itertools.count(0, 600)
    monkeypatch.setattr("bdc.kube.wait.time.monotonic", lambda: float(next(passed)))
    monkeypatch.setattr("bdc.kube.wait.time.sleep", lambda _: None)
    monkeypatch.setattr(kube, "run", lambda _: None)
    with pytest.raises(DeadlineError, match="has neither made the environment nor failed after 3720 s"):
        client.build_environment(file)


def test_pods_of_a_build_satisfy_the_restricted_standard(client: Client, kube: Builds, file: Path) -> None:
    client.build_environment(file)
    [job] = [obj for path, obj in kube.objects.items() if path.startswith(f"{JOBS}/environment-")]
    spec = job["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("environment.yml", "name: x\n", "no environment.yml"),
        ("environment.yml", "dependencies: [", "no environment.yml"),
        (
            "r.txt",
            "dependencies:\n  - numpy=2.1\n  - pip: [tabulate]\n",
            "packages of conda's own, which are not available here: numpy=2.1",
        ),
        ("environment.yml", "dependencies:\n  - python=3.11\n", "asks for python=3.11, and the cluster has Python 3.13"),
        ("environment.yml", "dependencies:\n  - python >=3.8,<3.13\n", "the cluster has Python 3.13"),
        ("r.txt", "six\n-r other.txt\n", r"names another file \(-r other\.txt\)"),
        ("r.txt", "./wheels/a.whl\n", "names another file"),
        ("r.txt", "--index-url https://me:secret@index.example/simple\n", "has a user and a password in it"),
        ("r.txt", "#" * 100_001, "is longer than"),
    ],
)
def test_what_can_not_be_used_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as refused:
        PackageList.read(file)
    assert "secret" not in str(refused.value)


def test_a_missing_file_and_a_password_for_pip(tmp_path: Path, client: Client, file: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: No such file"):
        PackageList.read(tmp_path / "nix.txt")
    with pytest.raises(UsageError, match="user and a password"):
        client.build_environment(file, pip=("--index-url", "https://me:secret@index.example/simple"))
    with pytest.raises(UsageError, match="can't be an environment's name"):
        client.build_environment(file, "Not A Name")


@pytest.mark.parametrize(
    ("stem", "name"), [("requirements.txt", "requirements-01234567"), ("3 things.txt", "env-3-things-01234567"), ("ü.txt", "env-01234567")]
)
def test_names_of_files(stem: str, name: str) -> None:
    assert name_of(Path(stem), "0123456789") == name


@pytest.mark.parametrize("python", ["python=3.13", "python==3.13.*", "python>=3.11,<3.14", "python", "python = 3.13.*"])
def test_of_an_environment_yml_pip_gets_its_packages(tmp_path: Path, python: str) -> None:
    file = tmp_path / "environment.yml"
    file.write_text(
        f"name: x\nchannels: [conda-forge]\ndependencies:\n  - {python}\n  - pip\n  - pip:\n      - tabulate==0.9.0\n      - cowsay\n"
    )
    assert PackageList.read(file).requirements == "tabulate==0.9.0\ncowsay\n"
