"""Values on Pulumi's wire: protobuf structs to Python and back, secrets and not-yet-known values included.

A secret travels as a dict with the signature key; what is not known yet (in a preview) as one magic string.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def to_python(struct: Struct) -> dict[str, Any]:
    """The struct as a dict, secrets still wrapped. Whole numbers become ints: the API server refuses 8080.0."""
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return to_python(value.struct_value)
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def to_struct(values: Mapping[str, Any]) -> Struct:
    """A dict as a struct."""
    struct = Struct()
    _fill(struct, values)
    return struct


def _fill(struct: Struct, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        _set(struct.fields[key], value)


def _set(field: Value, value: Any) -> None:
    if value is None:
        field.null_value = 0  # type: ignore[assignment]
    elif isinstance(value, bool):
        field.bool_value = value
    elif isinstance(value, int | float):
        field.number_value = value
    elif isinstance(value, Mapping):
        field.struct_value.SetInParent()
        _fill(field.struct_value, value)
    elif isinstance(value, list):
        field.list_value.SetInParent()
        for item in value:
            _set(field.list_value.values.add(), item)
    else:
        field.string_value = str(value)


def is_secret(value: Any) -> bool:
    """Whether this very value is wrapped as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def _is_output(value: Any) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == OUTPUT


def secret(value: Any) -> Any:
    """The value wrapped as a secret, once."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def plain(value: Any) -> Any:
    """The value without wrappings; nulls in maps are dropped, as the API server would."""
    if is_secret(value):
        return plain(value.get("value"))
    if _is_output(value):
        return plain(value["value"]) if "value" in value else UNKNOWN
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether a plain value holds anything that is not known yet."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return bool(value == UNKNOWN)


def contains_secret(value: Any) -> bool:
    """Whether a wrapped value is or holds a secret."""
    if is_secret(value) or (_is_output(value) and value.get("secret")):
        return True
    if isinstance(value, dict):
        return any(map(contains_secret, value.values()))
    if isinstance(value, list):
        return any(map(contains_secret, value))
    return False


def conceal(value: Any, like: Any) -> Any:
    """Wrap in the plain `value` what is secret in the wrapped `like`; the data of a Secret always."""
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Secret" and value.get("apiVersion") == "v1":
        return {key: secret(item) if key in ("data", "stringData") else item for key, item in value.items()}
    if not isinstance(like, dict):
        return value
    concealed = dict(value)
    for key, pattern in like.items():
        if key not in concealed:
            continue
        if isinstance(pattern, dict) and isinstance(concealed[key], dict) and not is_secret(pattern):
            concealed[key] = conceal(concealed[key], pattern)
        elif contains_secret(pattern):  # also a list that holds one: its elements may have moved
            concealed[key] = secret(concealed[key])
    return concealed
