"""-o anywhere on the command line."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.main import get_group

from bdc.cli.anywhere import gathered
from bdc.cli.main import app
from tests.unit.cli.conftest import Bdc

CASES = [
    ("-o json status", "status -o json"),
    ("--output json status", "status --output json"),
    ("--output=json status", "status --output=json"),
    ("-ojson status", "status -ojson"),
    ("hdfs -o json ls /", "hdfs ls -o json /"),
    ("-c one -o json -q hdfs ls -o yaml", "-c one -q hdfs ls -o json -o yaml"),
    ("-qc ls -o json status", "-qc ls status -o json"),
    ("-cstatus -o json plan", "-cstatus plan -o json"),
    ("--cluster=hdfs -o json status", "--cluster=hdfs status -o json"),
    ("config -o json profiles list", "config profiles list -o json"),
    ("hdfs mkdir a -- -o x", "hdfs mkdir a -- -o x"),
    ("hdfs -o json mkdir a -- -o x", "hdfs mkdir -o json a -- -o x"),
    ("-o json nothing", "nothing -o json"),
    ("-o json", "-o json"),
    ("-o", "-o"),
    ("-- -o json status", "-- -o json status"),
    ("status -o json", "status -o json"),
]


@pytest.mark.parametrize(("typed", "meant"), CASES)
def test_it_goes_behind_the_commands_name(typed: str, meant: str) -> None:
    assert gathered(get_group(app), typed.split()) == meant.split()


def test_it_counts_wherever_it_stands(bdc: Bdc) -> None:
    expected = json.loads(bdc("config", "profiles", "list", "-o", "json").out)
    for arguments in (
        ("-o", "json", "config", "profiles", "list"),
        ("config", "-o", "json", "profiles", "list"),
        ("config", "profiles", "--output=json", "list"),
        ("-o", "yaml", "config", "profiles", "list", "-o", "json"),
    ):
        assert json.loads(bdc(*arguments).out) == expected
    assert yaml.safe_load(bdc("-o", "yaml", "config", "profiles", "list").out) == expected


def test_a_command_without_a_format_says_so(bdc: Bdc) -> None:
    result = bdc("-o", "json", "config", "schema")
    assert (result.code, result.err) == (2, "error: no such option: -o\nhint:  bdc config schema --help\n")
    assert bdc("-o", "xml", "config", "show").err.startswith("error: invalid value for '--output' / '-o': ")
