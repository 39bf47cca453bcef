"""The Spark pool of a cluster for Python programs: what `bdc spark` does, without a command line.

from bdc.spark import Application, Client

spark = Client()
done = spark.submit(Application("etl.py", arguments=("--day", "2013-07-04")))
result = spark.wait(done.name)
assert result.exit_code == 0, result.cause
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bdc.errors import BdcError
from bdc.settings import Settings
from bdc.spark.history import HistoryEntry, history
from bdc.spark.queries import cron_job_path, get, job_path, listing, read_log
from bdc.spark.scheduling.pools import PoolStatus, holding, named, places, pool_status, pools
from bdc.spark.state import State, Status

if TYPE_CHECKING:
    from bdc.spark.application import Application, Schedule
    from bdc.spark.environments import Environment
    from bdc.spark.following.events import Ended, Event
    from bdc.spark.following.failure import Cause
    from bdc.spark.schedules import ScheduleStatus
    from bdc.spark.submission.submit import Submitted
    from bdc.storage import Hdfs


def _ignore(_: str) -> None:
    return


class Client:
    """The Spark pool that `settings` mean: by default the cluster that bdc.yaml here, BDC_* and the kubeconfig say.

    One may be used from several threads.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._kube, self._cluster = self._settings.kube(), self._settings.config.name

    def submit(
        self,
        application: Application,
        *,
        schedule: Schedule | None = None,
        exist_ok: bool = False,
        on_line: Callable[[str], None] = _ignore,
    ) -> Submitted:
        """Start an application; returns when its Job is released, before its driver runs. With `schedule`, Kubernetes starts it.

        `exist_ok`: one of this name that asks for the same is taken as it is. Raises UsageError for what is wrong with the
        application, NotFoundError when there is no such cluster, pool or environment, and what the Kubernetes API and HDFS raise.
        An environment that is named by a file is made first, where it isn't there yet; `on_line` gets what pip says.
        """
        from bdc.spark.submission.staging import FOLDER, Staging, own_folder
        from bdc.spark.submission.submit import submit

        found = self._environment(application.environment, on_line) if application.environment else None
        with Staging(self._hdfs, own_folder(person) if (person := self._kube.person) else FOLDER) as staging:
            return submit(self._kube, self._cluster, application, staging=staging, schedule=schedule, environment=found, exist_ok=exist_ok)

    def build_environment(
        self, file: str | Path, name: str | None = None, *, pip: Sequence[str] = (), on_line: Callable[[str], None] = _ignore
    ) -> Environment:
        """An environment of a requirements.txt, made in the cluster where it isn't there yet; `pip` are options of pip install.

        Raises UsageError for a file or name that can't be one, BdcError with pip's last words.
        """
        from bdc.spark.environments import PackageList, build

        source = PackageList.read(Path(file), tuple(pip))
        with self._hdfs() as hdfs:
            return build(self._kube, self._cluster, hdfs, source, name, stem=Path(file), on_line=on_line)

    def environments(self) -> list[Environment]:
        """All environments by name."""
        from bdc.spark.environments import environments

        with self._hdfs() as hdfs:
            return environments(hdfs)

    def delete_environment(self, name: str) -> None:
        """Remove an environment; applications that run with it may fail when they get new executors. Raises NotFoundError."""
        from bdc.spark.environments import delete

        with self._hdfs() as hdfs:
            delete(hdfs, name)

    def _environment(self, wanted: str, on_line: Callable[[str], None]) -> Environment:
        from bdc.spark.environments import find

        if "/" in wanted or "." in wanted:
            return self.build_environment(wanted, on_line=on_line)
        with self._hdfs() as hdfs:
            return find(hdfs, wanted)

    def status(self, name: str, *, pool: str | None = None) -> Status:
        """How an application is. Raises NotFoundError; here and below, UsageError when several pools have one of this name."""
        return get(self._kube, self._place(name, pool), name)

    def applications(self, *, pool: str | None = None, states: Collection[State] = (), limit: int | None = None) -> list[Status]:
        """Applications of all pools, or of one, the newest first; only those in one of `states`, and so many, where these are given.

        Raises NotFoundError when there is no such pool.
        """
        everywhere = places(self._kube, self._cluster)
        wanted = everywhere if pool is None else [named(everywhere, pool)]
        found = [one for place in wanted for one in listing(self._kube, place.namespace) if not states or one.state in states]
        return sorted(found, key=lambda one: (one.created, one.name), reverse=True)[:limit]

    def follow(self, name: str, *, pool: str | None = None) -> Iterator[Event]:
        """What happens to an application, from its beginning to its end. Raises NotFoundError, LostError."""
        from bdc.spark.following.follow import follow

        return follow(self._kube, self._place(name, pool), name)

    def wait(self, name: str, *, pool: str | None = None) -> Ended:
        """How an application ended, once it has. Raises NotFoundError, LostError."""
        from bdc.spark.following.events import Ended

        for event in self.follow(name, pool=pool):
            if isinstance(event, Ended):
                return event
        raise BdcError(f"{name} has not ended, and there is nothing more to tell")  # follow ends with Ended or raises

    def why(self, failed: Status) -> Cause:
        """Why an application failed, from what is left of it."""
        from bdc.spark.following.follow import why

        return why(self._kube, self._place(failed.name, failed.pool), failed)

    def log(self, name: str, *, executor: int | None = None, tail: int | None = None, pool: str | None = None) -> list[str]:
        """The lines that the driver, or an executor, has printed. Raises NotFoundError."""
        return read_log(self._kube, self._place(name, pool), name, executor=executor, tail=tail)

    def kill(self, name: str, *, pool: str | None = None) -> Status:
        """Stop an application. Raises NotFoundError, and UsageError when it has already ended."""
        from bdc.spark.actions import kill

        return kill(self._kube, self._place(name, pool), name)

    def delete(self, name: str, *, pool: str | None = None) -> None:
        """Remove an application with its logs; a running one is stopped. Raises NotFoundError."""
        from bdc.spark.actions import delete

        delete(self._kube, self._place(name, pool), name)

    def pages(
        self, name: str, *, pool: str | None = None, local_port: int = 0, on_error: Callable[[str], None] | None = None
    ) -> AbstractContextManager[tuple[str, int]]:
        """A local host and port that lead to Spark's own pages of a running application. Raises NotFoundError."""
        from bdc.spark.ui import forwarded_ui

        return forwarded_ui(self._kube, self._place(name, pool), name, local_port=local_port, on_error=on_error)

    def history(self, name: str | None = None, *, limit: int = 50) -> list[HistoryEntry]:
        """What has run, the newest first, from the event logs on HDFS. Raises UnhealthyError, NotFoundError."""
        return history(self._kube, self._cluster, name, limit=limit)

    def pools(self) -> list[PoolStatus]:
        """All pools by name, and how full they are."""
        return [pool_status(self._kube, pool) for pool in pools(self._kube, self._cluster)]

    def pool(self, name: str) -> PoolStatus:
        """How full a pool is. Raises NotFoundError."""
        return pool_status(self._kube, named(pools(self._kube, self._cluster), name))

    def schedules(self) -> list[ScheduleStatus]:
        """All schedules of all pools by name."""
        from bdc.spark.schedules import schedules

        found = [one for place in places(self._kube, self._cluster) for one in schedules(self._kube, place.namespace)]
        return sorted(found, key=lambda one: one.name)

    def pause(self, schedule: str, *, pool: str | None = None) -> None:
        """Start it no more; what runs goes on. Raises NotFoundError."""
        from bdc.spark.schedules import pause

        pause(self._kube, self._place(schedule, pool, cron_job_path), schedule)

    def resume(self, schedule: str, *, pool: str | None = None) -> None:
        """Start it again at its times. Raises NotFoundError, UsageError."""
        from bdc.spark.schedules import resume

        resume(self._kube, self._place(schedule, pool, cron_job_path), schedule)

    def run_now(self, schedule: str, *, pool: str | None = None) -> str:
        """Start a run besides its times; the run's name. Raises NotFoundError."""
        from bdc.spark.schedules import run_now

        return run_now(self._kube, self._place(schedule, pool, cron_job_path), schedule)

    def delete_schedule(self, schedule: str, *, pool: str | None = None) -> None:
        """Remove a schedule with its runs. Raises NotFoundError."""
        from bdc.spark.schedules import delete_schedule

        delete_schedule(self._kube, self._place(schedule, pool, cron_job_path), schedule)

    def _place(self, name: str, pool: str | None, path: Callable[[str, str], str] = job_path) -> str:
        return holding(self._kube, self._cluster, name, pool, path).namespace

    @contextmanager
    def _hdfs(self) -> Iterator[Hdfs]:
        from bdc.kube.endpoints import credentials, reach
        from bdc.storage import Hdfs

        config = self._settings.config
        with reach(self._kube, config, "httpfs") as reached, Hdfs.at(reached, credentials(self._kube, config.name)) as hdfs:
            yield hdfs
