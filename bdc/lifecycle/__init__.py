"""Brings a cluster up, says what would change, takes it down: what `bdc up`, `plan` and `down` do."""

from bdc.lifecycle.deploy import down, plan, up
from bdc.lifecycle.effects import Plan, Restart
from bdc.lifecycle.projects import write_projects
from bdc.lifecycle.report import Report, Step

__all__ = ["Plan", "Report", "Restart", "Step", "down", "plan", "up", "write_projects"]
