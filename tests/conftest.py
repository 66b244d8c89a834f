"""What the whole suite starts from."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Whoever runs the suite may have a server of their own: it is not the one to test with.
os.environ.pop("RETHINKDB_URL", None)

# A shell lets what it starts in the background ignore Ctrl-C. The programs that tests start would
# ignore it, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test may fail because the machine is slow, or busy: neither one example nor the making of
# examples has a time limit. Tests that want other settings change these, not the limits.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from what pytest itself holds for ten thousand tests.

    Tests that look for leaks have it collect, which took up to 0.3 s each time, a third of the
    whole suite.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Three servers: an embedded `Cluster`, unless RETHINKDB_TEST_CLUSTER names a real one.

    What happens to the embedded one lasts until `settle()`. What only it can do is for tests that
    are marked with `tests.clusters.embedded_cluster_only`.
    """
    from tests.clusters import cluster_under_test

    with cluster_under_test() as tested:
        yield tested
