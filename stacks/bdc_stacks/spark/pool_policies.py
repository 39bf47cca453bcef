"""What Kubernetes itself refuses in a Spark pool with bounds, so that they hold for everybody and not only for who goes through bdc.

Who waits for the controller is asked of: ordinary users of the cluster, and the accounts of the pools, which drivers have. An
administrator isn't. Expressions are CEL: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from typing import Any

from bdc.config.names import POOL_GATE, pool_namespace, user_account

Json = dict[str, Any]


def _gated(pod: str) -> str:
    return f"(has({pod}.spec.schedulingGates) && {pod}.spec.schedulingGates.exists(gate, gate.name == '{POOL_GATE}'))"


def pool_policies(cluster: str) -> list[Json]:
    """Names and specs of the ValidatingAdmissionPolicies."""
    return [
        {"name": "pool-jobs", "spec": _policy(cluster, "batch", "v1", ["jobs"], _JOBS)},
        {"name": "pool-schedules", "spec": _policy(cluster, "batch", "v1", ["cronjobs"], _SCHEDULES)},
        {"name": "pool-pods", "spec": _policy(cluster, "", "v1", ["pods"], _PODS)},
    ]


def _policy(cluster: str, group: str, version: str, kinds: list[str], validations: list[Json]) -> Json:
    people = f"system:serviceaccount:{cluster}:{user_account('')}"
    applications = f"system:serviceaccount:{pool_namespace(cluster, '')}"
    who = f"request.userInfo.username.startsWith('{people}') || request.userInfo.username.startsWith('{applications}')"
    rules = [{"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE", "UPDATE"], "resources": kinds}]
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "who-waits", "expression": who}],
        "validations": validations,
    }


def _check(expression: str, message: str) -> Json:
    return {"expression": expression, "message": message}


_NO_SYSTEM_PRIORITY = "!has({pod}.spec.priorityClassName) || !{pod}.spec.priorityClassName.startsWith('system-')"
_PRIORITY = "a pool's pods have the pool's priority"
_ONE = "an application of this pool has one driver: leave out parallelism"
_ONE_DRIVER = "!has({job}.parallelism) || {job}.parallelism <= 1"  # the controller counts one
_JOBS = [
    _check(_ONE_DRIVER.format(job="object.spec"), _ONE),
    _check(
        "(has(object.spec.suspend) && object.spec.suspend) || (has(object.spec.parallelism) && object.spec.parallelism == 0)"
        " || (request.operation == 'UPDATE' && !(has(oldObject.spec.suspend) && oldObject.spec.suspend)"
        " && !(has(oldObject.spec.parallelism) && oldObject.spec.parallelism == 0))",
        "an application of this pool begins when bdc's controller finds room for it: make its Job suspended",
    ),
    _check(_NO_SYSTEM_PRIORITY.format(pod="object.spec.template"), _PRIORITY),
]
_SCHEDULES = [
    _check(_ONE_DRIVER.format(job="object.spec.jobTemplate.spec"), _ONE),
    _check(
        "has(object.spec.jobTemplate.spec.suspend) && object.spec.jobTemplate.spec.suspend",
        "an application of this pool begins when bdc's controller finds room for it: make the schedule's Jobs suspended",
    ),
    _check(_NO_SYSTEM_PRIORITY.format(pod="object.spec.jobTemplate.spec.template"), _PRIORITY),
]
_PODS = [
    _check(
        f"{_gated('object')} || (request.operation == 'UPDATE' && !{_gated('oldObject')})",
        f"a pod of this pool waits until bdc's controller finds room for it: give it the scheduling gate {POOL_GATE}",
    ),
    _check(_NO_SYSTEM_PRIORITY.format(pod="object"), _PRIORITY),
]
