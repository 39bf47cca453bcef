"""The Spark pool of a cluster for Python programs: what `bdc spark` does, without a command line.

from bdc.spark import Application, Client

spark = Client()
done = spark.submit(Application("etl.py", arguments=("--day", "2013-07-04")))
result = spark.wait(done.name)
assert result.exit_code == 0, result.cause
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bdc.errors import BdcError
from bdc.settings import Settings
from bdc.spark.application import Application, Schedule
from bdc.spark.control import delete, kill
from bdc.spark.events import Ended, Event
from bdc.spark.following import follow
from bdc.spark.history import HistoryEntry, history
from bdc.spark.inspect import get, listing, read_log
from bdc.spark.schedules import ScheduleStatus, delete_schedule, pause, resume, run_now, schedules
from bdc.spark.staging import Staging
from bdc.spark.state import Status
from bdc.spark.submission import Submitted, submit

if TYPE_CHECKING:
    from bdc.storage import Hdfs


class Client:
    """The Spark pool that `settings` mean: by default the cluster that bdc.yaml here, BDC_* and the kubeconfig say.

    One may be used from several threads.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._kube, self._cluster = self._settings.kube(), self._settings.config.name

    def submit(self, application: Application, *, schedule: Schedule | None = None, exist_ok: bool = False) -> Submitted:
        """Start an application; returns when its Job is released, before its driver runs. With `schedule`, Kubernetes starts it.

        `exist_ok`: one of this name that asks for the same is taken as it is. Raises UsageError for what is wrong with the
        application, NotFoundError when there is no such cluster, and what the Kubernetes API and HDFS raise.
        """
        with Staging(self._hdfs) as staging:
            return submit(self._kube, self._cluster, application, staging=staging, schedule=schedule, exist_ok=exist_ok)

    def status(self, name: str) -> Status:
        """How an application is. Raises NotFoundError."""
        return get(self._kube, self._cluster, name)

    def applications(self) -> list[Status]:
        """All applications, the newest first."""
        return listing(self._kube, self._cluster)

    def follow(self, name: str) -> Iterator[Event]:
        """What happens to an application, from its beginning to its end. Raises NotFoundError, LostError."""
        return follow(self._kube, self._cluster, name)

    def wait(self, name: str) -> Ended:
        """How an application ended, once it has. Raises NotFoundError, LostError."""
        for event in self.follow(name):
            if isinstance(event, Ended):
                return event
        raise BdcError(f"{name} has not ended, and there is nothing more to tell")  # follow ends with Ended or raises

    def log(self, name: str, *, executor: int | None = None, tail: int | None = None) -> list[str]:
        """The lines that the driver, or an executor, has printed. Raises NotFoundError."""
        return read_log(self._kube, self._cluster, name, executor=executor, tail=tail)

    def kill(self, name: str) -> Status:
        """Stop an application. Raises NotFoundError, and UsageError when it has already ended."""
        return kill(self._kube, self._cluster, name)

    def delete(self, name: str) -> None:
        """Remove an application with its logs; a running one is stopped. Raises NotFoundError."""
        delete(self._kube, self._cluster, name)

    def history(self, name: str | None = None, *, limit: int = 50) -> list[HistoryEntry]:
        """What has run, the newest first, from the event logs on HDFS. Raises UnhealthyError, NotFoundError."""
        return history(self._kube, self._cluster, name, limit=limit)

    def schedules(self) -> list[ScheduleStatus]:
        """All schedules by name."""
        return schedules(self._kube, self._cluster)

    def pause(self, schedule: str) -> None:
        """Start it no more; what runs goes on. Raises NotFoundError."""
        pause(self._kube, self._cluster, schedule)

    def resume(self, schedule: str) -> None:
        """Start it again at its times. Raises NotFoundError, UsageError."""
        resume(self._kube, self._cluster, schedule)

    def run_now(self, schedule: str) -> str:
        """Start a run besides its times; the run's name. Raises NotFoundError."""
        return run_now(self._kube, self._cluster, schedule)

    def delete_schedule(self, schedule: str) -> None:
        """Remove a schedule with its runs. Raises NotFoundError."""
        delete_schedule(self._kube, self._cluster, schedule)

    @contextmanager
    def _hdfs(self) -> Iterator[Hdfs]:
        from bdc.kube.endpoints import credentials, reach
        from bdc.storage import Hdfs

        config = self._settings.config
        with reach(self._kube, config, "httpfs") as reached, Hdfs.at(reached, credentials(self._kube, config.name)) as hdfs:
            yield hdfs
