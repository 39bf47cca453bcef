#!/usr/bin/env bash
# The client `hdfs` (HdfsCLI) and permissions, heard by a WebHDFS server that writes down what it is asked.
#
# One would guess: client.makedirs(path, permission=0o750), and set_permission likewise, ask for rwxr-x---, as os.makedirs does.
# What happens: the number is sent in decimal, permission=488; WebHDFS reads digits as octal, and 8 isn't one: refused. Where the decimal has
# octal digits only it is taken, as another mode: 0o777 is sent as 511, which is r-x--x--x, without a right to write for the owner.
# Why it matters: a folder that everybody was to write to is one that nobody may. The text "750" is what the client wants.
# Needs: python3 with venv; it listens on loopback.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check hdfs==2.7.3
"$there/venv/bin/python" - <<'END'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

from hdfs import InsecureClient

asked = []


class WebHdfs(BaseHTTPRequestHandler):
    def do_PUT(self):
        asked.append(parse_qs(urlsplit(self.path).query)["permission"][0])
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"boolean": true}')

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), WebHdfs)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = InsecureClient(f"http://127.0.0.1:{server.server_port}", user="ann")
client.makedirs("/data/shared", permission=0o777)
client.makedirs("/data/team", permission=0o750)
client.makedirs("/data/team", permission="750")
print(f"hdfs {version('hdfs')}: 0o777, 0o750 and '750' are sent as {asked}; WebHDFS reads each as octal")
if asked != ["511", "488", "750"]:
    sys.exit("changed: permissions are no longer sent in decimal")
END
