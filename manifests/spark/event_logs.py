"""Removes the oldest event logs of applications that have ended until the rest takes no more than LIMIT bytes; over WebHDFS, as USER.

Run by the CronJob event-logs; by their age the history server removes them. Logs of applications that run are counted and stay.
https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html
"""

import json
import os
import urllib.request
from urllib.parse import quote

NAMENODE, USER, LIMIT = os.environ["NAMENODE"], os.environ["USER"], int(os.environ["LIMIT"])
FOLDER = os.environ.get("FOLDER", "/spark-events")


def call(method, path, op, **query):
    text = "&".join(f"{key}={value}" for key, value in {"op": op, "user.name": USER, **query}.items())
    request = urllib.request.Request(f"http://{NAMENODE}/webhdfs/v1{quote(path)}?{text}", method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def entries(path):
    return call("GET", path, "LISTSTATUS")["FileStatuses"]["FileStatus"]


def ended(entry):
    """A log is a file, or a folder of rolled files with one that tells the state; `.inprogress` is in the name while it grows."""
    name = entry["pathSuffix"]
    if entry["type"] == "FILE":
        return not name.endswith(".inprogress")
    states = [one["pathSuffix"] for one in entries(f"{FOLDER}/{name}") if one["pathSuffix"].startswith("appstatus_")]
    return bool(states) and not any(state.endswith(".inprogress") for state in states)


def main():
    logs = sorted(entries(FOLDER), key=lambda entry: entry["modificationTime"])
    paths = [f"{FOLDER}/{entry['pathSuffix']}" for entry in logs]
    sizes = [call("GET", path, "GETCONTENTSUMMARY")["ContentSummary"]["length"] for path in paths]
    total = sum(sizes)
    for entry, path, size in zip(logs, paths, sizes, strict=True):
        if total <= LIMIT:
            break
        if ended(entry):
            call("DELETE", path, "DELETE", recursive="true")
            print(f"removed {path}, {size} bytes", flush=True)
            total -= size
    print(f"{total} bytes of at most {LIMIT}", flush=True)


if __name__ == "__main__":
    main()
