"""Checks of the cluster's own objects: it is there, its pods run, its volumes are bound, nobody holds its lock."""

from __future__ import annotations

from datetime import datetime, timedelta

from bdc.config import workloads as catalogue
from bdc.config.names import COMPONENT, INSTANCE
from bdc.health.finding import Check, CheckContext, Finding, fail, named, ok, warn
from bdc.health.snapshot import Json, is_ready
from bdc.kube.diagnose import diagnose_pod
from bdc.kube.lease import DURATION_SECONDS
from bdc.kube.selector import label_selector
from bdc.kube.system_namespace import SYSTEM_NAMESPACE

RECENT = timedelta(minutes=15)
RESTARTED = timedelta(hours=1)
_APPLICATION = ("spark-driver", "spark-executor", "spark-console")
_JOB_ENDED = ("BackoffLimitExceeded", "DeadlineExceeded")
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def present(ground: CheckContext) -> Finding:
    """All workloads were made."""
    workloads = [one for part in catalogue.PARTS for one in ground.snapshot.of(part.name)]
    missing = [one.workload.title for one in workloads if one.obj is None]
    if missing:
        return fail(f"not made: {named(missing)}", "make them: bdc up")
    if away := [one.workload.title for one in workloads if one.obj and not one.obj["spec"].get("replicas", 1)]:
        return fail(f"scaled to nothing: {named(away)}", "bring them back: bdc up")
    short = [f"{one.workload.title} {one.ready} of {one.wanted}" for one in workloads if one.ready < one.wanted]
    if short:
        return fail(f"not ready: {named(short)}", "the checks below, or bdc status, say why")
    return ok(f"{len(workloads)} workloads with all replicas ready")


def pods(ground: CheckContext) -> Finding:
    """No pod of the cluster itself is stuck: crashing, unschedulable, without its volume. A user's failed application is no fault of it."""
    own = [pod for pod in ground.snapshot.pods if pod["metadata"]["labels"].get(COMPONENT) not in _APPLICATION or not _ended(pod)]
    for pod in own:
        if found := diagnose_pod(ground.kube, pod):
            logged = "its log says more: bdc logs " + found.pod if found.detail else found.hint
            return fail(f"pod {found.pod} {found.cause}", logged)
    return ok(f"none of {len(own)} is stuck")


def jobs(ground: CheckContext) -> Finding:
    """The Jobs that set the cluster up have not failed, nor has an application lately."""
    failed: dict[str, tuple[Json, datetime]] = {}
    for job in ground.namespaced("apis/batch/v1", "jobs", labelSelector=label_selector({INSTANCE: ground.cluster})):
        for one in job.get("status", {}).get("conditions") or []:
            if one["type"] == "Failed" and one["status"] == "True":
                failed[job["metadata"]["name"]] = (job, datetime.fromisoformat(one["lastTransitionTime"]))
    setup = [name for name, (job, _) in failed.items() if job["metadata"]["labels"].get(COMPONENT) != "spark-driver"]
    if setup:
        return fail(f"failed: {named(setup)}", f"see why: bdc logs {setup[0]}; then run bdc up again")
    lately = [name for name, (_, when) in failed.items() if ground.now() - when < RESTARTED]
    if lately:
        return warn(f"applications that failed in the last hour: {named(lately)}", f"see why: bdc spark logs {lately[0]}")
    return ok("none failed in the last hour")


def images(ground: CheckContext) -> Finding:
    """All images could be had."""
    broken = sorted(
        {
            str(status.get("image"))
            for pod in ground.snapshot.pods
            for status in [*_statuses(pod, "initContainerStatuses"), *_statuses(pod, "containerStatuses")]
            if ((status.get("state") or {}).get("waiting") or {}).get("reason") in _IMAGE
        }
    )
    if broken:
        return fail(
            f"can't be pulled: {named(broken)}", "build them (bdc images build) or push them where the nodes pull from (bdc images push)"
        )
    used = {one["image"] for pod in ground.snapshot.pods for one in pod["spec"].get("containers") or []}
    return ok(f"all {len(used)} in use are there")


def restarts(ground: CheckContext) -> Finding:
    """Nothing has crashed lately."""
    recent = []
    for pod in ground.snapshot.pods:
        for status in _statuses(pod, "containerStatuses"):
            ended = (status.get("lastState") or {}).get("terminated") or {}
            if ended.get("exitCode") and ground.now() - datetime.fromisoformat(ended["finishedAt"]) < RESTARTED:
                recent.append(f"{pod['metadata']['name']} ({ended.get('reason')}, exit {ended.get('exitCode')})")
    if any("OOMKilled" in one for one in recent):
        return warn(f"restarted in the last hour: {named(recent)}", "raise the memory_limit of that part in bdc.yaml, then bdc up")
    if recent:
        return warn(f"restarted in the last hour: {named(recent)}", "see why: bdc logs POD --previous")
    return ok("none in the last hour")


def volumes(ground: CheckContext) -> Finding:
    """All volume claims are bound."""
    claims = ground.namespaced("api/v1", "persistentvolumeclaims")
    loose = [f"{one['metadata']['name']} ({one['status'].get('phase')})" for one in claims if one["status"].get("phase") != "Bound"]
    if loose:
        return fail(f"not bound: {named(loose)}", "kubectl describe pvc says why; a StorageClass may be missing or full")
    return ok(f"{len(claims)} bound")


def budgets(ground: CheckContext) -> Finding:
    """PodDisruptionBudgets protect what is there, and let a node be drained."""
    found = ground.namespaced("apis/policy/v1", "poddisruptionbudgets")
    ill = [one["metadata"]["name"] for one in found if one["status"].get("currentHealthy", 0) < one["status"].get("desiredHealthy", 0)]
    if ill:
        return fail(f"fewer pods than their budgets want: {named(ill)}", "bdc status says which part; don't drain nodes now")
    stuck = [one["metadata"]["name"] for one in found if one["status"].get("expectedPods") and not one["status"].get("disruptionsAllowed")]
    if stuck:
        return warn(f"allow no pod to be moved: {named(stuck)}", "a node can't be drained until all their pods are ready")
    return ok(f"{len(found)} kept" if found else "none needed: every workload has one replica")


def terminating(ground: CheckContext) -> Finding:
    """No pod has been going for longer than it may."""
    slow = []
    for pod in ground.snapshot.pods:
        if gone := pod["metadata"].get("deletionTimestamp"):
            overdue = ground.now() - datetime.fromisoformat(gone)
            if overdue > timedelta(minutes=2):
                slow.append(pod["metadata"]["name"])
    if slow:
        return warn(f"don't end: {named(slow)}", "its node may be gone; kubectl delete pod NAME --force when you know that it is")
    return ok("all pods that were told to go have gone")


def events(ground: CheckContext) -> Finding:
    """Kubernetes has given no warning lately, but for pods that have become ready since or are gone."""
    settled = {pod["metadata"]["name"] for pod in ground.snapshot.pods if is_ready(pod) or pod["status"].get("phase") == "Succeeded"}
    there = {pod["metadata"]["name"] for pod in ground.snapshot.pods}
    warnings = []
    for event in ground.namespaced("api/v1", "events", fieldSelector="type=Warning"):
        last = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
        about = event["involvedObject"].get("name")
        if ground.now() - datetime.fromisoformat(last) < RECENT and not _past(event, there, settled):
            warnings.append((last, f"{about}: {event.get('reason')}: {str(event.get('message')).strip()[:160]}"))
    if warnings:
        newest = max(warnings)[1]
        return warn(f"{len(warnings)} in the last 15 minutes, the newest of {newest}", f"kubectl -n {ground.cluster} get events")
    return ok("no warning in the last 15 minutes")


def _past(event: Json, there: set[str], settled: set[str]) -> bool:
    about = event["involvedObject"]
    if about.get("kind") == "Job" and event.get("reason") in _JOB_ENDED:
        return True  # an application that failed or was killed is not the cluster's illness
    return about.get("kind") == "Pod" and (about.get("name") not in there or about.get("name") in settled)


def lock(ground: CheckContext) -> Finding:
    """Nobody is changing the cluster."""
    for lease in ground.items(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases"):
        spec = lease["spec"]
        if lease["metadata"]["name"] != f"bdc-{ground.cluster}" or not spec.get("holderIdentity"):
            continue
        age = ground.now() - datetime.fromisoformat(spec["renewTime"])
        if age < timedelta(seconds=DURATION_SECONDS):
            return warn(f"{spec['holderIdentity']} is changing the cluster now", "wait for it: parts may come and go")
        return warn(f"{spec['holderIdentity']} was interrupted {_ago(age)} ago while changing it", "finish it: bdc up")
    return ok("free")


def _ended(pod: Json) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")


def _statuses(pod: Json, kind: str) -> list[Json]:
    return list(pod.get("status", {}).get(kind) or [])


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 1440} days" if minutes >= 2880 else f"{minutes // 60} hours" if minutes >= 120 else f"{minutes} minutes"


CHECKS = (
    Check("workloads", "workloads", present),
    Check("pods", "pods", pods),
    Check("jobs", "Jobs", jobs),
    Check("images", "images", images),
    Check("restarts", "restarts", restarts),
    Check("volumes", "volumes", volumes),
    Check("budgets", "disruption budgets", budgets),
    Check("terminating", "pods that go", terminating),
    Check("events", "events", events),
    Check("lock", "lock of the cluster", lock),
)
