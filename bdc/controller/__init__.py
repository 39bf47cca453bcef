"""What bdc runs in the cluster: applications that found no room in their pool at submit begin when there is some."""

from bdc.controller.loop import run

__all__ = ["run"]
