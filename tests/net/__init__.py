"""Tests of the wire core: no socket, no sleep, no loop."""
