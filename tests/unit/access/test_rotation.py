"""Rotation on a cluster in memory: roles, Secrets and pods are simulated here, and e2e has the real ones.

The simulated endpoints take what they would: the master what its role has, the others what their pods started with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from bdc.access import master
from bdc.access.credentials import journal, rotate
from bdc.access.credentials.journal import Kind
from bdc.config.model import Config
from bdc.config.secret_data import encoded, texts
from bdc.engine import Change
from bdc.errors import BdcError, DeadlineError, UnhealthyError, UsageError
from bdc.kube import ApiError, ApiForbiddenError
from bdc_stacks import identity
from tests.unit.fake_kube import FakeKube, Json

CONFIG = Config()
WHERE = rotate.Endpoints("tls-0123abcd", ["a.example"])
SECRETS = "/api/v1/namespaces/bdc/secrets"
INTERNAL = {f"{name}-password": f"old-{name}" for name in ("superuser", "replication", "metastore", "trino")}
WRITES = ("POST", "PATCH", "DELETE", "SQL", "UP")


class Killed(BaseException):
    """kill -9."""


class Cluster(FakeKube):
    """Secrets and a leader; dies before its `alive`th write."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = 1000
        self.writes: list[str] = []
        self.roles = {
            "bdc": "old",
            "postgres": "old-superuser",
            "replicator": "old-replication",
            "metastore": "old-metastore",
            "trino": "x",
            "spark-etl": "old-spark",
        }
        self.running: dict[str, dict[str, str]] = {}
        ca = identity.authority("bdc")
        self.secret("credentials", {"username": "bdc", "password": "old", "token": "old-token"})
        self.secret("master-credentials", INTERNAL)
        self.secret("federation-internal", {"shared-secret": "old-shared"})
        self.secret("master-spark-etl", {"password": "old-spark"}, part="master")
        self.secret("connect-etl", {"token": "old-etl"}, part="spark")
        self.secret("ca", ca)
        self.secret(WHERE.tls, identity.certificate(ca, WHERE.hosts))
        labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/component": "master", "bdc.dev/role": "primary"}
        self.put("/api/v1/namespaces/bdc/pods/master-0", {"metadata": {"labels": labels}})
        self.up()
        self.writes.clear()

    def secret(self, name: str, values: dict[str, str], part: str = "") -> None:
        labels = {"app.kubernetes.io/instance": "bdc", "app.kubernetes.io/part-of": part}
        self.put(f"{SECRETS}/{name}", {"metadata": {"labels": labels}, "data": encoded(values)})

    def values(self, name: str) -> dict[str, str]:
        return texts(self.objects[f"{SECRETS}/{name}"]["data"])

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Json:
        if method in WRITES:
            self.write(f"{method} {path}")
        return super().request(method, path, body, **options)

    def write(self, what: str) -> None:
        if len(self.writes) >= self.alive:
            raise Killed
        self.writes.append(what)

    def execute(self, _kube: object, _namespace: str, pod: str, _container: str, _command: object, *, stdin: str) -> str:
        self.write("SQL")
        assert pod == "master-0"
        assert stdin.startswith("BEGIN;\n")
        assert stdin.endswith("COMMIT;\n\\q\n")
        assert "new-passw0rd" not in stdin
        self.roles |= dict(re.findall(r"ALTER ROLE \"([\w-]+)\" PASSWORD '([^']+)';", stdin))
        return ""

    def up(self) -> None:
        """Pods start with what their Secrets have now."""
        self.write("UP")
        self.running = {path.rpartition("/")[2]: texts(one["data"]) for path, one in self.objects.items() if "/secrets/" in path}

    def takes(self, endpoint: str, text: str) -> bool:
        if endpoint == "master":
            return proves(self.roles["bdc"], text)
        return self.running["credentials"][endpoint] == text


class FakeEngine:
    """The stacks of that cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.changes: list[Change] = []

    def locked(self) -> AbstractContextManager[None]:
        return nullcontext()

    def plan(self) -> list[Change]:
        return self.changes

    def up(self) -> dict[str, object]:
        self.cluster.up()
        return {}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(master, "execute", made.execute)
    monkeypatch.setattr(rotate, "_until_trino_knows", lambda *_: None)
    return made


def proves(verifier: str, text: str) -> bool:
    """Whether PostgreSQL would let this password in."""
    if not verifier.startswith("SCRAM-SHA-256$"):
        return verifier == text
    iterations, salt, stored, _ = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)", verifier).groups()  # type: ignore[union-attr]
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), base64.b64decode(salt), int(iterations))
    return hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest() == base64.b64decode(stored)


def run(cluster: Cluster, *kinds: Kind, password: str | None = None) -> tuple[Kind, ...]:
    engine: Any = FakeEngine(cluster)
    rotate.begin(cluster, CONFIG, engine, kinds, WHERE, password)
    return rotate.carry_out(cluster, CONFIG, engine, lambda _: None)


def test_a_rotation_changes_what_was_asked_and_no_more(cluster: Cluster) -> None:
    others = {name: cluster.values(name) for name in ("master-credentials", "federation-internal", "ca", WHERE.tls)}
    assert run(cluster, "password") == ("password",)
    now = cluster.values("credentials")
    assert now["password"] != "old"
    assert (now["username"], now["token"]) == ("bdc", "old-token")
    assert cluster.takes("master", now["password"])
    assert cluster.takes("password", now["password"])
    assert not cluster.takes("master", "old")
    assert {name: cluster.values(name) for name in others} == others
    assert cluster.roles["postgres"] == "old-superuser"
    assert journal.read(cluster, "bdc") is None


def test_internal_passwords(cluster: Cluster) -> None:
    run(cluster, "internal")
    now = cluster.values("master-credentials")
    assert all(proves(cluster.roles[role], now[f"{name}-password"]) for role, name in (("postgres", "superuser"), ("trino", "trino")))
    assert set(now.values()).isdisjoint(INTERNAL.values())
    assert cluster.values("federation-internal")["shared-secret"] != "old-shared"
    assert cluster.values("credentials")["password"] == "old"
    assert proves(cluster.roles["spark-etl"], cluster.values("master-spark-etl")["password"])
    assert cluster.values("connect-etl") == {"token": "old-etl"}


def test_certificates_are_from_the_same_authority(cluster: Cluster) -> None:
    before, ca = cluster.values(WHERE.tls), cluster.values("ca")
    run(cluster, "certificates")
    after = cluster.values(WHERE.tls)
    assert cluster.values("ca") == ca
    assert after["tls.crt"] != before["tls.crt"]
    assert after["ca.crt"] == before["ca.crt"]
    assert "SQL" not in cluster.writes


def test_another_authority_signs_another_certificate(cluster: Cluster) -> None:
    from cryptography.x509 import load_pem_x509_certificate as load

    before = cluster.values("ca")
    assert run(cluster, "ca") == ("certificates", "ca")
    ca, tls = cluster.values("ca"), cluster.values(WHERE.tls)
    assert ca["ca.crt"] != before["ca.crt"]
    assert tls["ca.crt"] == ca["ca.crt"]
    load(tls["tls.crt"].encode()).verify_directly_issued_by(load(ca["ca.crt"].encode()))


@pytest.mark.parametrize("again", ["rotate", "up"])
@pytest.mark.parametrize("alive", range(11))
def test_killed_at_any_write_the_next_run_finishes(cluster: Cluster, alive: int, again: str) -> None:
    kinds: tuple[Kind, ...] = ("password", "token", "internal", "ca")
    cluster.alive = alive
    with pytest.raises(Killed):
        run(cluster, *kinds)
    begun, now = journal.read(cluster, "bdc"), cluster.values("credentials")
    known = {key: {now[key], "old" if key == "password" else "old-token"} for key in ("password", "token")}
    for (name, key), value in begun.values.items() if begun else ():
        if name == "credentials":
            known[key].add(value)
    for endpoint, key in (("master", "password"), ("password", "password"), ("token", "token")):
        assert any(cluster.takes(endpoint, text) for text in known[key]), endpoint
    cluster.alive = 1000
    if again == "rotate":
        run(cluster, *kinds)
    else:
        engine: Any = FakeEngine(cluster)
        rotate.carry_out(cluster, CONFIG, engine, lambda _: None)
    wanted = "old" if begun is None and again == "up" else cluster.values("credentials")["password"]
    assert journal.read(cluster, "bdc") is None
    assert cluster.takes("master", wanted)
    assert cluster.takes("password", wanted)
    assert (wanted == "old") is (alive == 0 and again == "up")
    assert cluster.running["credentials"] == cluster.values("credentials")


def test_the_writes_that_a_kill_may_fall_between(cluster: Cluster) -> None:
    run(cluster, "password", "token", "internal", "ca")
    assert [line.replace(f"{SECRETS}/", "") for line in cluster.writes] == [
        f"POST {SECRETS}", "SQL", "PATCH ca", "PATCH connect-etl", "PATCH credentials", "PATCH federation-internal",
        "PATCH master-credentials", "PATCH master-spark-etl", f"PATCH {WHERE.tls}", "UP", "DELETE rotation",
    ]  # fmt: skip


def test_what_a_begun_rotation_has_not_changed_is_told(cluster: Cluster) -> None:
    assert journal.unsettled(cluster, "bdc") == {}
    cluster.alive = 1
    with pytest.raises(Killed):
        run(cluster, "password", "token")
    assert journal.unsettled(cluster, "bdc") == {"connect-etl": ["token"], "credentials": ["password", "token"]}


def test_a_begun_rotation_keeps_its_values_but_for_a_given_password(cluster: Cluster) -> None:
    cluster.alive = 1
    with pytest.raises(Killed):
        run(cluster, "internal", "password")
    begun = journal.read(cluster, "bdc")
    assert begun is not None
    cluster.alive = 1000
    run(cluster, "password", password="new-passw0rd")
    assert cluster.takes("master", "new-passw0rd")
    assert cluster.values("master-credentials")["superuser-password"] == begun.values["master-credentials", "superuser-password"]


def test_a_master_that_starts_with_the_stacks(cluster: Cluster) -> None:
    pod = cluster.objects.pop("/api/v1/namespaces/bdc/pods/master-0")
    engine: Any = FakeEngine(cluster)
    rotate.begin(cluster, CONFIG, engine, ["password"], WHERE, None)
    with pytest.raises(UnhealthyError, match="no leader"):
        rotate.carry_out(cluster, CONFIG, engine, lambda _: None)
    assert cluster.values("credentials")["password"] == "old"

    def up() -> dict[str, object]:
        cluster.put("/api/v1/namespaces/bdc/pods/master-0", pod)
        cluster.up()
        return {}

    engine.up = up
    assert rotate.carry_out(cluster, CONFIG, engine, lambda _: None) == ("password",)
    assert cluster.takes("master", cluster.values("credentials")["password"])


def test_other_changes_are_refused(cluster: Cluster) -> None:
    engine: Any = FakeEngine(cluster)
    engine.changes = [Change("update", "ConfigMap", "hadoop-conf", "storage", ("data",))]
    with pytest.raises(BdcError, match="1 changes"):
        rotate.begin(cluster, CONFIG, engine, ["password"], WHERE, None)
    assert journal.read(cluster, "bdc") is None


def test_a_journal_that_somebody_else_wrote_is_not_dropped(cluster: Cluster) -> None:
    first = journal.stage(cluster, "bdc", ["token"], tls=WHERE.tls, hosts=WHERE.hosts)
    second = journal.stage(cluster, "bdc", ["password"], tls=WHERE.tls, hosts=WHERE.hosts)
    journal.finish(cluster, "bdc", first)
    assert journal.read(cluster, "bdc") == second
    journal.finish(cluster, "bdc", second)
    journal.finish(cluster, "bdc", second)
    assert journal.read(cluster, "bdc") is None


def test_a_certificate_that_is_no_longer_there_is_passed_over(cluster: Cluster) -> None:
    begun = journal.stage(cluster, "bdc", ["certificates"], tls="tls-ffffffff", hosts=WHERE.hosts)
    journal.settle(cluster, CONFIG, begun)
    cluster.fail("PATCH", "credentials", ApiForbiddenError(403, "Forbidden", "no"))
    with pytest.raises(ApiError):
        journal.settle(cluster, CONFIG, journal.stage(cluster, "bdc", ["token"], tls=WHERE.tls, hosts=WHERE.hosts))


def test_nothing_shows_a_secret(cluster: Cluster) -> None:
    begun = journal.stage(cluster, "bdc", ["password"], tls=WHERE.tls, hosts=WHERE.hosts, password="new-passw0rd")
    assert "new-passw0rd" not in repr(begun)
    assert begun.kinds == ("password",)


def test_revisions_follow_the_values_and_tell_nothing_without_the_key(cluster: Cluster) -> None:
    before = journal.revisions(cluster, "bdc", WHERE.tls, "key")
    assert before == journal.revisions(cluster, "bdc", WHERE.tls, "key")
    assert set(before.values()).isdisjoint(journal.revisions(cluster, "bdc", WHERE.tls, "another").values())
    run(cluster, "token")
    after = journal.revisions(cluster, "bdc", WHERE.tls, "key")
    assert {item for item in before if before[item] != after[item]} == {("credentials", "token"), ("connect-etl", "token")}
    assert ("ca", "ca.key") not in before


@pytest.mark.parametrize("text", ["sesame-open!", "A" * 128, "x#%&()*+,-./:;<=>?@[]^_{|}~!"])
def test_passwords_that_can_be(text: str) -> None:
    journal.check_password(text)
    assert proves(identity.scram_verifier(text), text)


BAD = ["", "too-short-1", "A" * 129, "with a blank", 'quote"quote"', "it's-its-its", "dollar$dollar", "back\\slash\\", "tick`tick`tick",
       "tab\ttab\ttab\t", "pässwörter-sind", "new\nline\nnew\nline"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_passwords_that_can_not_be(text: str) -> None:
    with pytest.raises(UsageError, match="can't be used") as raised:
        journal.check_password(text)
    assert not text or text not in f"{raised.value} {raised.value.hint}"


def test_a_trino_that_never_takes_the_new_password_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotate, "_TRINO_SECONDS", 0.0)
    monkeypatch.setattr(rotate, "refusal", lambda *_: "HTTP status 401")
    with pytest.raises(DeadlineError, match="Trino doesn't take the new password: HTTP status 401"):
        rotate._until_trino_knows(Cluster(), CONFIG, "new")
