"""Drives Pulumi: plan, up and down of a cluster's stacks. Importing this is cheap; Pulumi's SDK is loaded at the first operation."""

from bdc.engine.engine import PulumiEngine
from bdc.engine.errors import EngineError, Failure
from bdc.engine.events import Change, Event
from bdc.engine.plugin_selection import choose as choose_plugin
from bdc.engine.stacks import StackProgram
from bdc.engine.state_store import BackendStore, ClusterStore, StateStore

__all__ = [
    "BackendStore",
    "Change",
    "ClusterStore",
    "EngineError",
    "Event",
    "Failure",
    "PulumiEngine",
    "StackProgram",
    "StateStore",
    "choose_plugin",
]
