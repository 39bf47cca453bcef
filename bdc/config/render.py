"""Renders the templates in manifests/: configuration files of the engines, and Kubernetes objects' texts.

A variable that a template names and nobody gives is an error, never an empty text. Templates are plain text to Jinja2; two filters
make foreign text safe in the formats that need it: `xml` for element content and attributes, `properties` for .properties values.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound

from bdc.config.paths import resources
from bdc.errors import BdcError

_PROPERTIES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


def render(template: str, **values: object) -> str:
    """The text of `template` (a path in manifests/) with `values`. Raises BdcError when it is missing or a value is."""
    try:
        return _environment(str(resources("manifests"))).get_template(template).render(**values)
    except TemplateNotFound as error:
        raise BdcError(f"there is no template manifests/{error.name}", "the installation is incomplete: install bdc again") from error
    except TemplateError as error:
        raise BdcError(f"manifests/{template}: {error.message}", "a value that the template needs was not given") from error


def xml(value: Any) -> str:
    """`value` as the content of an XML element or attribute: <, >, &, and quotes are written as entities."""
    return escape(_text(value))


def properties(value: Any) -> str:
    r"""`value` as the value of a Java .properties line: backslashes and line ends are written \\ and \n, leading spaces kept.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
    """
    text = "".join(_PROPERTIES.get(char, char) for char in _text(value))
    return f"\\{text}" if text.startswith(" ") else text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _environment(root: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  - on purpose: most templates aren't XML, and those that are use the filter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {"xml": xml, "properties": properties}
    return environment
