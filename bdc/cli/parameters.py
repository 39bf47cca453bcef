"""Options and arguments that take a value as it is where there is nothing to parse in it.

Typer parses every value with pydantic, whose import takes longer than the rest of most commands. Text, a default, and the exact name of
a choice are what they are to become; numbers, paths and mistakes are left to Typer, and so is what it says of them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from typer.core import TyperArgument, TyperOption


def unparsed(parameter: Any) -> Any:
    """The parameter, as one that parses only what has to be."""
    for kind in (_Option, _Argument):
        if type(parameter) is kind.__base__ and parameter.type_descriptor.parameter_info.parser is None:
            made = kind.__new__(kind)
            vars(made).update(vars(parameter))
            return made
    return parameter


class _Coercion:
    """Makes a parameter's value of what was given, with Typer's own coercion where that has something to do."""

    def __init__(self, annotation: Any, typers: Callable[[], Any]) -> None:
        self._annotation, self._typers = annotation, typers

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """See typer._coercion.RuntimeParam."""
        annotation = self._annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if annotation == list[str] and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return list(value)
        if annotation in (str, int, float, bool) and type(value) is annotation:
            return value
        if annotation is float and type(value) is int:
            return float(value)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            found = next((one for one in annotation if value is one or value == one.value), None)
            if found is not None:
                return found
        return self._typers().coerce(value, param=param, ctx=ctx)


class _Option(TyperOption):
    def get_runtime_param(self) -> Any:
        """See _Coercion."""
        return _Coercion(self.type_descriptor.annotation, super().get_runtime_param)


class _Argument(TyperArgument):
    def get_runtime_param(self) -> Any:
        """See _Coercion."""
        return _Coercion(self.type_descriptor.annotation, super().get_runtime_param)
