"""Runs a Spark Connect server and ends it before it has grown for ever; Kubernetes starts it anew.

    connect.py HOURS COMMAND...      the command is the server's; SIGUSR1: it is due now

First it waits until HDFS takes files: after a loss of power everything starts at once, and a server that finds no place for its event log
ends. NAMENODE is the host and port of the NameNode's pages; without it nothing is waited for.

It is due after HOURS, or when a full garbage collection has left most of its heap in use: a server keeps some of what its sessions leave
behind. Then it ends when nobody has a session; when no request has run for an
hour; or after four hours of waiting for that. What its sessions wrote to the lake is there; what they kept in memory is not.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

GC_LOG = "/tmp/gc.log"
PAGE = os.environ.get("CONNECT_PAGE", "http://{}:4040/connect/".format(os.environ.get("POD_IP", "127.0.0.1")))
BEAN = "Hadoop:service=NameNode,name=NameNodeInfo"
PATIENCE_SECONDS = 600
POLL_SECONDS = float(os.environ.get("CONNECT_POLL_SECONDS", "15"))
QUIET_SECONDS, MOST_SECONDS = 3600, 4 * 3600
RETAINED = 0.8
_FULL = re.compile(r"Pause Full .* \d+M->(\d+)M\((\d+)M\)")
_USE = re.compile(r"(\d+)\s+session\(s\)\s+are\s+online,\s+running\s+(\d+)\s+Request")


def retained(log, heap):
    """The share of the heap that the last full collection left in use."""
    try:
        found = _FULL.findall(Path(log).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return 0.0
    return int(found[-1][0]) / heap if found else 0.0


def use(page):
    """How many sessions and running requests there are; None where the server doesn't say."""
    try:
        with urllib.request.urlopen(page, timeout=5) as answer:
            text = answer.read().decode(errors="replace")
    except (OSError, urllib.error.URLError):
        return None
    found = _USE.search(re.sub(r"<[^>]*>", " ", text))
    return (int(found[1]), int(found[2])) if found else None


def missing(namenode):
    """Why HDFS takes no files yet; empty once it does."""
    try:
        with urllib.request.urlopen(f"http://{namenode}/jmx?qry={BEAN}", timeout=5) as answer:
            beans = json.load(answer)["beans"]
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{namenode}: {error}"
    if not beans:
        return "it reads its image"
    return "it is in safe mode" if beans[0]["Safemode"] else ""


def wait_for_hdfs(namenode, patience=PATIENCE_SECONDS, pause=1.0):
    """Return once HDFS takes files, or end this process with what is missing."""
    until, said = time.monotonic() + patience, ""
    while why := missing(namenode):
        if time.monotonic() > until:
            sys.exit(f"connect: HDFS takes no files after {patience:.0f} s, see the NameNode: {why}")
        if why != said:
            say(f"waits for the NameNode: {why}")
            said = why
        time.sleep(pause)


class Keeper:
    """When the server goes."""

    def __init__(self, hours, heap, clock=time.monotonic):
        self._clock, self.heap = clock, heap
        self._until = clock() + hours * 3600
        self._due_since = self._quiet_since = None

    def due_now(self, *_):
        self._until = self._clock()

    def reason(self, sessions_and_requests, kept):
        """Why it is to end now; None while it goes on."""
        now = self._clock()
        if self._due_since is None and now < self._until and kept < RETAINED:
            return None
        if self._due_since is None:
            self._due_since = self._quiet_since = now
            say(f"due: {kept:.0%} of its heap is kept" if kept >= RETAINED else "due: it has run for long enough")
        if now - self._due_since > MOST_SECONDS:
            return "its sessions had four hours to end"
        if sessions_and_requests is None:
            return None
        sessions, requests = sessions_and_requests
        if not sessions:
            return "nobody has a session"
        if requests:
            self._quiet_since = now
        return "no request has run for an hour" if now - self._quiet_since > QUIET_SECONDS else None


def say(text):
    print(f"connect: {text}", file=sys.stderr, flush=True)


def main(arguments):
    keeper = Keeper(float(arguments[0]), float(os.environ.get("CONNECT_HEAP_MEBIBYTES", "1024")))
    signal.signal(signal.SIGUSR1, keeper.due_now)
    if namenode := os.environ.get("NAMENODE"):
        wait_for_hdfs(namenode)
    server = subprocess.Popen(arguments[1:])
    ending = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: (ending.append(received), server.send_signal(signal.SIGTERM)))
    while True:
        try:
            code = server.wait(POLL_SECONDS)
            return 0 if ending else code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            pass
        if not ending and (reason := keeper.reason(use(PAGE), retained(GC_LOG, keeper.heap))):
            say(f"starts anew: {reason}")
            ending.append(signal.SIGTERM)
            server.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
