"""Brings a cluster up, says what would change, takes it down, gives it new credentials."""

from bdc.access.credentials.journal import Kind
from bdc.access.credentials.rotate import restarts
from bdc.lifecycle.deploy import down, plan, rotate, up
from bdc.lifecycle.planning import Plan, Restart
from bdc.lifecycle.projects import write_projects
from bdc.lifecycle.report import Report, Step

__all__ = ["Kind", "Plan", "Report", "Restart", "Step", "down", "plan", "restarts", "rotate", "up", "write_projects"]
