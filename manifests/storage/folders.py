"""Makes the folders that every cluster has, as HDFS's superuser, over the NameNode's WebHDFS. Run by the Job hdfs-folders."""

import json
import os
import time
import urllib.error
import urllib.request

NAMENODE = os.environ["NAMENODE"]
FOLDERS = json.loads(os.environ["FOLDERS"])
ACLS = json.loads(os.environ.get("ACLS", "{}"))


def call(path: str, **query: str) -> None:
    """One WebHDFS PUT; retried while the NameNode is starting or in safe mode."""
    text = "&".join(f"{key}={value}" for key, value in {**query, "user.name": "hdfs"}.items())
    request = urllib.request.Request(f"http://{NAMENODE}/webhdfs/v1{path}?{text}", method="PUT")
    for _ in range(300):
        try:
            urllib.request.urlopen(request, timeout=10).read()
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")
            if error.code != 403 or not any(exception in reason for exception in ("SafeMode", "RetriableException")):
                raise SystemExit(f"{path}: {error.code} {reason}") from error
        except OSError as error:
            print(f"waiting for the NameNode: {error}", flush=True)
        else:
            return
        time.sleep(1)
    raise SystemExit(f"{path}: the NameNode did not answer in time")


for path, (owner, permission) in FOLDERS.items():
    call(path, op="MKDIRS", permission=permission)
    call(path, op="SETPERMISSION", permission=permission)
    call(path, op="SETOWNER", owner=owner, group="hdfs")
    if path in ACLS:
        call(path, op="MODIFYACLENTRIES", aclspec=ACLS[path])
    print(path, owner, permission, flush=True)
