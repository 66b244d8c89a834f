"""Runs JavaScript for `r.js` in QuickJS, the engine that a real server uses.

Scripts run in separate processes; see `engines`. A function is stored as source text. If another
process calls it, that process compiles it again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rethinkdb.embedded import blocking
from rethinkdb.embedded.data import datum, jsontext, pseudotypes
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL, Datum
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic
from rethinkdb.embedded.outside.engines import ENGINES, EngineDied
from rethinkdb.embedded.outside.interruption import Interruption

_UNUSABLE = {
    MINVAL: "`r.minval` cannot be passed to `r.js`.",
    MAXVAL: "`r.maxval` cannot be passed to `r.js`.",
}
_UNDEFINED_NAME = re.compile(r"ReferenceError: (\S+) is not defined")


@dataclass(frozen=True, slots=True)
class Given:
    """The result of a script: a value, or a function that is called later."""

    is_function: bool
    value: Datum = None


def evaluate(source: str, timeout: float, interruption: Interruption) -> Given:
    """Runs a script.

    Args:
        source: its text.
        timeout: the seconds it may take.
        interruption: ends it before that.
    """
    answer = _answer(source, None, timeout, interruption)
    return Given(True) if "function" in answer else Given(False, _value(answer))


def call(
    source: str, arguments: Sequence[Datum], timeout: float, interruption: Interruption
) -> Datum:
    """Calls the function that a script returns."""
    plain = [_plain(argument) for argument in arguments]
    return _value(_answer(source, plain, timeout, interruption))


def _answer(
    source: str, arguments: list[Any] | None, timeout: float, interruption: Interruption
) -> dict[str, Any]:
    request = jsontext.dumps({"source": source, "arguments": arguments, "timeout": timeout})
    with blocking.elsewhere(), ENGINES.borrowed(source, interruption) as engine:
        engine.sources.add(source)
        started = time.monotonic()
        try:
            answer = engine.ask(request)
        except EngineDied as error:
            interruption.check()
            if time.monotonic() - started >= timeout:
                raise logic(_timed_out(source, timeout)) from error
            text = f"The JavaScript engine has crashed in `{datum.truncated_text(source)}`."
            raise QueryFailure(FailureKind.INTERNAL, text) from error
    if "timeout" in answer:
        raise logic(_timed_out(source, timeout))
    if "error" in answer:
        raise logic(_UNDEFINED_NAME.sub(r"ReferenceError: '\1' is not defined", answer["error"]))
    return answer


def _timed_out(source: str, timeout: float) -> str:
    return f"JavaScript query `{source}` timed out after {timeout:.3f} seconds."


def _value(answer: dict[str, Any]) -> Datum:
    return pseudotypes.checked_tree(datum.from_json(answer["value"]))


def _plain(value: Datum) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        raise logic("`r.binary` data cannot be used in `r.js`.")
    if value in _UNUSABLE:
        raise logic(_UNUSABLE[value])
    return value
