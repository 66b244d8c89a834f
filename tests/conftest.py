"""What the whole suite starts from."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test may fail because the machine is slow, or busy: neither one example nor the making of
# examples has a time limit. Tests that want other settings change these, not the limits.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
