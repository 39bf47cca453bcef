"""Applications as they are in the cluster now: one, all, and their logs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bdc.config.names import APPLICATION
from bdc.errors import NotFoundError
from bdc.kube import ApiNotFoundError, Kube
from bdc.kube.podlog import PodLog
from bdc.spark.labels import CONTAINER, DRIVER, EXECUTOR, EXECUTOR_CONTAINER, JOB, application_selector
from bdc.spark.state import Status, status

_PAGE = 500


def job_path(namespace: str, name: str = "") -> str:
    """Path of an application's Job, or of all Jobs."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs" + (f"/{name}" if name else "")


def cron_job_path(namespace: str, name: str = "") -> str:
    """Path of a schedule's CronJob, or of all CronJobs."""
    return f"/apis/batch/v1/namespaces/{namespace}/cronjobs" + (f"/{name}" if name else "")


def pods_path(namespace: str) -> str:
    """Path of the pods."""
    return f"/api/v1/namespaces/{namespace}/pods"


def get(kube: Kube, namespace: str, name: str) -> Status:
    """One application. Raises NotFoundError."""
    job = get_job(kube, namespace, name)
    return status(job, list_all(kube, pods_path(namespace), application_selector(DRIVER, name)))


def get_job(kube: Kube, namespace: str, name: str) -> dict[str, Any]:
    """The Job of an application. Raises NotFoundError, also for a Job that is something else."""
    try:
        job = kube.request("GET", job_path(namespace, name))
    except ApiNotFoundError:
        raise missing(name) from None
    if APPLICATION not in job["metadata"].get("labels", {}):
        raise missing(name)
    return job


def missing(name: str) -> NotFoundError:
    """The error for a name that no application has."""
    return NotFoundError(f"there is no application {name}", "bdc spark list shows all")


def listing(kube: Kube, namespace: str) -> list[Status]:
    """All applications, the newest first. Two lists whatever their number."""
    pods: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for pod in list_all(kube, pods_path(namespace), application_selector()):
        pods[pod["metadata"]["labels"].get(JOB, "")].append(pod)
    jobs = list_all(kube, job_path(namespace), application_selector())
    found = [status(job, pods[job["metadata"]["name"]]) for job in jobs]
    return sorted(found, key=lambda entry: (entry.created, entry.name), reverse=True)


def list_all(kube: Kube, path: str, selector: str, fields: str = "") -> list[dict[str, Any]]:
    """All objects that a label selector matches, and a field selector where there is one; in pages."""
    items: list[dict[str, Any]] = []
    query: dict[str, str | int | bool] = {"labelSelector": selector, "limit": _PAGE, **({"fieldSelector": fields} if fields else {})}
    while True:
        page = kube.request("GET", path, query=query)
        items += page.get("items") or []
        token = page.get("metadata", {}).get("continue")
        if not token:
            return items
        query["continue"] = token


def log_of(kube: Kube, namespace: str, name: str, executor: int | None = None, tail: int | None = None) -> PodLog:
    """The log of the newest driver, or of an executor by its number. Raises NotFoundError when there is no such pod."""
    if executor is None:
        pod = get(kube, namespace, name).pod
        if pod is None:
            raise NotFoundError(f"{name} has no driver pod, so there is no log", "see what it waits for: bdc spark status " + name)
        return PodLog(kube, namespace, pod, CONTAINER, tail=tail)
    get_job(kube, namespace, name)
    pods = [pod["metadata"] for pod in list_all(kube, pods_path(namespace), application_selector(EXECUTOR, name))]
    numbers = {str(pod["labels"].get("spark-exec-id")): str(pod["name"]) for pod in sorted(pods, key=lambda pod: pod["creationTimestamp"])}
    if str(executor) not in numbers:
        there = ", ".join(sorted(numbers, key=int)) or "none"
        raise NotFoundError(
            f"{name} has no executor {executor} now; there are: {there}",
            "executors and their logs go when the application ends; what they ran is in bdc spark history",
        )
    return PodLog(kube, namespace, numbers[str(executor)], EXECUTOR_CONTAINER, tail=tail)


def read_log(kube: Kube, namespace: str, name: str, *, executor: int | None = None, tail: int | None = None) -> list[str]:
    """The lines of a log as it is now. Raises NotFoundError."""
    return log_of(kube, namespace, name, executor, tail).read(final=True)
