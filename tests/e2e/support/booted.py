"""A test host with systemd as its first process, in PID and cgroup namespaces of its own.

Of the machine's units it has some targets and nothing else, and no generator: nothing of it can touch what the host shares with the
machine (/tmp, kernel settings, devices). Its own units are on its disk, so they outlive `kill_all`; `boot` after that is a reboot.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.support.host import CHECKOUT, TestHost

SYSTEMD = "/lib/systemd/systemd"
_TARGETS = ("basic", "sysinit", "multi-user", "network-online", "network", "shutdown", "sockets", "timers", "paths", "slices", "local-fs")
_BOOT = r"""
set -e
name=$1 folder=$2 targets=$3 checkout=$4
for top in /sys/fs/cgroup/* /sys/fs/cgroup; do
  [ ! -e "$top/$name/cgroup.procs" ] || echo $$ > "$top/$name/cgroup.procs"
done
exec unshare --cgroup --pid --fork --kill-child --mount --propagation=private --mount-proc sh -c '
set -e
folder=$1 targets=$2 checkout=$3
mkdir -p $folder/checkout
mount --bind $checkout $folder/checkout  # it may lie below /tmp
mount --make-rshared /var/lib/kubelet
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  controllers=$(ls /sys/fs/cgroup)
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for each in $controllers; do
    mkdir /sys/fs/cgroup/$each
    case $each in
      systemd) mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/$each ;;
      unified) mount -t cgroup2 cgroup2 /sys/fs/cgroup/$each ;;
      *) mount -t cgroup -o $each cgroup /sys/fs/cgroup/$each ;;
    esac
  done
fi
mount --rbind /run /run  # a mount point, or systemd mounts an empty one there
mount --make-rshared /run/netns
mkdir -p /run/systemd /run/dbus /run/lock $folder/units
for target in $targets; do cp /lib/systemd/system/$target.target $folder/units/; done
for each in /run/systemd /run/dbus /run/lock /tmp /lib/systemd/system-generators; do mount -t tmpfs -o mode=755 tmpfs $each; done
mkdir -p $checkout
mount --bind $folder/checkout $checkout
hostname >$folder/hostname
mount --bind $folder/hostname /etc/hostname
mount --bind $folder/disk/etc_systemd /etc/systemd
mount --bind $folder/units /lib/systemd/system
export container=bdc-e2e
exec /lib/systemd/systemd --unit=multi-user.target --log-target=console --show-status=no
' boot "$folder" "$targets" "$checkout"
"""


class BootedHost(TestHost):
    """A test host under systemd; call `boot` first."""

    _first: int | None = None
    _process: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Start systemd, and wait until it has come up."""
        disk = self.folder / "disk" / "etc_systemd" / "system"
        disk.mkdir(parents=True, exist_ok=True)
        self._first = None
        with (self.folder / "systemd.log").open("ab") as log:
            script: list[str | Path] = ["sh", "-c", _BOOT, "boot", self.name, self.folder, " ".join(_TARGETS), CHECKOUT]
            command = super()._enter(script, None, outside=False)
            self._process = subprocess.Popen(
                command, env=super().environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self._first = next((pid for pid in self.processes() if _command(pid).startswith(SYSTEMD)), None)
            if self._first and self.run(["systemctl", "is-active", "multi-user.target"]).stdout.strip() == "active":
                return
            time.sleep(0.1)
        raise RuntimeError(f"systemd does not come up: {(self.folder / 'systemd.log').read_text()[-2000:]}")

    def kill_all(self) -> int:
        """Kill every process, systemd too; the mounts that it and the node made are gone with it."""
        count = super().kill_all()
        self._collect()
        return count

    def close(self) -> None:
        """See `TestHost`."""
        super().close()
        self._collect()

    def _collect(self) -> None:
        if self._process:
            self._process.wait()
        self._first = self._process = None

    def environment(self, user: int | None = None) -> dict[str, str]:
        """As of any host; its cgroups are at the top of its own namespace."""
        return {key: value for key, value in super().environment(user).items() if key != "BDC_NODE_CGROUP_ROOT"}

    def _enter(self, argv: Sequence[str | Path], user: int | None, *, outside: bool) -> list[str]:
        if outside or self._first is None:
            return super()._enter(argv, user, outside=outside)
        identity = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user is not None else []
        return ["nsenter", f"--target={self._first}", "--all", *identity, *(str(part) for part in argv)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
