"""What the whole suite starts from."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Whoever runs the suite may have a server of their own: it is not the one to test with.
os.environ.pop("RETHINKDB_URL", None)

# No test may fail because the machine is slow, or busy: neither one example nor the making of
# examples has a time limit. Tests that want other settings change these, not the limits.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
