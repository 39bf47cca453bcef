"""The entry point: laziness, the shape of errors, exit codes, completion."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bdc.cli import main
from bdc.cli.lazy import Entry
from bdc.errors import BdcError, DeadlineError, UnhealthyError, UnreachableError
from tests.unit.cli.conftest import Bdc

HEAVY = ("kubernetes", "pulumi", "pydantic", "rich", "yaml", "jinja2", "httpx", "urllib3", "psycopg", "cryptography")


def program(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`bdc` as its own process."""
    code = "from bdc.cli.main import main; main()"
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Puts a function into the table as `bdc try`."""

    def put(function: Callable[..., object]) -> None:
        monkeypatch.setattr(main, "_tried", function, raising=False)
        monkeypatch.setitem(main.Commands.table, "try", Entry("bdc.cli.main:_tried", "Try."))

    return put


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom bdc.cli.main import run\nassert run(['--help']) == 0\n"
        f"sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "config" in done.stdout
    assert done.stderr == ""


CLIENTS = ("lark", "sqlglot", "psycopg", "requests", "pulumi", "kubernetes", "jinja2")
COMMANDS = {
    "bdc.cli.sql.statements": (*CLIENTS, "bdc.storage"),
    "bdc.cli.spark.applications": (*CLIENTS, "bdc.storage", "pydantic", "bdc.sql", "bdc.cli.sql"),
    "bdc.cli.hdfs": (*CLIENTS, "pydantic"),
    "bdc.cli.access": (*CLIENTS, "bdc.storage", "pydantic"),
    "bdc.cli.health": (*CLIENTS, "bdc.storage", "pydantic"),
}


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_loads_no_client_before_it_runs(module: str) -> None:
    code = f"import sys, {module}; print(' '.join(m for m in {COMMANDS[module]!r} if m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


LOOPS = ("httpx", "aiohttp", "asyncio")
HTTP = ("requests", *LOOPS)
UNUSED = {
    "endpoints": ("pydantic", "rich", "sqlglot", "lark", *HTTP, "bdc.spark"),
    "status": ("pydantic", "rich", "sqlglot", "lark", *HTTP, "websocket", "bdc.spark.submission", "bdc.spark.following"),
    "spark list": ("pydantic", "rich", "bdc.sql", *HTTP, "bdc.spark.submission", "bdc.spark.following", "bdc.spark.application"),
    "spark list -o json": ("pydantic",),
    "hdfs ls /": ("pydantic", "rich", "sqlglot", "lark", *LOOPS),
    "sql query 1": ("pydantic", "rich", "lark", *LOOPS),
    "plan": ("pydantic", "rich", "pulumi", "grpc", "httpx", "jinja2", "cryptography", "asyncio", "bdc.toolchain", "bdc_stacks.data"),
}
"""Commands, and what they needn't load before they ask the cluster for the first time."""


@pytest.mark.parametrize("words", UNUSED)
def test_a_command_asks_the_cluster_before_it_loads_what_it_may_not_need(words: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {token: x}}], "
        "clusters: [{name: x, cluster: {server: 'http://127.0.0.1:1'}}]}"
    )
    code = (
        "import os, sys\n"
        "def connected(event, _):\n"
        "    if event == 'socket.connect':\n"
        f"        os.write(1, ' '.join(m for m in {UNUSED[words]!r} if m in sys.modules).encode() + b'.')\n"
        "        os._exit(0)\n"
        "sys.addaudithook(connected)\n"
        "from bdc.cli.main import main\nmain()"
    )
    environment = {**os.environ, "BDC_KUBECONFIG": str(kubeconfig)}
    for _ in range(2):  # the first checks the configuration, and keeps it
        done = subprocess.run([sys.executable, "-c", code, *words.split()], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("."), done.stdout


def test_help_is_quick() -> None:
    """By processor time, which on a quiet machine is what the clock says and on a busy one doesn't count the others' work."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert program("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.3


def test_every_command_that_is_there_loads_and_has_help(bdc: Bdc) -> None:
    shown = bdc("--help").out
    group = typer.main.get_group(main.app)
    assert "config" in group.commands
    for name, entry in main.Commands.table.items():
        assert name in group.commands, f"{entry.module}, which bdc.cli.main has as {name}, is not there"
    for name in group.commands:
        assert f"\n  {name} " in shown
        result = bdc(name, "--help")
        assert result.code == 0
        assert result.out.startswith(f"Usage: bdc {name} ")


def test_a_command_whose_module_is_missing_is_not_shown(bdc: Bdc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main.Commands.table, "ghost", Entry("bdc.cli.ghost:app", "Not there."))
    assert "ghost" not in bdc("--help").out
    assert bdc("ghost").code == 2


def test_h_is_help_but_for_hdfs_where_it_is_human(bdc: Bdc) -> None:
    assert (bdc("spark", "list", "-h").code, bdc("hdfs", "ls", "--help").code) == (0, 0)
    refused = [bdc("hdfs", "-h"), bdc("hdfs", "put", "-h")]
    assert [(one.code, one.err.splitlines()[0]) for one in refused] == [(2, "error: no such option: -h")] * 2


def test_nothing_is_help_and_version_is_a_number(bdc: Bdc) -> None:
    assert bdc().out == bdc("--help").out
    assert bdc("--version").out.startswith("bdc 0.")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["confg"], "error: no such command 'confg'. Did you mean 'config'?\n", "hint:  bdc --help\n"),
        (["--bad"], "error: no such option: --bad\n", "hint:  bdc --help\n"),
        (["config", "show", "--bad"], "error: no such option: --bad\n", "hint:  bdc config show --help\n"),
        (["config", "show", "--set", "a=b"], "error: no such option: --set\n", "hint:  --set goes before the command: bdc --set ..."),
        (["config", "show", "-o", "xml"], "error: invalid value for '--output' / '-o': ", "hint:  bdc config show --help\n"),
        (["config", "set"], "error: missing argument", "hint:  bdc config set --help\n"),
        (["--set", "x", "config", "show"], "error: 'x' is not KEY=VALUE\n", "hint:  write it like storage.datanodes=3\n"),
        (["--set", "x=1", "config", "show"], "error: --set: x: unknown key\n", "hint:  `bdc config schema`"),
    ],
)  # fmt: skip
def test_mistakes_on_the_command_line(bdc: Bdc, arguments: list[str], message: str, hint: str) -> None:
    result = bdc(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert f"\n{hint}" in result.err


def test_a_group_without_a_command_prints_its_help(bdc: Bdc) -> None:
    result = bdc("config")
    assert result.code == 2
    assert result.err.startswith("Usage: bdc config ")


@pytest.mark.parametrize(("failure", "code"), [(BdcError("no"), 1), (DeadlineError("no"), 4), (UnhealthyError("no"), 5)])
def test_errors_have_their_exit_code(bdc: Bdc, command: Callable[..., None], failure: BdcError, code: int) -> None:
    def fail() -> None:
        raise failure

    command(fail)
    result = bdc("try")
    assert (result.code, result.out, result.err) == (code, "", "error: no\n")


def test_a_silent_api_of_this_host_has_the_nodes_remedy(bdc: Bdc, command: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise UnreachableError("https://192.0.2.7:6443", "connection refused")

    monkeypatch.setattr("bdc.cluster.embedded.EmbeddedNode.remedy", lambda _, server: f"start {server}" if "0.2.7" in server else None)
    command(fail)
    assert bdc("try").err.endswith("hint:  start https://192.0.2.7:6443\n")


def test_an_error_and_its_hint_may_have_more_lines(bdc: Bdc, command: Callable[..., None]) -> None:
    def fail() -> None:
        raise BdcError("one\ntwo", "three")

    command(fail)
    assert bdc("try").err == "error: one\n       two\nhint:  three\n"


def test_a_bug_is_an_internal_error_with_its_traceback_only_under_debug(bdc: Bdc, command: Callable[..., None]) -> None:
    def fail() -> None:
        raise ZeroDivisionError("by nought")

    command(fail)
    result = bdc("try")
    assert result.code == 1
    assert result.err == "error: internal error: ZeroDivisionError: by nought\nhint:  run again with --debug and report it\n"
    assert "Traceback" in bdc("--debug", "try").err


def test_a_file_without_the_right_to_it_is_named_and_is_no_bug(bdc: Bdc, command: Callable[..., None]) -> None:
    def fail() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/home/ann/job.py")

    command(fail)
    told = bdc("try")
    assert (told.code, told.err.splitlines()[0]) == (1, "error: /home/ann/job.py: permission denied")
    assert f"hint:  uid {os.geteuid()}, " in told.err


def test_interrupts_and_results_are_exit_codes(bdc: Bdc, command: Callable[..., None]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    command(interrupted)
    assert (bdc("try").code, bdc("try").err) == (130, "cancelled\n")
    command(lambda: 7)
    assert bdc("try").code == 7


@pytest.mark.parametrize("arguments", [["--version"], ["config", "schema"]])
def test_a_reader_that_went_away_is_no_error(arguments: list[str]) -> None:
    code = f"import sys, time\nfrom bdc.cli.main import run\ntime.sleep(0.2)\nsys.exit(run({arguments!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


@pytest.mark.parametrize(("words", "expected"), [("bdc con", "config"), ("bdc config sch", "schema"), ("bdc --kubec", "--kubeconfig")])
def test_completion(words: str, expected: str) -> None:
    done = program(_BDC_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    found = done.stdout.split()
    assert expected in found
    assert all(name.startswith(words.split()[-1]) for name in found)


def test_a_full_disk_has_its_words_wherever_it_meets_us(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/etc/hostname")

    monkeypatch.setattr("bdc.cli.main._run", full)
    assert main.run(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: writing /etc/hostname: the disk is full, the filesystem at /")
    assert "hint:  free some space there" in said


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("bdc.spark", ("asyncio", "aiohttp", "pulumi", "kubernetes", "jinja2")),
        ("bdc.health", ("asyncio", "bdc.cluster", "bdc.toolchain", "httpx", "jinja2", "kubernetes")),
        ("bdc.kube.endpoints", ("asyncio", "aiohttp", "kubernetes", "requests")),
    ],
)
def test_a_room_loads_only_what_every_command_of_it_needs(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(' '.join(name for name in {heavy!r} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
