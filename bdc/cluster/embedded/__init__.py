"""This host as a Kubernetes node, made with kubeadm, containerd, runc and the CNI plugins."""

from bdc.cluster.embedded.node import EmbeddedNode, NodeStatus

__all__ = ["EmbeddedNode", "NodeStatus"]
