"""`bdc doctor`: all checks, those of the Kubernetes API first, as nothing else can be asked without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bdc.errors import BdcError, NotFoundError
from bdc.health.checks import access, engines, kubernetes, network, nodes, workloads
from bdc.health.finding import Check, CheckContext, Finding, Level, Result, fail, warn
from bdc.kube import ApiForbiddenError, UnreachableError

CHECKS: tuple[Check, ...] = (*kubernetes.CHECKS, *nodes.CHECKS, *workloads.CHECKS, *engines.CHECKS, *access.CHECKS, *network.CHECKS)
"""All checks in the order of their report."""

_THREADS = 8


def examine(ground: CheckContext, checks: Sequence[Check] = CHECKS) -> Iterator[Result]:
    """Run the checks, many at a time, and yield what they found in their order; only the first when there is no Kubernetes."""
    first, *others = checks
    found = run(first, ground)
    yield Result(first, found)
    if found.level is Level.FAIL:
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        for check, finding in zip(others, pool.map(lambda check: run(check, ground), others), strict=True):
            yield Result(check, finding)


def run(check: Check, ground: CheckContext) -> Finding:
    """Run one check; whatever it raises is a finding."""
    try:
        return check.run(ground)
    except NotFoundError as error:
        return fail(error.message, error.hint)
    except UnreachableError as error:
        return fail(error.message, error.hint)
    except ApiForbiddenError as error:
        return warn(f"not checked: {error.message}", error.hint)
    except BdcError as error:
        return fail(error.message, error.hint)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        return warn(f"not checked: {type(error).__name__}: {error}", "run again with --debug and report it if it stays")
