"""The SQL master from within: statements that need no password, as one may be what is being changed, and who leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from bdc.errors import BdcError, UnhealthyError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.endpoints import endpoint, pods_of
from bdc.kube.exec import execute
from bdc.kube.selector import label_selector
from bdc.kube.wait import until

if TYPE_CHECKING:
    from bdc.config.model import Config

_PATRONICTL = ("patronictl", "-c", "/run/bdc/patroni.yml")
_HAND_OVER_SECONDS, _PAUSE_SECONDS = 60.0, 0.5


def run_as_superuser(kube: Kube, config: Config, database: str, statements: Iterable[str]) -> None:
    """Run statements in one transaction, all or none. No secret may be among them, but for verifiers of passwords.

    In the leader's pod the system's user postgres is the superuser. Raises UnhealthyError while the master has no leader.
    """
    leader = _leader(kube, config)
    if leader is None:
        raise UnhealthyError("the SQL master has no leader, so its roles can't be changed", "bdc up; bdc status shows the master")
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-U", "postgres", "-d", database]
    text = "".join(f"{statement}\n" for statement in statements)
    execute(kube, config.name, leader, "postgres", psql, stdin=f"BEGIN;\n{text}COMMIT;\n\\q\n")


def hand_over(kube: Kube, config: Config, say: Callable[[str], object]) -> None:
    """Where fewer servers are wanted, let one lead that stays.

    The leader would else end together with others, and with quorum commit (Patroni's) nobody who is left alone may take over. Raises
    UnhealthyError when none that stays can lead; nothing was changed then.
    """
    try:
        now = int(kube.request("GET", f"/apis/apps/v1/namespaces/{config.name}/statefulsets/master")["spec"]["replicas"])
    except ApiNotFoundError:
        return
    wanted, refused = config.master.replicas, "there is none now"

    def leads() -> bool:
        """Whether one that stays does."""
        nonlocal refused
        leader = _leader(kube, config)
        if leader and _ordinal(leader) < wanted:
            return True
        if leader:
            say(f"the SQL master's leader {leader} goes: another one takes over")
            refused = _switch_over(kube, config, leader, wanted) or refused
        return False

    def late() -> UnhealthyError:
        return UnhealthyError(
            f"fewer servers are wanted of the SQL master, and none that stays can lead it: {refused}",
            "bdc status shows who doesn't follow; nothing was changed, run bdc up again when all is well",
        )

    if now > wanted:
        until(leads, late, seconds=_HAND_OVER_SECONDS, pause_seconds=_PAUSE_SECONDS)


def _switch_over(kube: Kube, config: Config, leader: str, wanted: int) -> str | None:
    """Ask for a switchover to the first server that stays and can lead; why none could."""
    refused = None
    for candidate in (f"master-{number}" for number in range(wanted)):
        command = [*_PATRONICTL, "switchover", "master", "--leader", leader, "--candidate", candidate, "--force"]
        try:
            execute(kube, config.name, leader, "postgres", command, timeout_seconds=_HAND_OVER_SECONDS)
        except BdcError as error:
            refused = error.message
        else:
            return None
    return refused


def _leader(kube: Kube, config: Config) -> str | None:
    """The pod of the master's leader."""
    labels = label_selector(pods_of(config, endpoint("master")))
    pods = kube.request("GET", f"/api/v1/namespaces/{config.name}/pods", query={"labelSelector": labels})["items"]
    return next((str(pod["metadata"]["name"]) for pod in pods if not pod["metadata"].get("deletionTimestamp")), None)


def _ordinal(pod: str) -> int:
    return int(pod.rpartition("-")[2])
