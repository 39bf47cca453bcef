"""What holds for all tests: hypothesis looks for wrong answers, not for slow ones, whatever else the machine does meanwhile."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
