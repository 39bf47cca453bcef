"""What is written into a Secret is read from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.config.secret_data import decoded, encoded, texts


@given(st.dictionaries(st.text(), st.binary()))
def test_bytes_come_back(values: dict[str, bytes]) -> None:
    assert decoded(encoded(values)) == values


@given(st.dictionaries(st.text(), st.text()))
def test_texts_come_back(values: dict[str, str]) -> None:
    assert texts(encoded(values)) == values


def test_what_kubernetes_has() -> None:
    assert encoded({"password": "pä", "tls.crt": b"\xff"}) == {"password": "cMOk", "tls.crt": "/w=="}


def test_an_empty_one_has_no_data() -> None:
    assert texts(None) == texts({}) == {}


@pytest.mark.parametrize("value", ["no base64", "/w=="])
def test_what_is_no_text(value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        texts({"password": value})
