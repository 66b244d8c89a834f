"""Checks the arguments of `Server` and `Cluster` where they are given, and names the wrong one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["checked_host", "checked_path", "checked_port", "checked_servers", "checked_users"]


def checked_host(value: Any) -> str:
    """The argument `host`. Raises TypeError unless it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"`host` must be a str, such as '127.0.0.1', not {value!r}.")
    return value


def checked_port(value: Any) -> int:
    """The argument `port`. Raises TypeError or ValueError unless it is a port or 0."""
    wrong = f"`port` must be a whole number from 0 to 65535, not {value!r}. 0 takes a free port."
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(wrong)
    if not 0 <= value <= 65535:
        raise ValueError(wrong)
    return value


def checked_path(name: str, value: Any) -> Path | None:
    """An argument that is the path of a file, or None. Raises TypeError if it is anything else."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"`{name}` must be the path of a file, not {value!r}.")
    return Path(value)


def checked_users(value: Any) -> Mapping[str, Any]:
    """The argument `users`. Raises TypeError unless it is a dict of strings, or None."""
    if value is None:
        return {}
    # A message does not show the value itself: there may be passwords in it.
    if not isinstance(value, Mapping):
        raise TypeError(
            "`users` must be a dict of names and passwords, such as {'reader': '1234'}, not"
            f" {type(value).__name__}."
        )
    for name in value:
        if not isinstance(name, str):
            raise TypeError(f"The name of a user must be a str, not {type(name).__name__}.")
    return value


def checked_servers(value: Any) -> int:
    """The number of servers of a cluster. Raises TypeError or ValueError if it is none."""
    if not isinstance(value, int):
        raise TypeError(f"`servers` must be a whole number, not {value!r}.")
    if value < 1:
        raise ValueError(f"A cluster has at least one server, not {value!r}.")
    return value
