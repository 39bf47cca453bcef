"""Kubernetes quantities, the part that bdc.yaml accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.config.quantity import cores, human, mebibytes, size


@pytest.mark.parametrize(("text", "bytes_"), [("1.5Gi", 1610612736), ("1k", 1000), ("512Mi", 2**29), ("7", 7), ("2T", 2 * 10**12)])
def test_sizes(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "Gi", "1gi", "-1Gi", "1 Gi", "1Gi\n", "1e3", "٣Gi", "9" * 400 + "Ti", "inf"])
def test_not_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size(text)


@pytest.mark.parametrize(("text", "count"), [("250m", 0.25), ("2", 2), ("0.5", 0.5)])
def test_cores(text: str, count: float) -> None:
    assert cores(text) == count


@pytest.mark.parametrize("text", ["", "m", "1.5m", "0.0001", "-1", "1\n", "nan"])
def test_not_cores(text: str) -> None:
    with pytest.raises(ValueError, match="is not a CPU quantity"):
        cores(text)


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        result = size(text)
    except ValueError:
        result = 0
    assert result >= 0


def test_for_people() -> None:
    assert [human(1610612736), human(12), human(5 * 2**40), human(2000)] == ["1.5 GiB", "12 B", "5.0 TiB", "2.0 KiB"]
    assert mebibytes("1.5Gi") == 1536
