"""What scenarios use to look at the process they run in."""

from __future__ import annotations

import os

from rethinkdb.testing.conformance.timing import sockets_at


def test_looking_for_sockets_leaves_no_descriptor_open() -> None:
    before = len(os.listdir("/dev/fd"))
    assert sockets_at(0) == []
    assert len(os.listdir("/dev/fd")) == before
