"""What PostgreSQL computes of numerics with more digits than Trino has: quotients, variances, deviations. Source: its numeric.c."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from bdc.sql.pgwire.errors import SqlError


def computed(parts: Sequence[str | None]) -> str | None:
    """A value of what Trino gives for it: dividend and divisor; or a name, a count, a sum and a sum of squares. Raises SqlError."""
    if len(parts) == len(("dividend", "divisor")):
        dividend, divisor = parts
        return None if dividend is None or divisor is None else divide(dividend, divisor)
    name, count, total, squares = parts
    return spread(str(name), int(count or 0), total or "0", squares or "0")


def spread(name: str, count: int, total: str, squares: str) -> str | None:
    """stddev_samp, stddev_pop, var_samp or var_pop, with the digits that numeric_stddev_internal() gives it; NULL of too few values."""
    sample = name.endswith("samp")
    if count <= sample:
        return None
    with localcontext(Context(prec=_PRECISION)):
        above = count * Decimal(squares) - Decimal(total) ** 2
        if above <= 0:
            return "0"
        variance = divide(format(above, "f"), str(count * (count - sample)))
        if name.startswith("var"):
            return variance
        digits = Decimal(1).scaleb(Decimal(variance).as_tuple().exponent)  # type: ignore[arg-type] # it is finite
        return format(Decimal(variance).sqrt().quantize(digits, rounding=ROUND_HALF_UP), "f")


# PostgreSQL's numeric division: at least 16 digits that count, in groups of four; see select_div_scale() of numeric.c.
_DIGITS, _GROUP, _PRECISION = 16, 4, 1000


def divide(dividend: str, divisor: str) -> str:
    """A quotient of numerics with the digits that PostgreSQL gives it. Raises SqlError."""
    one, other = Decimal(dividend), Decimal(divisor)
    if not other:
        raise SqlError("division by zero", "22012")
    weights, firsts = zip(*(_leading(side) for side in (one, other)), strict=True)
    weight = weights[0] - weights[1] - (firsts[0] <= firsts[1])
    scale = max(_DIGITS - weight * _GROUP, _scale(one), _scale(other), 0)
    with localcontext(Context(prec=_PRECISION)):
        return format((one / other).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP), "f")


def _leading(value: Decimal) -> tuple[int, int]:
    """The place (in groups of four digits, 0 is that before the point) and the value of the first group of digits that isn't zero."""
    if not value:
        return 0, 0
    weight = value.adjusted() // _GROUP
    return weight, int(abs(value).scaleb(-weight * _GROUP))


def _scale(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))
