"""What a user asks for: one Spark application, with the words of spark-submit where they mean something here."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from bdc.errors import UsageError

_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")
_STEM_LENGTH = 35
SCHEDULE_NAME_LENGTH = 30
_MOST_PRIORITY = 1000
_SECRET = re.compile(r"^(?P<name>[a-z0-9]([-.a-z0-9]*[a-z0-9])?)(/(?P<key>[-._a-zA-Z0-9]+))?:(?P<variable>[A-Za-z_][A-Za-z0-9_]*)$")
_COORDINATE = re.compile(r"^[\w.-]+$")
_EXAMPLES = {"group:artifact:version": "org.apache.spark:spark-avro_2.13:4.2.0", "group:artifact": "org.slf4j:slf4j-api"}
_EXECUTORS = re.compile(r"^(\d+)(?::(\d+))?$")


@dataclass(frozen=True)
class Executors:
    """How many executors: a fixed number when both ends are equal, else as many as there is work for, between them."""

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        if self.minimum > self.maximum or self.maximum < 1:
            raise UsageError(f"executors: {self.minimum}:{self.maximum} is no range", "write N, or MIN:MAX with MAX >= 1 and MIN <= MAX")

    @property
    def fixed(self) -> bool:
        """Whether the number never changes."""
        return self.minimum == self.maximum

    @classmethod
    def parse(cls, text: str) -> Executors:
        """From "4" or "2:8". Raises UsageError."""
        if not (match := _EXECUTORS.match(text)):
            raise UsageError(f"executors: {text!r} is no number and no range", "write N or MIN:MAX, e.g. 4 or 2:8")
        return cls(int(match[1]), int(match[2] or match[1]))


@dataclass(frozen=True)
class SecretVariable:
    """An environment variable of driver and executors from a key of a Kubernetes Secret, whose value nobody here ever sees."""

    secret: str
    key: str
    variable: str

    @classmethod
    def parse(cls, text: str) -> SecretVariable:
        """From "name:VARIABLE", or "name/key:VARIABLE" where the key is called otherwise. Raises UsageError."""
        if not (match := _SECRET.match(text)):
            raise UsageError(
                f"secret: {text!r} is not NAME:VARIABLE", "write NAME:VARIABLE, or NAME/KEY:VARIABLE, e.g. warehouse:DB_PASSWORD"
            )
        return cls(match["name"], match["key"] or match["variable"], match["variable"])


@dataclass(frozen=True)
class Application:
    """One Spark application.

    `file` and the entries of `py_files`, `files`, `jars` and `archives` are local paths (sent to HDFS once), hdfs:// URIs (used
    where they are) or local:// URIs (paths in the Spark image); archives are unpacked in the working directory, under `#name` where
    one is given. `packages` and `exclude_packages` are Maven coordinates. Memory sizes are Spark's ("2g", "512m"); None takes the
    cluster's default. `timeout_seconds` counts from the submit, waiting included. `pool` is where it runs, by default the only pool or
    the one called `default`; of those that wait there, the highest `priority` begins first. `environment` names an environment, or the
    path of a requirements.txt of which one is made.
    """

    file: str
    arguments: tuple[str, ...] = ()
    name: str | None = None
    main_class: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    py_files: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    exclude_packages: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    driver_java_options: str | None = None
    driver_class_path: str | None = None
    driver_library_path: str | None = None
    secrets: tuple[SecretVariable, ...] = ()
    driver_memory: str | None = None
    driver_cores: int | None = None
    executor_memory: str | None = None
    executor_cores: int | None = None
    executors: Executors | None = None
    retries: int = 0
    timeout_seconds: int | None = None
    pool: str | None = None
    priority: int = 0
    environment: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name)
        self._check_numbers()
        self._check_words()
        self._check_file()

    def _check_numbers(self) -> None:
        if self.retries < 0:
            raise UsageError(f"retries: {self.retries} is negative", "0 runs the application once")
        if abs(self.priority) > _MOST_PRIORITY:
            raise UsageError(f"priority: {self.priority} is not between -{_MOST_PRIORITY} and {_MOST_PRIORITY}")
        if self.timeout_seconds is not None and self.timeout_seconds < 1:
            raise UsageError(f"timeout: {self.timeout_seconds} s is no time", "leave it out for no limit")
        for option, value in (("driver-cores", self.driver_cores), ("executor-cores", self.executor_cores)):
            if value is not None and value < 1:
                raise UsageError(f"{option}: {value} is fewer than 1")

    def _check_words(self) -> None:
        _check_coordinates("packages", self.packages, "group:artifact:version")
        _check_coordinates("exclude-packages", self.exclude_packages, "group:artifact")
        variables = Counter(one.variable for one in self.secrets)
        if twice := [name for name, count in variables.items() if count > 1]:
            raise UsageError(f"secret: the variable {twice[0]} is set twice", "leave one out")

    def _check_file(self) -> None:
        if self.is_jar and not self.main_class:
            raise UsageError(f"{self.file} is a jar and no class to run is named", "name it with --class org.example.Main")
        if self.main_class and not self.is_jar:
            raise UsageError(f"a class is named ({self.main_class}), but {self.file} is no jar", "leave out --class")
        if not self.is_jar and not self.path.endswith(".py"):
            raise UsageError(
                f"{self.file} is neither a Python file (.py) nor a jar (.jar)", "SparkR is gone upstream; use PySpark or a jar"
            )

    @property
    def path(self) -> str:
        """The file's path without scheme and host."""
        return urlsplit(self.file).path if "://" in self.file else self.file

    @property
    def is_jar(self) -> bool:
        """Whether it is a JVM application."""
        return self.path.endswith(".jar")


class Concurrency(StrEnum):
    """What a schedule does when its last run is still going on: start another, skip this one, or stop the old one."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


@dataclass(frozen=True)
class Schedule:
    """When an application runs again and again: `cron` has five fields or a word such as @daily, in `time_zone` (a name as Europe/Paris;
    the cluster's own by default). `keep` is how many succeeded runs stay in the list, and how many failed ones.
    """

    cron: str
    time_zone: str | None = None
    concurrency: Concurrency = Concurrency.FORBID
    keep: int = 3

    def __post_init__(self) -> None:
        fields = self.cron.split()
        if len(fields) != 5 and not (len(fields) == 1 and self.cron.startswith("@")):
            raise UsageError(f"schedule: {self.cron!r} is not a cron expression", 'write five fields, e.g. "0 2 * * *" for 2:00 every day')
        if "TZ" in self.cron:
            raise UsageError(f"schedule: {self.cron!r} has a time zone in it", "name it with --time-zone")
        if self.keep < 0:
            raise UsageError(f"keep: {self.keep} is negative", "0 keeps no run")


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be an application's name."""
    if not _NAME.match(name):
        raise UsageError(
            f"{name!r} can't be an application's name",
            "use at most 40 lower-case letters, digits and dashes, beginning with a letter and not ending with a dash",
        )


def check_schedule_name(name: str) -> None:
    """Raise UsageError unless a schedule can have this name: its runs append the time, and executors' names have 63 characters."""
    if len(name) > SCHEDULE_NAME_LENGTH:
        raise UsageError(f"{name!r} is too long for a schedule", f"choose a --name of at most {SCHEDULE_NAME_LENGTH} characters")


def _check_coordinates(option: str, coordinates: Iterable[str], form: str) -> None:
    for one in coordinates:
        if one.count(":") != form.count(":") or not all(_COORDINATE.match(part) for part in one.split(":")):
            raise UsageError(f"{option}: {one!r} is not {form}", f"write Maven coordinates, e.g. {_EXAMPLES[form]}")


def unique_name(file: str) -> str:
    """`<stem>-<4 hex digits>`, such as etl-7f3a for jobs/etl.py."""
    stem = file.rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()
    stem = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")
    if not stem or not stem[0].isalpha():
        stem = f"app-{stem}".rstrip("-")
    return f"{stem[:_STEM_LENGTH].rstrip('-')}-{secrets.token_hex(2)}"
