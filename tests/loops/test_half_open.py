"""A feed on a link whose other end has vanished without a word ends, on every loop.

The program `half_open` is run in a network of its own, with the system's keepalive set to seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rethinkdb.testing.conformance.drivers import DRIVERS

OWN_NETWORK = ["unshare", "--map-root-user", "--net"]
PROGRAM = Path(__file__).with_name("half_open.py")


def why_not() -> str:
    """Why this system makes no network for a test; empty if it does."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "there is no `unshare`, or no `ip`"
    cable = "ip link add name here type veth peer name there"
    tried = subprocess.run([*OWN_NETWORK, *cable.split()], capture_output=True, text=True)
    return tried.stderr.strip()


def test_a_feed_on_a_half_open_link_ends() -> None:
    if reason := why_not():
        pytest.skip(f"no network of its own: {reason}")
    done = subprocess.run(
        [*OWN_NETWORK, sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=120
    )
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert said.keys() == DRIVERS.keys(), done.stderr
    for loop, how in said.items():
        assert how.startswith("ReqlCursorLostError"), (loop, how)
