"""Guesses which run option was meant by a name that the server does not know."""

from __future__ import annotations

import re

# Not in the function, though few programs need it: a connection calls that while its thread has a
# lock. If a signal handler interrupted an import there, others could wait for both for ever.
from difflib import get_close_matches

__all__ = ["RUN_OPTIONS", "with_guess"]

#: The run options of the server and of this driver.
RUN_OPTIONS = (
    "array_limit",
    "as_cursor",
    "as_type",
    "binary_format",
    "changefeed_queue_size",
    "db",
    "deadline",
    "durability",
    "first_batch_scaledown_factor",
    "group_format",
    "idempotent",
    "identifier_format",
    "include_initial",
    "include_offsets",
    "include_states",
    "include_types",
    "json_decoder",
    "json_encoder",
    "max_batch_bytes",
    "max_batch_rows",
    "max_batch_seconds",
    "min_batch_rows",
    "noreply",
    "profile",
    "read_mode",
    "remember",
    "resume",
    "squash",
    "time_format",
    "timeout",
)

_UNKNOWN = re.compile(r"Unrecognized global optional argument `(\w+)`")


def with_guess(message: str) -> str:
    """The server's message; if it is about an unknown run option, with the one that was meant."""
    unknown = _UNKNOWN.match(message)
    if unknown is None:
        return message
    near = get_close_matches(unknown[1].lower(), RUN_OPTIONS, n=1)
    return f"{message} (did you mean `{near[0]}`?)" if near else message
