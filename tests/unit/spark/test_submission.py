from __future__ import annotations

import errno
import hashlib
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bdc.errors import NotFoundError, UsageError
from bdc.kube import ApiError, ApiForbiddenError
from bdc.spark import Application, Executors, SecretVariable, Staging, submit, unique_name
from bdc.spark.settings import parse
from bdc.spark.submission.staging import check_readable
from tests.unit.fake_kube import FakeKube
from tests.unit.spark.conftest import FakeHdfs

JOBS = "/apis/batch/v1/namespaces/bdc/jobs"
CORE = "/api/v1/namespaces/bdc"


def properties(kube: FakeKube, name: str) -> dict[str, str]:
    text = kube.objects[f"{CORE}/configmaps/{name}-driver"]["data"]["spark.properties"]
    return parse(text.replace("\\:", ":"))


def pod_of(kube: FakeKube, name: str) -> Any:
    return kube.objects[f"{JOBS}/{name}"]["spec"]["template"]["spec"]


def test_submit_makes_a_released_job_that_owns_its_settings(kube: FakeKube, staging: Staging, script: Path) -> None:
    done = submit(kube, "bdc", Application(str(script), arguments=("--day", "2013-07-04"), name="etl"), staging=staging)
    made = kube.objects[f"{JOBS}/etl"]
    assert done.created
    assert made["spec"]["suspend"] is False
    assert made["spec"]["backoffLimit"] == 0
    assert made["spec"]["ttlSecondsAfterFinished"] == 7 * 86400
    metadata = kube.objects[f"{CORE}/configmaps/etl-driver"]["metadata"]
    assert [(one["kind"], one["uid"]) for one in metadata["ownerReferences"]] == [("Job", made["metadata"]["uid"])]
    assert metadata["labels"]["bdc.dev/application"] == "etl"
    container = pod_of(kube, "etl")["containers"][0]
    assert container["args"][0] == "driver-direct"
    assert container["args"][-3:] == [done.uris.main, "--day", "2013-07-04"]
    assert "spark.kubernetes.executor.podNamePrefix=$(POD_NAME)" in container["args"]
    assert "spark.kubernetes.executor.label.bdc.dev/application=$(JOB_NAME)" in container["args"]
    assert "spark.driver.host=$(SPARK_DRIVER_BIND_ADDRESS)" in container["args"]
    fields = {one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in container["env"] if "fieldRef" in one.get("valueFrom", {})}
    assert fields["JOB_NAME"] == "metadata.labels['batch.kubernetes.io/job-name']"


def test_pod_satisfies_the_restricted_standard(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl"), staging=staging)
    spec = pod_of(kube, "etl")
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 185
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert spec["restartPolicy"] == "Never"


def test_job_is_suspended_until_what_it_needs_is_there(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl"), staging=staging)
    writes = [(call, body) for call, body in zip(kube.calls, kube.bodies, strict=True) if call[0] in ("POST", "PATCH")]
    assert [call[0] + call[1].rsplit("/", 1)[-1] for call, _ in writes] == ["POSTjobs", "POSTconfigmaps", "PATCHetl"]
    assert writes[0][1]["spec"]["suspend"] is True


def test_local_files_are_staged_once_by_content(kube: FakeKube, hdfs: FakeHdfs, script: Path, tmp_path: Path) -> None:
    module = tmp_path / "lib.py"
    module.write_text("X = 1\n")
    for _ in range(2):
        with Staging(hdfs.connect) as staging:
            done = submit(kube, "bdc", Application(str(script), py_files=(str(module),)), staging=staging)
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    assert done.uris.main == f"hdfs://bdc/spark/staging/{digest}/etl.py"
    assert hdfs.puts == 2
    assert properties(kube, done.name)["spark.submit.pyFiles"] == done.uris.py_files[0]


def test_uris_are_used_where_they_are(kube: FakeKube, hdfs: FakeHdfs, staging: Staging) -> None:
    done = submit(kube, "bdc", Application("hdfs:///apps/etl.py", jars=("local:///opt/x.jar",)), staging=staging)
    assert done.uris.main == "hdfs:///apps/etl.py"
    assert hdfs.opened == 0
    assert re.fullmatch(r"etl-[0-9a-f]{4}", done.name)


def test_a_name_in_use_is_refused_before_anything_is_sent(kube: FakeKube, hdfs: FakeHdfs, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application("local:///a.py", name="etl"), staging=staging)
    with pytest.raises(UsageError, match="etl is in use"):
        submit(kube, "bdc", Application(str(script), name="etl"), staging=staging)
    assert hdfs.puts == 0


def test_exist_ok_takes_the_same_and_refuses_another(kube: FakeKube, staging: Staging, script: Path) -> None:
    app = Application(str(script), name="etl", conf={"spark.x": "1"})
    assert submit(kube, "bdc", app, staging=staging, exist_ok=True).created
    again = submit(kube, "bdc", app, staging=staging, exist_ok=True)
    assert (again.name, again.created) == ("etl", False)
    with pytest.raises(UsageError, match="asks for something else"):
        submit(kube, "bdc", Application(str(script), name="etl", conf={"spark.x": "2"}), staging=staging, exist_ok=True)


def test_an_interrupted_submit_is_finished_by_exist_ok(kube: FakeKube, staging: Staging, script: Path) -> None:
    app = Application(str(script), name="etl")
    submit(kube, "bdc", app, staging=staging)
    kube.objects[f"{JOBS}/etl"]["spec"]["suspend"] = True  # as if the process had died after its first request
    del kube.objects[f"{JOBS}/etl"]["metadata"]["annotations"]["bdc.dev/released"]
    del kube.objects[f"{CORE}/configmaps/etl-driver"]
    submit(kube, "bdc", app, staging=staging, exist_ok=True)
    assert kube.objects[f"{JOBS}/etl"]["spec"]["suspend"] is False
    assert f"{CORE}/configmaps/etl-driver" in kube.objects


def test_nothing_is_left_when_the_objects_are_refused(kube: FakeKube, staging: Staging, script: Path) -> None:
    kube.fail("POST", "/configmaps", ApiForbiddenError(403, "Forbidden", "exceeded quota"))
    with pytest.raises(ApiError, match="quota"):
        submit(kube, "bdc", Application(str(script), name="etl"), staging=staging)
    assert f"{JOBS}/etl" not in kube.objects


def test_no_cluster(staging: Staging, script: Path) -> None:
    with pytest.raises(NotFoundError, match="no cluster bdc"):
        submit(FakeKube(), "bdc", Application(str(script)), staging=staging)


def test_sizes_reach_settings_and_pod(kube: FakeKube, staging: Staging, script: Path) -> None:
    app = Application(
        str(script), name="etl", driver_memory="1g", executor_memory="2g", executor_cores=2, executors=Executors(2, 8), driver_cores=2
    )
    submit(kube, "bdc", app, staging=staging)
    entries = properties(kube, "etl")
    assert entries["spark.driver.memory"] == "1024m"
    assert entries["spark.executor.memory"] == "2048m"
    assert entries["spark.dynamicAllocation.maxExecutors"] == "8"
    container = pod_of(kube, "etl")["containers"][0]
    assert container["resources"] == {"requests": {"cpu": "2", "memory": "1408Mi"}, "limits": {"memory": "1408Mi"}}
    assert {"name": "SPARK_DRIVER_MEMORY", "value": "1024m"} in container["env"]


def test_memory_by_conf_sizes_the_pod_too(kube: FakeKube, staging: Staging, script: Path) -> None:
    conf = {"spark.driver.memory": "1g", "spark.driver.memoryOverhead": "1g"}
    submit(kube, "bdc", Application(str(script), name="etl", conf=conf), staging=staging)
    assert pod_of(kube, "etl")["containers"][0]["resources"]["limits"]["memory"] == "2048Mi"


def test_a_fixed_number_of_executors(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl", executors=Executors.parse("3")), staging=staging)
    entries = properties(kube, "etl")
    assert (entries["spark.dynamicAllocation.enabled"], entries["spark.executor.instances"]) == ("false", "3")


def test_driver_java_options_need_the_launcher(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl", conf={"spark.driver.extraJavaOptions": "-Dx=1"}), staging=staging)
    assert pod_of(kube, "etl")["containers"][0]["args"][0] == "driver"


def test_dollars_in_arguments_stay(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl", arguments=("$(POD_NAME)", "a$$b")), staging=staging)
    assert pod_of(kube, "etl")["containers"][0]["args"][-2:] == ["$$(POD_NAME)", "a$$$$b"]


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"spark.driver.host": "x"}, "find each other"),
        ({"spark.master": "local"}, "cluster's Kubernetes"),
        ({"etl.day": "1"}, "no Spark setting"),
        ({"spark.driver.memory": "lots"}, "not a size"),
    ],
)
def test_a_bad_conf_is_refused_before_anything_is_sent(
    kube: FakeKube, hdfs: FakeHdfs, staging: Staging, script: Path, conf: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        submit(kube, "bdc", Application(str(script), conf=conf), staging=staging)
    assert hdfs.puts == 0
    assert all(method == "GET" for method, _ in kube.calls)


def test_conf_and_option_at_once_are_refused(kube: FakeKube, staging: Staging, script: Path) -> None:
    app = Application(str(script), conf={"spark.executor.memory": "1g"}, executor_memory="2g")
    with pytest.raises(UsageError, match="set twice"):
        submit(kube, "bdc", app, staging=staging)


@pytest.mark.parametrize("name", ["", "Etl", "1etl", "etl-", "a" * 41])
def test_bad_names(name: str) -> None:
    with pytest.raises(UsageError, match="can't be an application's name"):
        Application("etl.py", name=name)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"file": "app.jar"}, "no class"),
        ({"file": "etl.py", "main_class": "X"}, "no jar"),
        ({"file": "etl.R"}, "neither"),
        ({"file": "etl.py", "retries": -1}, "negative"),
        ({"file": "etl.py", "executor_cores": 0}, "fewer than 1"),
    ],
)
def test_bad_applications(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Application(**fields)


@pytest.mark.parametrize("text", ["", "x", "3:1", "0", "1:2:3", "-1"])
def test_bad_executors(text: str) -> None:
    with pytest.raises(UsageError, match="executors"):
        Executors.parse(text)


def test_unreadable_files_are_named(kube: FakeKube, staging: Staging, tmp_path: Path, script: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*missing\.py"):
        submit(kube, "bdc", Application(str(tmp_path / "missing.py")), staging=staging)
    with pytest.raises(UsageError, match="is a folder"):
        submit(kube, "bdc", Application(str(script), py_files=(str(tmp_path),)), staging=staging)
    with pytest.raises(UsageError, match="s3:// can't be used"):
        submit(kube, "bdc", Application("s3://bucket/etl.py"), staging=staging)


@pytest.mark.parametrize(
    ("file", "stem"), [("jobs/etl.py", "etl"), ("hdfs:///x/My_Job.v2.py", "my-job-v2"), ("2013.py", "app-2013"), ("é.py", "app")]
)
def test_unique_names(file: str, stem: str) -> None:
    name = unique_name(file)
    assert re.fullmatch(rf"{stem}-[0-9a-f]{{4}}", name)
    Application("x.py", name=name)


def test_long_stems_are_cut() -> None:
    Application("x.py", name=unique_name("x" * 100 + ".py"))


def test_the_words_of_spark_submit_become_settings(kube: FakeKube, staging: Staging, script: Path) -> None:
    app = Application(
        str(script),
        name="etl",
        packages=("org.apache.spark:spark-avro_2.13:4.2.0",),
        exclude_packages=("org.slf4j:slf4j-api",),
        repositories=("https://maven.example/releases",),
        driver_java_options="-Dx=1",
        driver_class_path="/opt/jars/*",
        driver_library_path="/opt/native",
    )
    submit(kube, "bdc", app, staging=staging)
    set_ = properties(kube, "etl")
    assert set_["spark.jars.packages"] == "org.apache.spark:spark-avro_2.13:4.2.0"
    assert set_["spark.jars.excludes"] == "org.slf4j:slf4j-api"
    assert set_["spark.jars.repositories"] == "https://maven.example/releases"
    assert set_["spark.driver.extraJavaOptions"] == "-Dx=1"
    assert set_["spark.driver.extraClassPath"] == "/opt/jars/*"
    assert set_["spark.driver.extraLibraryPath"] == "/opt/native"
    assert pod_of(kube, "etl")["containers"][0]["args"][0] == "driver"  # these need the launcher


def test_archives_are_staged_with_their_alias(kube: FakeKube, staging: Staging, script: Path, tmp_path: Path) -> None:
    archive = tmp_path / "env.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(script, "job.py")
    submit(kube, "bdc", Application(str(script), name="etl", archives=(f"{archive}#environment",)), staging=staging)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert properties(kube, "etl")["spark.archives"] == f"hdfs://bdc/spark/staging/{digest}/env.tar.gz#environment"
    assert properties(kube, "etl")["spark.kubernetes.submitInDriver"] == "true"  # else the driver gets neither files nor archives


def test_what_is_no_archive_is_refused_before_anything_is_sent(
    kube: FakeKube, staging: Staging, hdfs: FakeHdfs, script: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "env.zip"
    fake.write_text("no zip")
    for name, message in ((str(fake), "is no archive"), (str(script), "is not called like an archive"), ("local:///x.rar", "not called")):
        with pytest.raises(UsageError, match=message):
            submit(kube, "bdc", Application(str(script), name="etl", archives=(name,)), staging=staging)
    assert (hdfs.puts, f"{JOBS}/etl" in kube.objects) == (0, False)


def test_secrets_are_referred_to_by_driver_and_executors(kube: FakeKube, staging: Staging, script: Path) -> None:
    kube.put(f"{CORE}/secrets/lake", {})
    secrets = (SecretVariable.parse("lake:PASSWORD"), SecretVariable.parse("lake/user.name:LAKE_USER"))
    submit(kube, "bdc", Application(str(script), name="etl", secrets=secrets), staging=staging)
    env = {entry["name"]: entry.get("valueFrom", {}).get("secretKeyRef") for entry in pod_of(kube, "etl")["containers"][0]["env"]}
    assert env["PASSWORD"] == {"name": "lake", "key": "PASSWORD"}
    assert env["LAKE_USER"] == {"name": "lake", "key": "user.name"}
    assert properties(kube, "etl")["spark.kubernetes.executor.secretKeyRef.LAKE_USER"] == "lake:user.name"


def test_a_timeout_is_the_jobs_deadline(kube: FakeKube, staging: Staging, script: Path) -> None:
    submit(kube, "bdc", Application(str(script), name="etl", timeout_seconds=90), staging=staging)
    submit(kube, "bdc", Application(str(script), name="free"), staging=staging)
    assert kube.objects[f"{JOBS}/etl"]["spec"]["activeDeadlineSeconds"] == 90
    assert "activeDeadlineSeconds" not in kube.objects[f"{JOBS}/free"]["spec"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"packages": ("spark-avro",)}, "packages: 'spark-avro' is not group:artifact:version"),
        ({"exclude_packages": ("a:b:c",)}, "exclude-packages: 'a:b:c' is not group:artifact"),
        ({"timeout_seconds": 0}, "timeout: 0 s is no time"),
        ({"secrets": (SecretVariable("a", "k", "X"), SecretVariable("b", "k", "X"))}, "the variable X is set twice"),
    ],
)
def test_words_that_can_not_be_right(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        Application("etl.py", **wrong)


@pytest.mark.parametrize("text", ["lake", "Lake:X", "lake:1X", "lake/:X", "lake/k/k:X", ":X"])
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(UsageError, match="is not NAME:VARIABLE"):
        SecretVariable.parse(text)


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("My_Job v2.py", "My_Job%20v2.py"), ("100%.py", "100%25.py"), ("a%20b.py", "a%2520b.py"), ("a#b?c+d,e.py", "a%23b%3Fc%2Bd%2Ce.py"),
     ("größe.py", "gr%C3%B6%C3%9Fe.py"), ("a:b.py", "a_b.py")],
)  # fmt: skip
def test_an_applications_name_is_spelled_as_a_uri_has_it(
    kube: FakeKube, hdfs: FakeHdfs, staging: Staging, tmp_path: Path, name: str, encoded: str
) -> None:
    (tmp_path / name).write_text("print(1)\n")
    done = submit(kube, "bdc", Application(str(tmp_path / name), name="etl"), staging=staging)
    assert done.uris.main.rpartition("/")[2] == encoded
    assert list(hdfs.files) == [unquote(done.uris.main).removeprefix("hdfs://bdc")]
    assert pod_of(kube, "etl")["containers"][0]["args"][-1] == done.uris.main


def test_what_nobody_finds_by_its_name_has_a_plain_one(kube: FakeKube, staging: Staging, script: Path, tmp_path: Path) -> None:
    odd = tmp_path / "ft deps,[1]#%?.zip"
    with zipfile.ZipFile(odd, "w") as made:
        made.writestr("deps.py", "X = 1\n")
    jar = tmp_path / "my driver.jar"
    jar.write_bytes(odd.read_bytes())
    app = Application(str(script), name="etl", py_files=(str(odd),), jars=(str(jar),))
    submit(kube, "bdc", app, staging=staging)
    entries = properties(kube, "etl")
    assert entries["spark.submit.pyFiles"].endswith("/ft_deps__1____.zip")
    assert entries["spark.jars"].endswith("/my_driver.jar")


def test_files_and_archives_keep_their_names(kube: FakeKube, staging: Staging, script: Path, tmp_path: Path) -> None:
    for name in ("my data.csv", "100%.csv", "a#b.csv"):
        (tmp_path / name).write_text(name)
    archive = tmp_path / "my packages.tar.gz"
    with tarfile.open(archive, "w:gz") as made:
        made.add(script, "x.py")
    files = tuple(str(tmp_path / name) for name in ("my data.csv", "100%.csv", "a#b.csv"))
    app = Application(str(script), name="etl", files=files, archives=(str(archive), f"{archive}#packages"))
    submit(kube, "bdc", app, staging=staging)
    entries = properties(kube, "etl")
    assert [one.rpartition("/")[2] for one in entries["spark.files"].split(",")] == ["my%20data.csv", "100%25.csv", "a%23b.csv"]
    named = [one.rpartition("/")[2] for one in entries["spark.archives"].split(",")]
    assert named == ["my%20packages.tar.gz", "my%20packages.tar.gz#packages"]


@pytest.mark.parametrize("name", ["a,b.csv", "a?.csv", "a[1].csv", "a{1}.csv", "a*.csv", "a\\b.csv", "a:b.csv"])
def test_a_file_that_spark_would_lose_is_refused(
    kube: FakeKube, hdfs: FakeHdfs, staging: Staging, script: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(UsageError, match="in its name"):
        submit(kube, "bdc", Application(str(script), files=(str(tmp_path / name),)), staging=staging)
    assert hdfs.puts == 0


def test_a_uri_is_completed_and_not_encoded_twice(kube: FakeKube, staging: Staging) -> None:
    app = Application("hdfs:///apps/My Job%202.py", name="etl", files=("hdfs:///data/100%.csv", "local:///opt/a*.txt"))
    done = submit(kube, "bdc", app, staging=staging)
    assert done.uris.main == "hdfs:///apps/My%20Job%202.py"
    assert done.uris.files == ("hdfs:///data/100%25.csv", "local:///opt/a*.txt")


def test_a_file_in_a_folder_that_is_shut_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refused)  # the tests' own user may enter any folder
    with pytest.raises(UsageError, match=r"/shut/job\.py can't be read: Permission denied"):
        check_readable("/shut/job.py")
