"""What the steps after the node have in common: the cluster that is wanted, and the Kubernetes for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bdc.cluster import Access, Substrate
from bdc.kube import Kube

if TYPE_CHECKING:
    from bdc.config.model import Config


@dataclass(frozen=True)
class Target:
    """The cluster of `config` in a Kubernetes that answers.

    `login`: see StackContext.pull_login. `code`: see program_inputs.py; None where the stacks are run in any case.
    """

    config: Config
    substrate: Substrate
    access: Access
    kube: Kube
    login: str | None = field(default=None, repr=False)
    code: str | None = None
