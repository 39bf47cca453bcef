"""Submit: stage the files, make the objects, release the Job, or the CronJob of a schedule. About six small requests; no JVM.
In a pool with bounds a released Job begins when it is its turn, which is at once where there is room.

An application with a name is made once: a second submit with the same name is refused, or with `exist_ok` gives the one that is
there, provided that it asks for the same (by digest); one whose submit was interrupted is then finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bdc.config.names import APPLICATION
from bdc.errors import BdcError, UsageError
from bdc.kube import ApiConflictError, ApiInvalidError, ApiNotFoundError, Kube
from bdc.spark.admission import bounds
from bdc.spark.application import Application, Schedule, check_schedule_name, unique_name
from bdc.spark.defaults import defaults_of
from bdc.spark.environments import Environment
from bdc.spark.labels import DIGEST, KILLED, RELEASED
from bdc.spark.queries import cron_job_path, job_path
from bdc.spark.scheduling.feasible import check_room, check_secrets
from bdc.spark.scheduling.pools import chosen
from bdc.spark.scheduling.queueing import admit
from bdc.spark.scheduling.sizing import begins_with, fitted
from bdc.spark.settings import HDFS_USER, Uris, driver, properties
from bdc.spark.submission.manifests import Plan, cron_job, job, settings
from bdc.spark.submission.staging import Staging

_SCHEDULE_HINT = 'five fields: minute hour day month weekday, e.g. "30 2 * * 1-5"; time zones have names such as Europe/Paris'


@dataclass(frozen=True)
class Submitted:
    """An application or a schedule that is in the cluster; `created` is False when it was there before (exist_ok)."""

    name: str
    created: bool
    uris: Uris
    pool: str | None = None


def submit(
    kube: Kube,
    cluster: str,
    app: Application,
    *,
    staging: Staging,
    schedule: Schedule | None = None,
    environment: Environment | None = None,
    exist_ok: bool = False,
) -> Submitted:
    """Start an application; returns when its Job is released, before its driver runs. With `schedule` it will be started again and again.

    `environment` is the one that `app.environment` means.

    Raises UsageError for anything wrong with the application (a name in use, a file, a setting), NotFoundError when there is no
    such cluster, and what the Kubernetes API and HDFS raise.
    """
    name = app.name or unique_name(app.file)
    if schedule:
        check_schedule_name(name)
    pool = chosen(kube, cluster, app.pool)
    defaults = defaults_of(kube, pool.namespace)
    if kube.person:
        defaults[HDFS_USER] = kube.person.name
    limit = bounds(defaults)

    def settled(uris: Uris) -> dict[str, str]:
        entries = properties(app, cluster, defaults, uris, pool.namespace)
        return fitted(entries, defaults, limit) if limit else entries

    check_room(kube, settled(Uris(app.file)))  # what is wrong is said before anything is sent
    check_secrets(kube, pool.namespace, app.secrets)
    if app.name:
        _check_free(kube, pool.namespace, name, schedule, exist_ok=exist_ok)
    uris = staging.uris(app)
    if environment:
        uris = replace(uris, archives=(*uris.archives, environment.uri))
    entries = settled(uris)
    asks = begins_with(entries) if limit else None
    plan = Plan(cluster, pool.namespace, name, app, uris.main, entries, driver(entries), _digest(app, uris, schedule), schedule, asks)
    created = _create(kube, plan, exist_ok=exist_ok)
    if limit and not schedule and not kube.person:  # an ordinary user's begins when the controller has seen it
        admit(kube, pool.namespace, limit, only=name)
    return Submitted(name, created, uris, pool.name)


def _create(kube: Kube, plan: Plan, *, exist_ok: bool) -> bool:
    """Make the objects; whether the Job or CronJob is new."""
    created = True
    path = cron_job_path if plan.schedule else job_path
    try:
        owner = kube.request("POST", path(plan.namespace), cron_job(plan, plan.schedule) if plan.schedule else job(plan))
    except ApiInvalidError as error:
        if plan.schedule:
            raise UsageError(f"the schedule is refused: {error.message}", _SCHEDULE_HINT) from error
        raise
    except ApiConflictError:
        owner = _same(_existing(kube, path(plan.namespace, plan.name)), plan, exist_ok=exist_ok)
        created = False
        if not owner["spec"].get("suspend") or RELEASED in owner["metadata"].get("annotations", {}):
            return False
    try:
        _post(kube, f"/api/v1/namespaces/{plan.namespace}/configmaps", settings(plan, owner))
        release = {"metadata": {"annotations": {RELEASED: "true"}}, "spec": {"suspend": plan.waits and not plan.schedule}}
        kube.patch(path(plan.namespace, plan.name), release)
    except BaseException:
        if created:
            with contextlib.suppress(BdcError):
                kube.request("DELETE", path(plan.namespace, plan.name), query={"propagationPolicy": "Background"})
        raise
    return created


def _post(kube: Kube, path: str, manifest: Mapping[str, Any]) -> None:
    """Make an object; one that an interrupted submit of this same Job made is as good, any other is in the way."""
    try:
        kube.request("POST", path, manifest)
    except ApiConflictError:
        there = kube.request("GET", f"{path}/{manifest['metadata']['name']}")
        uid = manifest["metadata"]["ownerReferences"][0]["uid"]
        if uid not in [owner["uid"] for owner in there["metadata"].get("ownerReferences") or []]:
            raise UsageError(
                f"there is another {manifest['kind']} {manifest['metadata']['name']}",
                "an application of this name may just have been deleted: try again, or choose another --name",
            ) from None


def _check_free(kube: Kube, namespace: str, name: str, schedule: Schedule | None, *, exist_ok: bool) -> None:
    """Applications and schedules share their names; with `exist_ok`, one of the same kind may be there."""
    for path, same_kind in ((job_path, not schedule), (cron_job_path, bool(schedule))):
        if not (exist_ok and same_kind) and _existing(kube, path(namespace, name)):
            raise _in_use(name)


def _existing(kube: Kube, path: str) -> dict[str, Any] | None:
    try:
        return kube.request("GET", path)
    except ApiNotFoundError:
        return None


def _same(found: dict[str, Any] | None, plan: Plan, *, exist_ok: bool) -> dict[str, Any]:
    metadata = (found or {}).get("metadata", {})
    if not found or not exist_ok or metadata.get("labels", {}).get(APPLICATION) != plan.name:
        raise _in_use(plan.name)
    annotations = metadata.get("annotations", {})
    if annotations.get(DIGEST) != plan.digest:
        what = "a schedule" if plan.schedule else "an application"
        raise UsageError(f"there is {what} {plan.name} that asks for something else", "choose another --name, or delete that one")
    if KILLED in annotations and found["spec"].get("suspend"):
        found["spec"]["suspend"] = False  # killed before it was released: it stays so
    return found


def _in_use(name: str) -> UsageError:
    return UsageError(
        f"the name {name} is in use",
        f"choose another --name, delete it (bdc spark delete {name}, or bdc spark schedules delete {name}), or take it with --exist-ok",
    )


def _digest(app: Application, uris: Uris, schedule: Schedule | None) -> str:
    local = dict.fromkeys(("file", "py_files", "files", "jars", "archives"))
    asked = {**asdict(app), **local, "conf": dict(app.conf), "uris": asdict(uris)} | ({"schedule": asdict(schedule)} if schedule else {})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
