"""Brings a Kubernetes: a cluster you have, kind, or this host by kubeadm (the embedded node, the default).

Nothing above this room knows which it was.
"""

from bdc.cluster.choice import substrate
from bdc.cluster.substrate import Access, Load, Substrate

__all__ = ["Access", "Load", "Substrate", "substrate"]
