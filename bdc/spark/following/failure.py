"""Why an application failed: the cause first, found in the end of the driver's log and in what Kubernetes says of its pods.

Pure, and ordered by what is nearest to the truth: what happened to the driver's container (killed for memory, its image, its
node), then what the log says (a Python exception, a missing class or file, the deepest Java cause), then the bare exit code.
Spark calls any SIGKILL of an executor "OOM", so an executor is said to have run out of memory only when Kubernetes says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bdc.spark.following.traceback import last_exception
from bdc.spark.labels import CONTAINER, EXECUTOR_CONTAINER, TIMEOUT
from bdc.spark.state import unschedulable

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """What went wrong in one line, where (file and line, when known), and what to do about it (when known)."""

    what: str
    where: str | None = None
    hint: str | None = None


def explain(log: Sequence[str], driver: Json | None, executors: Sequence[Json] = ()) -> Cause:
    """The cause of a failure, from the last lines of the driver's log, its pod, and the executors' pods that are left."""
    return (
        (_driver(driver) if driver else None)
        or _executors(executors)
        or _missing(log)
        or _python(log)
        or _lost_executor(log)
        or _java(log)
        or _last(driver, log)
    )


def late(job: Json, waited_for: str | None) -> Cause:
    """The cause of an application that had not ended by its deadline; `waited_for`: what kept it from running, when it never ran."""
    seconds = (job["metadata"].get("annotations") or {}).get(TIMEOUT) or job.get("spec", {}).get("activeDeadlineSeconds")
    if waited_for is None:
        return Cause(f"it had not ended after its --timeout of {seconds} s", hint="give it longer, or more executors")
    found = _unschedulable(waited_for) if re.match(r"\d+/\d+ nodes", waited_for) else Cause(waited_for)
    return Cause(f"it had not begun after its --timeout of {seconds} s: {found.what}", hint=found.hint)


def _driver(pod: Json) -> Cause | None:
    status = pod.get("status", {})
    if status.get("reason") in ("Evicted", "Preempting", "NodeLost", "Shutdown", "Terminated"):
        return Cause(f"the driver's pod was removed from its node: {status.get('message') or status['reason']}", hint="submit it again")
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _unschedulable(unschedulable(condition))
    container = _container(pod, CONTAINER)
    state = container.get("state") or {}
    if waiting := state.get("waiting"):
        return _not_started(str(waiting.get("reason")), str(waiting.get("message") or ""), str(container.get("image")))
    if (state.get("terminated") or {}).get("reason") == "OOMKilled":
        return Cause(
            f"the driver was killed because it used more than its {_limit(pod, CONTAINER)} of memory",
            hint="give it a larger heap with --driver-memory, or, for Python work outside the JVM, --conf spark.driver.memoryOverhead=1g",
        )
    return None


def _unschedulable(message: str) -> Cause:
    hint = None
    if "Insufficient memory" in message:
        hint = "ask for less (--driver-memory), or end something: bdc spark list"
    elif "Insufficient cpu" in message:
        hint = "ask for fewer cores (--driver-cores), or end something: bdc spark list"
    return Cause(f"no node takes the driver: {message}", hint=hint)


def _not_started(reason: str, message: str, image: str) -> Cause | None:
    if reason in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"):
        return Cause(f"the image {image} can't be pulled: {message or reason}", hint="bdc doctor checks images and registry")
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
        return Cause(f"the driver's container can't start: {message or reason}", hint="bdc doctor")
    return None


def _executors(pods: Sequence[Json]) -> Cause | None:
    for pod in pods:
        ended = (_container(pod, EXECUTOR_CONTAINER).get("state") or {}).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            return Cause(
                f"executor {pod['metadata'].get('labels', {}).get('spark-exec-id', '?')} was killed because it used more than its "
                f"{_limit(pod, EXECUTOR_CONTAINER)} of memory",
                hint="give executors more with --executor-memory, or, for Python functions, --conf spark.executor.memoryOverhead=1g",
            )
    return None


_NO_CLASS = re.compile(r"(?:Error: Failed to load class |ClassNotFoundException: |NoClassDefFoundError: )([\w.$/]+)")
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
_NO_FILE = re.compile(r"(?:FileNotFoundException: File (?:does not exist: )?|can't open file ')([^' ]+)")
_NO_MAIN = re.compile(r"Error: (?:No main class set in JAR|Main class .* not found).*|NoSuchMethodException: (\S+\.main)\(")


def _missing(log: Sequence[str]) -> Cause | None:
    for line in reversed(log):
        if match := _NO_CLASS.search(line):
            return Cause(f"no such class: {match[1].rstrip('.').replace('/', '.')}", hint="check --class; add what it needs with --jars")
        if match := _NO_MODULE.search(line):
            return Cause(f"no such Python module: {match[1]}", hint="send it with --py-files module.py or package.zip")
        if _NO_MAIN.search(line):
            return Cause("the class to run has no main method, or no such class is in the jar", hint="check --class")
    if not any(line.startswith("Traceback") for line in log):
        for line in reversed(log):
            if match := _NO_FILE.search(line):
                return Cause(f"no such file: {match[1]}", hint="check the path: bdc hdfs ls shows what is on HDFS")
    return None


def _python(log: Sequence[str]) -> Cause | None:
    found = last_exception(log)
    if found is None:
        return None
    what = found.text
    if "Py4JJavaError" in what or what.startswith("py4j."):
        java = _java(log)
        what = java.what if java else what
    return Cause(what, found.where, _advice(what))


_LOST = re.compile(r"ExecutorLostFailure \(executor (\S+) exited .*?\) Reason: (.*)")


def _lost_executor(log: Sequence[str]) -> Cause | None:
    for line in reversed(log):
        if match := _LOST.search(line):
            reason = re.split(r"Driver stacktrace|\s{2,}", match[2])[0].strip()
            hint = None
            if re.search(r"exit(?:ed with)? (?:code|status) 137|OOM", reason):
                hint = "it was killed, most often for memory: --executor-memory, or --conf spark.executor.memoryOverhead=1g for Python"
            return Cause(f"executor {match[1]} was lost: {reason}", hint=hint)
    return None


_CAUSED = re.compile(r"^\s*Caused by: (.+)")
_CLASS = r"(?:[a-z][\w$]*\.){2,}[A-Z][\w$]*(?:Exception|Error)"
_THROWN = re.compile(rf'^(?:Exception in thread "[^"]*" |: |.* (?:ERROR|FATAL) .*?: )?({_CLASS}(?::.*)?)$')


def _java(log: Sequence[str]) -> Cause | None:
    thrown = [match[1].strip() for line in log if (match := _CAUSED.match(line))]
    if not thrown:
        thrown = [match[1].strip() for line in log if (match := _THROWN.match(line))]
    if not thrown:
        return None
    return Cause(_short(thrown[-1]), hint=_advice(thrown[-1]))


def _short(thrown: str) -> str:
    """org.apache.spark.SparkException: text -> SparkException: text."""
    name, colon, text = thrown.partition(":")
    return name.rsplit(".", 1)[-1] + colon + text


def _advice(what: str) -> str | None:
    if "Java heap space" in what or "GC overhead limit" in what:
        return "give the heap more: --driver-memory for what is collected, --executor-memory for what is computed"
    if "spark.driver.maxResultSize" in what:
        return "collect less, or raise --conf spark.driver.maxResultSize together with --driver-memory"
    if "PATH_NOT_FOUND" in what or "does not exist: hdfs" in what:
        return "check the path: bdc hdfs ls shows what is on HDFS"
    if "SafeModeException" in what:
        return "HDFS is starting up or short of blocks: bdc status"
    if "AccessControlException" in what:
        return "change the owner or the mode of that path: bdc hdfs chown, chmod"
    return None


def _last(driver: Json | None, log: Sequence[str]) -> Cause:
    ended = ((_container(driver, CONTAINER).get("state") or {}) if driver else {}).get("terminated") or {}
    code = ended.get("exitCode")
    if code is None:
        return Cause("its driver's pod is gone, so nothing says why", hint="a node may have failed; bdc doctor")
    if code > 128:
        return Cause(f"the driver was ended by signal {code - 128}")
    line = next((line.strip() for line in reversed(log) if line.strip()), None)
    return Cause(f"the driver ended with exit code {code}" + (f"; its last line: {line[:200]}" if line else " and printed nothing"))


def _container(pod: Json, name: str) -> Json:
    for container in pod.get("status", {}).get("containerStatuses") or []:
        if container["name"] == name:
            return dict(container)
    return {}


def _limit(pod: Json, name: str) -> str:
    for container in pod.get("spec", {}).get("containers") or []:
        if container["name"] == name:
            return str(container.get("resources", {}).get("limits", {}).get("memory", "limit"))
    return "limit"
