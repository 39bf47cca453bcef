"""The login that nodes pull images with, where the registry asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bdc import images
from bdc.config.names import MANAGED_BY
from bdc.config.secret_data import texts
from bdc.errors import UsageError
from bdc.kube import ApiNotFoundError, Kube

if TYPE_CHECKING:
    from bdc.config.model import Config

_KEY = ".dockerconfigjson"


def login(config: Config, kube: Kube) -> str | None:
    """Text of the Secret `images.pull_secret`, which bdc makes once from the user's login; None where there is none or it isn't bdc's.

    Raises UsageError where there is neither the Secret nor a login.
    """
    name, registry = config.images.pull_secret, config.images.registry
    if not name or not registry:
        return None
    try:
        secret = kube.request("GET", f"/api/v1/namespaces/{config.name}/secrets/{name}")
    except ApiNotFoundError:
        host, _ = images.place(registry)
        if found := images.login(host):
            return images.pull_secret(host, found)
        raise UsageError(
            f"images.pull_secret: there is no Secret {name} in namespace {config.name}, and you have no login for {host} to make it from",
            f"log in, then run it again: docker login {host} (or podman, skopeo)",
        ) from None
    if (secret["metadata"].get("labels") or {}).get(MANAGED_BY) != "bdc":
        return None
    return texts(secret["data"])[_KEY]
