"""An ordinary user of a cluster: what `bdc context export` writes into a kubeconfig, beside what Kubernetes itself needs.

It is an extension of the kubeconfig's context, which kubectl and other programs keep and don't read:
https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ (NamedExtension).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bdc.errors import BdcError

EXTENSION = "bdc.dev/user"


@dataclass(frozen=True)
class UserContext:
    """Who somebody is at the endpoints of a cluster, where each of these answers, and the Spark pools that are open to them.

    `ca` is PEM. `named`: the endpoints' certificate names the addresses, which it doesn't for a cloud's load balancers.
    """

    cluster: str
    name: str
    password: str = field(repr=False)
    ca: str = field(repr=False)
    addresses: Mapping[str, Sequence[str]]
    named: bool
    pools: tuple[str, ...]
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The token of Spark Connect by pool, where it has one."""

    def manifest(self) -> dict[str, Any]:
        """As the extension has it."""
        return {
            "cluster": self.cluster,
            "user": self.name,
            "password": self.password,
            "ca": self.ca,
            "addresses": {name: list(found) for name, found in self.addresses.items()},
            "named": self.named,
            "pools": list(self.pools),
            "tokens": dict(self.tokens),
        }

    @classmethod
    def parse(cls, found: Any) -> Self:
        """From the extension. Raises BdcError for one that isn't whole."""
        try:
            return cls._read(found)
        except (KeyError, TypeError, AttributeError) as error:
            raise BdcError(f"the kubeconfig's extension {EXTENSION} isn't whole", "get a new one: bdc context export") from error

    @classmethod
    def _read(cls, found: Mapping[str, Any]) -> Self:
        return cls(
            cluster=str(found["cluster"]),
            name=str(found["user"]),
            password=str(found["password"]),
            ca=str(found["ca"]),
            addresses={str(name): tuple(map(str, some)) for name, some in found["addresses"].items()},
            named=bool(found["named"]),
            pools=tuple(map(str, found["pools"])),
            tokens={str(pool): str(token) for pool, token in (found.get("tokens") or {}).items()},
        )
