"""Failures that a test asks for: `server.chaos`, `cluster.chaos` and `FaultProxy.chaos`.

    with Server() as server:
        server.chaos.cut(at="reply", times=1)

See the page "Chaos" of the documentation.
"""

from __future__ import annotations

from rethinkdb.embedded.chaos.chaos import Chaos
from rethinkdb.embedded.chaos.questions import Question
from rethinkdb.embedded.chaos.troubles import Trouble, When

__all__ = ["Chaos", "Question", "Trouble", "When"]
