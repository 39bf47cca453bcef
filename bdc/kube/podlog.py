"""A container's log read bit by bit, from the first line on, over any number of broken connections.

Read by asking again for what came since the last line's time, not by one long stream: a request that fails is simply made again,
a restarted API server is not noticed, and one thread reads many pods. The API takes `sinceTime` in whole seconds, so the lines of
that second come twice and are dropped by their exact time (nanoseconds, as the container runtime wrote them).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Protocol

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")
Moment = tuple[datetime, int]


class TextSource(Protocol):
    """The one call of `Kube` that is needed here."""

    def text(self, path: str, *, query: dict[str, str | int | bool] | None = None, timeout: float = 60) -> str:
        """GET a text."""
        ...


class PodLog:
    """The log of one container of one pod. Not safe to read from two threads at once."""

    def __init__(
        self,
        kube: TextSource,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        since_seconds: int | None = None,
        tail: int | None = None,
        previous: bool = False,
    ) -> None:
        """Begin at the first line, or `since_seconds` ago, or at the last `tail` lines; `previous` is the run before the last restart."""
        self._kube = kube
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._query: dict[str, str | int | bool] = {"timestamps": True}
        if container:
            self._query["container"] = container
        if previous:
            self._query["previous"] = True
        self._first: dict[str, str | int | bool] = {}
        if since_seconds is not None:
            self._first["sinceSeconds"] = since_seconds
        if tail is not None:
            self._first["tailLines"] = tail
        self._last: Moment | None = None
        self._at_last = 0

    def read(self, *, final: bool = False) -> list[str]:
        """The lines since the last call, without their line ends. An unfinished last line waits, unless `final`.

        Raises ApiError (404 when the pod is gone, 400 while its container waits) and UnreachableError.
        """
        return [line for _, line in self.read_timed(final=final)]

    def read_timed(self, *, final: bool = False) -> list[tuple[Moment, str]]:
        """As `read`, each line with its time."""
        query = dict(self._query)
        query |= {"sinceTime": self._last[0].strftime("%Y-%m-%dT%H:%M:%SZ")} if self._last else self._first
        text = self._kube.text(self._path, query=query)
        raw = text.split("\n")
        unfinished = raw.pop()
        if final and unfinished:
            raw.append(unfinished)
        return self._new(raw)

    def _new(self, raw: list[str]) -> list[tuple[Moment, str]]:
        skip, limit = self._at_last, self._last
        lines = []
        for entry in raw:
            moment, line = parse(entry)
            if moment is None:
                moment = self._last or (datetime.fromtimestamp(0, UTC), 0)
            if limit and moment <= limit:
                if moment < limit:
                    continue
                if skip:
                    skip -= 1
                    continue
            lines.append((moment, line))
            self._at_last = self._at_last + 1 if moment == self._last else 1
            self._last = moment
        return lines


def parse(entry: str) -> tuple[Moment | None, str]:
    """A line with its time: (second in UTC, nanosecond). Without a time, None."""
    match = _STAMP.match(entry)
    if not match:
        return None, entry
    second = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).astimezone(UTC)
    return (second, int((match[2] or "0").ljust(9, "0"))), entry[match.end() :]
