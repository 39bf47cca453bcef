"""Drives Pulumi: plan, up and down of a cluster's stacks. Importing this is cheap; Pulumi's SDK is loaded at the first operation."""

from bdc.engine.choice import choose as choose_plugin
from bdc.engine.engine import Engine
from bdc.engine.errors import EngineError, Failure
from bdc.engine.events import Change, Event

__all__ = ["Change", "Engine", "EngineError", "Event", "Failure", "choose_plugin"]
