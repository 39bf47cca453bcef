"""The one room that talks to the Kubernetes API. Nothing outside it imports `kubernetes`."""

from bdc.errors import UnreachableError
from bdc.kube.client import Kube, Resource, connect
from bdc.kube.errors import ApiConflictError, ApiError, ApiForbiddenError, ApiInvalidError, ApiNotFoundError, UnknownKindError

__all__ = [
    "ApiConflictError",
    "ApiError",
    "ApiForbiddenError",
    "ApiInvalidError",
    "ApiNotFoundError",
    "Kube",
    "Resource",
    "UnknownKindError",
    "UnreachableError",
    "connect",
]
