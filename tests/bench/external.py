"""One statement through bdc's session, through the master's foreign table and, by a hand-made catalog, on plain Trino, in turns: medians in
seconds. Run on a test host."""

import statistics
import sys
import time

from bdc.kube.endpoints import credentials, reach
from bdc.settings import Settings
from bdc.sql import Engine, connect
from bdc.sql.federation import Federation

TIMES = 9
STATEMENT = "SELECT customer, count(*) AS n, sum(amount) AS total FROM {} WHERE id % 7 <> 3 AND region = 'north' GROUP BY customer"


def main(catalog: str, create: str) -> None:
    settings = Settings()
    kube, config = settings.kube(), settings.config
    with (
        connect(kube, config) as ours,
        connect(kube, config, Engine.master) as master,
        reach(kube, config, "trino") as reached,
        Federation(reached, credentials(kube, config.name)) as plain,
    ):
        plain.query(f"CREATE CATALOG {catalog} USING postgresql WITH ({create})")
        taken: dict[str, list[float]] = {"bdc": [], "master": [], "trino": []}
        for _ in range(TIMES + 2):
            for name, session, table in (
                ("bdc", ours, "dbo.big"),
                ("master", master, "dbo.big"),
                ("trino", plain, f"{catalog}.public.big"),
            ):
                began = time.perf_counter()
                rows = list(session.query(STATEMENT.format(table)).rows)
                taken[name].append(time.perf_counter() - began)
                assert len(rows) == 100, rows[:3]
        for name, seconds in taken.items():
            print(name, statistics.median(seconds[2:]))  # noqa: T201
        plain.query(f"DROP CATALOG {catalog}")


if __name__ == "__main__":
    main(*sys.argv[1:])
