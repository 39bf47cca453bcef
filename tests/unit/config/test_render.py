"""Templates render whole or not at all, and foreign text can't break the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.config import render as module
from bdc.config.render import properties, render, xml
from bdc.errors import BdcError

Template = Callable[[str], str]


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Template:
    monkeypatch.setattr(module, "resources", lambda _kind: tmp_path)

    def write(text: str) -> str:
        (tmp_path / "x.j2").write_text(text)
        return "x.j2"

    return write


def test_values_are_filled_in_and_the_last_newline_kept(template: Template) -> None:
    assert render(template("{% if a %}\na={{ a }} <b>\n{% endif %}\n"), a="<1>") == "a=<1> <b>\n"


def test_a_missing_value_is_an_error(template: Template) -> None:
    with pytest.raises(BdcError, match=r"manifests/x\.j2: 'b' is undefined"):
        render(template("{{ b }}"))


def test_a_missing_template_is_an_error(template: Template) -> None:
    template("")
    with pytest.raises(BdcError, match="no template manifests/none"):
        render("none")


def test_a_broken_template_is_an_error(template: Template) -> None:
    with pytest.raises(BdcError, match=r"manifests/x\.j2"):
        render(template("{% if %}"))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿")))
def test_xml_carries_any_text(text: str) -> None:
    element = ET.fromstring(f'<a b="{xml(text)}">{xml(text)}</a>')
    assert (element.text or "", element.get("b")) == (text, text)


@given(st.text(st.characters(codec="ascii")))
def test_properties_stay_on_their_line(text: str) -> None:
    written = properties(text)
    assert "\n" not in written
    assert "\r" not in written
    assert not written.startswith((" ", "\t"))
    unescaped = written.replace("\\\\", "\0\0").replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("\\f", "\f")
    if "\0" not in text:
        assert unescaped.replace("\\ ", " ").replace("\0\0", "\\") == text


def test_booleans_are_lower_case_as_java_wants() -> None:
    assert (xml(True), properties(False), xml(3)) == ("true", "false", "3")
