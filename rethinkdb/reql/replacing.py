"""Documents with values that have converters, on their way to a JSON text.

What the process's converters know is replaced at once. What connections know is kept aside: marks
in the text stand for it, and are replaced when the query is run.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from uuid import uuid4

from rethinkdb.converters import JSON_TYPES, state

__all__ = ["MARK", "Replacement"]

#: Stands in a text for what is kept. No text of a program's is equal to it.
MARK = f"kept {uuid4().hex}"

_SCALARS = JSON_TYPES - {dict, list, tuple, float}


class Replacement:
    """What is done in the documents of one text.

    Attributes:
        kept: the values for which marks stand, in the order of the text, each with the depth that
            it may be nested to.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[Any, int]] = []

    def plain(self, value: Any, depth: int) -> Any:
        """A copy of a value that holds only what JSON has, and datetimes.

        Args:
            value: the value.
            depth: how deep it may be nested.

        Raises:
            TypeError: that is not possible here. The ordinary path can do it, or tells why not.
        """
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is float:
            if not math.isfinite(value):
                raise TypeError
            return value
        if kind in JSON_TYPES:
            if depth <= 0:
                raise TypeError
            if kind is dict:
                return {_key(key): self.plain(item, depth - 1) for key, item in value.items()}
            return [self.plain(item, depth - 1) for item in value]
        if state.is_kept(value):
            self.kept.append((value, depth))
            return MARK
        return self._converted(value, depth)

    def _converted(self, value: Any, depth: int) -> Any:
        converter = state.process.find(value)
        if converter is not None:
            try:
                value = converter(value)
            except Exception as exc:
                raise TypeError from exc
            if type(value) in JSON_TYPES:
                return self.plain(value, depth)
            # What else it returns may have a converter, too.
            if state.is_kept(value) or state.process.find(value) not in (None, converter):
                raise TypeError
        if type(value) is not datetime:
            raise TypeError
        return value


def _key(key: object) -> str:
    if type(key) is str:
        return key
    converter = None if isinstance(key, str) or state.is_kept(key) else state.process.find(key)
    try:
        made = converter(key) if converter is not None else None
    except Exception as exc:
        raise TypeError from exc
    if type(made) is not str:
        raise TypeError
    return made
