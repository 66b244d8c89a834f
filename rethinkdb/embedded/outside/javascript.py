"""Running JavaScript for `r.js`, in QuickJS, the engine a real server has.

Nothing of the program around it can be reached from a script. Engines belong to the thread that
made them, so each thread keeps its own; a function is known by its source text, and compiled again
where another thread calls it.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from rethinkdb.embedded.data import datum, pseudotypes
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL, Datum
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.outside.extras import needed

_KEPT_SCRIPTS = 32
_DEEPEST = 500
"""Values nested deeper than this are taken to be circular."""

_UNUSABLE = {
    MINVAL: "`r.minval` cannot be passed to `r.js`.",
    MAXVAL: "`r.maxval` cannot be passed to `r.js`.",
}
_UNDEFINED_NAME = re.compile(r"ReferenceError: (\S+) is not defined")

# Evaluates a script and calls the function it may have given. Answers are JSON: {value}, {function}
# or {error}.
_BRIDGE = """
(() => {
  "use strict";
  class Refusal extends Error {}
  const refuse = (message) => { throw new Refusal(message); };
  const plain = (value, depth) => {
    if (depth === 0) refuse("Recursion limit exceeded in js_to_json (circular reference?).");
    switch (typeof value) {
      case "string": case "boolean": return value;
      case "number":
        return Number.isFinite(value) ? value : refuse("Number return value is not finite.");
      case "undefined":
        return refuse("Cannot convert javascript `undefined` to ql::datum_t.");
      case "function": return refuse("Cannot convert function to ql::datum_t.");
      case "object": return value === null ? null : composite(value, depth - 1);
      default: return refuse("Unhandled value type when converting to ql::datum_t.");
    }
  };
  const shallow = (value) => {
    try {
      return plain(value, DEEPEST);
    } catch (error) {
      // The engine's stack may end before the limit is reached.
      if (!(error instanceof RangeError)) throw error;
      return refuse("Recursion limit exceeded in js_to_json (circular reference?).");
    }
  };
  const composite = (value, depth) => {
    if (Array.isArray(value)) return Array.from(value, (item) => plain(item, depth));
    if (value instanceof RegExp) refuse("Cannot convert RegExp to ql::datum_t.");
    if (value instanceof Date) {
      const seconds = value.getTime() / 1000;
      if (Number.isNaN(seconds)) refuse("Non-finite number: nan");
      return {"$reql_type$": "TIME", "epoch_time": seconds, "timezone": "+00:00"};
    }
    return Object.fromEntries(
      Object.keys(value).map((name) => [name, plain(value[name], depth)]));
  };
  const given = (value) => {
    if (Array.isArray(value)) return value.map(given);
    if (value === null || typeof value !== "object") return value;
    if (value["$reql_type$"] === "TIME") return new Date(value.epoch_time * 1000);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, given(item)]));
  };
  const answer = (compute) => {
    try {
      return JSON.stringify(compute());
    } catch (error) {
      return JSON.stringify({error: error instanceof Refusal ? error.message : String(error)});
    }
  };
  let script;
  return {
    evaluate: (source) => answer(() => {
      const result = (0, eval)(source);
      if (typeof result !== "function") return {value: shallow(result)};
      script = result;
      return {function: true};
    }),
    call: (values) => answer(() => {
      const result = script.apply(globalThis, given(JSON.parse(values)));
      if (typeof result === "function") {
        refuse("Returning functions from within `r.js` is unsupported.");
      }
      return {value: shallow(result)};
    }),
  };
})()
""".replace("DEEPEST", str(_DEEPEST))


class Script:
    """A script in the engine of the thread that made it."""

    def __init__(self, source: str, timeout: float) -> None:
        engine = needed("quickjs", "quickjs-ng", "`r.js`")
        self._failure = engine.JSException
        self._source = source
        self._context = engine.Context()
        self._context.eval(f"globalThis.__bridge = {_BRIDGE}")
        self._evaluate = self._context.eval("__bridge.evaluate")
        self._call = self._context.eval("__bridge.call")
        self._context.eval("delete globalThis.__bridge")
        self.result = self._answer(self._evaluate, source, timeout)

    @property
    def is_function(self) -> bool:
        """Whether the script gave a function, to be called later."""
        return "function" in self.result

    def call(self, arguments: Sequence[Datum], timeout: float) -> Datum:
        """What its function gives for these arguments."""
        values = json.dumps([_plain(argument) for argument in arguments])
        return _value(self._answer(self._call, values, timeout))

    def _answer(self, function: Any, argument: str, timeout: float) -> dict[str, Any]:
        self._context.set_time_limit(timeout)
        try:
            answer: dict[str, Any] = json.loads(function(argument))
        except self._failure as error:
            raise logic(self._explained(str(error), timeout)) from error
        if "error" in answer:
            raise logic(
                _UNDEFINED_NAME.sub(r"ReferenceError: '\1' is not defined", answer["error"])
            )
        return answer

    def _explained(self, problem: str, timeout: float) -> str:
        if "interrupted" in problem:
            return f"JavaScript query `{self._source}` timed out after {timeout:.3f} seconds."
        return problem.splitlines()[0]


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


class _Scripts(threading.local):
    """This thread's scripts that gave functions, least recently used first."""

    def __init__(self) -> None:
        self.by_source: OrderedDict[str, Script] = OrderedDict()


_scripts = _Scripts()


def evaluate(source: str, timeout: float) -> Script:
    """Runs a script, anew.

    Args:
        source: its text.
        timeout: the seconds it may take.
    """
    script = Script(source, timeout)
    if script.is_function:
        _keep(source, script)
    return script


def value_of(script: Script) -> Datum:
    """What a script gave that gave no function."""
    return _value(script.result)


def call(source: str, arguments: Sequence[Datum], timeout: float) -> Datum:
    """Calls the function that a script gives."""
    script = _scripts.by_source.pop(source, None) or Script(source, timeout)
    _keep(source, script)
    return script.call(arguments, timeout)


def _keep(source: str, script: Script) -> None:
    _scripts.by_source[source] = script
    while len(_scripts.by_source) > _KEPT_SCRIPTS:
        _scripts.by_source.popitem(last=False)
