"""The one room that talks to the Kubernetes API. Nothing outside it imports `kubernetes`."""

from bdc.errors import UnreachableError
from bdc.kube.client import Kube, Resource, connect
from bdc.kube.errors import ApiError, ApiNotFoundError, UnknownKindError

__all__ = ["ApiError", "ApiNotFoundError", "Kube", "Resource", "UnknownKindError", "UnreachableError", "connect"]
