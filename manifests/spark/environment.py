"""Makes an archive of Python packages from a requirements.txt and lays it on HDFS. Runs alone in a pod of the image `bdc`.

Environment: REQUIREMENTS (the file's text), DIGEST, NAME, FOLDER (on HDFS), HADOOP_USER_NAME. Arguments go to pip. /etc/hadoop says where
the NameNodes are. The description NAME.json is written last: an environment that has one is whole.
WebHDFS: https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html
"""

import json
import os
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

WORK = Path("/tmp/work")


def namenodes():
    for entry in ET.parse("/etc/hadoop/hdfs-site.xml").getroot().iter("property"):
        if entry.findtext("name").startswith("dfs.namenode.http-address."):
            yield entry.findtext("value")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def ask(address, path, operation, **parameters):
    query = urllib.parse.urlencode({"op": operation, "user.name": os.environ["HADOOP_USER_NAME"], **parameters})
    url = f"http://{address}/webhdfs/v1{urllib.parse.quote(path)}?{query}"
    method = {"CREATE": "PUT", "MKDIRS": "PUT", "GETFILESTATUS": "GET"}[operation]
    return urllib.request.build_opener(NoRedirect).open(urllib.request.Request(url, method=method), timeout=60)


def active():
    """The NameNode that answers, and not as a standby."""
    problem = "hdfs-site.xml names no NameNode"
    for address in namenodes():
        try:
            ask(address, os.environ["FOLDER"], "MKDIRS").close()
            return address
        except OSError as error:
            problem = f"{address}: {error}"
    sys.exit(f"HDFS does not answer: {problem}")


def exists(address, path):
    try:
        ask(address, path, "GETFILESTATUS").close()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise
    return True


def put(address, path, local):
    try:
        ask(address, path, "CREATE", overwrite="true").close()
    except urllib.error.HTTPError as redirect:
        if redirect.code != 307:
            raise
        where = redirect.headers["Location"]
    with local.open("rb") as data:
        length = {"Content-Length": str(local.stat().st_size), "Content-Type": "application/octet-stream"}
        urllib.request.urlopen(urllib.request.Request(where, data=data, headers=length, method="PUT"), timeout=600).close()


def main():
    WORK.mkdir()
    wanted, packages = WORK / "requirements.txt", WORK / "packages"
    wanted.write_text(os.environ["REQUIREMENTS"])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    install = [*pip, "install", "--break-system-packages", "--no-compile", "--only-binary=:all:", "--progress-bar", "off", "--target"]
    if code := subprocess.run([*install, str(packages), "-r", str(wanted), *sys.argv[1:]], check=False).returncode:
        sys.exit(code)
    packages.mkdir(exist_ok=True)
    listed = subprocess.run([*pip, "list", "--path", str(packages), "--format", "json"], check=True, capture_output=True, text=True).stdout
    archive = WORK / "environment.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        tar.add(packages, arcname=".")
    address, target = active(), f"{os.environ['FOLDER']}/{os.environ['DIGEST']}.tar.gz"
    if not exists(address, target):
        put(address, target, archive)
    described = WORK / "environment.json"
    described.write_text(
        json.dumps(
            {
                "name": os.environ["NAME"],
                "digest": os.environ["DIGEST"],
                "requirements": os.environ["REQUIREMENTS"],
                "packages": {one["name"]: one["version"] for one in json.loads(listed)},
                "bytes": archive.stat().st_size,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )
    )
    put(address, f"{os.environ['FOLDER']}/{os.environ['NAME']}.json", described)
    print(f"{os.environ['NAME']}: {len(json.loads(listed))} packages, {archive.stat().st_size / 1e6:.1f} MB")


main()
