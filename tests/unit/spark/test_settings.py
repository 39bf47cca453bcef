from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import UsageError
from bdc.spark.memory import spark_mebibytes
from bdc.spark.settings import parse, render


def test_parse_reads_both_separators_and_comments() -> None:
    text = "# a comment\n\nspark.a   one two\nspark.b=x=y\nspark.c = z\nspark.d\n"
    assert parse(text) == {"spark.a": "one two", "spark.b": "x=y", "spark.c": "z", "spark.d": ""}


def java_load(text: str) -> dict[str, str]:
    """java.util.Properties.load for what render writes: one line an entry, backslash escapes."""
    entries = {}
    for line in text.splitlines():
        parts: list[str] = []
        out, chars = "", iter(line)
        for char in chars:
            if char == "\\":
                follower = next(chars)
                out += {"n": "\n", "r": "\r", "t": "\t"}.get(follower, follower)
            elif char == "=" and not parts:
                parts.append(out)
                out = ""
            else:
                out += char
        entries[parts[0]] = out
    return entries


@given(
    st.dictionaries(
        st.from_regex(r"\Aspark\.[a-zA-Z.=: #!\\]{1,20}\Z"),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], include_characters="\n\t\r\\"), max_size=30),
    )
)
def test_rendered_properties_are_what_java_reads(entries: dict[str, str]) -> None:
    assert java_load(render(entries)) == entries


@pytest.mark.parametrize(("text", "mib"), [("512", 512), ("512m", 512), ("1g", 1024), ("2GB", 2048), ("1048576k", 1024), ("1t", 1048576)])
def test_spark_sizes(text: str, mib: int) -> None:
    assert spark_mebibytes(text, "driver-memory") == mib


@pytest.mark.parametrize("text", ["", "1.5g", "lots", "0", "10k", "-1g"])
def test_bad_sizes_name_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="driver-memory"):
        spark_mebibytes(text, "driver-memory")
