"""The program of a process that runs scripts for `r.js`. `engines` starts it by its path.

It reads requests, one JSON line each, and answers each with one JSON line, until its input ends. A
request is `{source, arguments, timeout}`. If the arguments are null, it runs the script. Otherwise
it calls the function that the script returned. An answer is `{value}`, `{function: true}`,
`{error}` or `{timeout: true}`.

The program imports nothing from the package around it, so it starts quickly. A script can use only
its engine, which limits memory, stack and time. If the engine fails to end a script in time, a
watchdog of `faulthandler` ends the process, even inside a native function. Only the one script is
lost then.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
from collections import OrderedDict
from typing import Any

_KEPT_SCRIPTS = 8
_DEEPEST = 500
"""Values nested deeper than this are taken to be circular."""
_LONGEST_WATCH = 365 * 24 * 60 * 60.0
"""The watchdog takes no number that its clock cannot hold."""

# Evaluates a script and calls the function it may have given. What it needs of the language it
# takes before the script can change it.
_BRIDGE = """
(() => {
  "use strict";
  const {stringify, parse} = JSON;
  const {isFinite, isNaN} = Number;
  const {isArray, from} = Array;
  const {keys, entries, fromEntries} = Object;
  const [apply, time] = [Reflect.apply, Date.prototype.getTime];
  const [ArrayMap, TextOf] = [Array.prototype.map, String];
  const [Expression, Instant, Range] = [RegExp, Date, RangeError];
  class Refusal extends Error {}
  const refuse = (message) => { throw new Refusal(message); };
  const plain = (value, depth) => {
    if (depth === 0) refuse("Recursion limit exceeded in js_to_json (circular reference?).");
    switch (typeof value) {
      case "string": case "boolean": return value;
      case "number":
        return isFinite(value) ? value : refuse("Number return value is not finite.");
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
      if (!(error instanceof Range)) throw error;
      return refuse("Recursion limit exceeded in js_to_json (circular reference?).");
    }
  };
  const composite = (value, depth) => {
    if (isArray(value)) return apply(from, Array, [value, (item) => plain(item, depth)]);
    if (value instanceof Expression) refuse("Cannot convert RegExp to ql::datum_t.");
    if (value instanceof Instant) {
      const seconds = apply(time, value, []) / 1000;
      if (isNaN(seconds)) refuse("Non-finite number: nan");
      return {"$reql_type$": "TIME", "epoch_time": seconds, "timezone": "+00:00"};
    }
    return fromEntries(
      apply(ArrayMap, keys(value), [(name) => [name, plain(value[name], depth)]]));
  };
  const given = (value) => {
    if (isArray(value)) return apply(ArrayMap, value, [given]);
    if (value === null || typeof value !== "object") return value;
    if (value["$reql_type$"] === "TIME") return new Instant(value.epoch_time * 1000);
    return fromEntries(
      apply(ArrayMap, entries(value), [([name, item]) => [name, given(item)]]));
  };
  const answer = (compute) => {
    try {
      return stringify(compute());
    } catch (error) {
      return stringify({error: error instanceof Refusal ? error.message : TextOf(error)});
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
      const result = apply(script, globalThis, given(parse(values)));
      if (typeof result === "function") {
        refuse("Returning functions from within `r.js` is unsupported.");
      }
      return {value: shallow(result)};
    }),
  };
})()
""".replace("DEEPEST", str(_DEEPEST))


class Script:
    """A script in an engine of its own."""

    def __init__(self, engine: Any, source: str, timeout: float, memory: int, stack: int) -> None:
        self._failure = engine.JSException
        self._context = engine.Context()
        self._context.set_memory_limit(memory)
        self._context.set_max_stack_size(stack)
        self._context.eval(f"globalThis.__bridge = {_BRIDGE}")
        self._evaluate = self._context.eval("__bridge.evaluate")
        self._call = self._context.eval("__bridge.call")
        self._context.eval("delete globalThis.__bridge")
        self.result = self._answer(self._evaluate, source, timeout)
        self.is_function = self.result.startswith('{"function"')

    def call(self, arguments: Any, timeout: float) -> str:
        """The result of its function for these arguments."""
        return self._answer(self._call, json.dumps(arguments), timeout)

    def _answer(self, function: Any, argument: str, timeout: float) -> str:
        self._context.set_time_limit(max(0.0, timeout))
        try:
            answer: str = function(argument)
        except self._failure as error:
            problem = str(error)
            if "interrupted" in problem:
                return json.dumps({"timeout": True})
            # Without memory for the error, the engine gives none.
            out_of_memory = problem in ("", "null")
            text = "InternalError: out of memory" if out_of_memory else problem.splitlines()[0]
            return json.dumps({"error": text})
        return answer


class Engine:
    """Runs scripts, and keeps those that gave functions.

    Args:
        engine: the module `quickjs`.
        memory: bytes for each script.
        stack: bytes of stack for each script.
        grace: seconds after its timeout in which a script must have been interrupted.
    """

    def __init__(self, engine: Any, memory: int, stack: int, grace: float) -> None:
        self._engine = engine
        self._memory = memory
        self._stack = stack
        self._grace = grace
        self._scripts: OrderedDict[str, Script] = OrderedDict()
        self._nowhere = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process

    def answer(self, request: dict[str, Any]) -> str:
        """The answer to a request."""
        watch = min(max(0.0, request["timeout"]) + self._grace, _LONGEST_WATCH)
        faulthandler.dump_traceback_later(watch, exit=True, file=self._nowhere)
        try:
            return self._answer(**request)
        except MemoryError:
            return json.dumps({"error": "InternalError: out of memory"})
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _answer(self, source: str, arguments: Any, timeout: float) -> str:
        script = None if arguments is None else self._scripts.pop(source, None)
        if script is None:
            script = Script(self._engine, source, timeout, self._memory, self._stack)
        if not script.is_function:
            return script.result
        self._keep(source, script)
        return script.result if arguments is None else script.call(arguments, timeout)

    def _keep(self, source: str, script: Script) -> None:
        self._scripts[source] = script
        while len(self._scripts) > _KEPT_SCRIPTS:
            self._scripts.popitem(last=False)


def _limit_process(memory: int) -> None:
    """Limits what the engine's own limits do not cover. Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # lower already, or unknown to the system
            resource.setrlimit(kind, (most, most))


def main(folder: str, memory: str, stack: str, grace: str, most_memory: str) -> None:
    """Serves until the input ends. `folder` contains the module `quickjs`."""
    sys.path.append(folder)
    import quickjs

    _limit_process(int(most_memory))
    engine = Engine(quickjs, int(memory), int(stack), float(grace))
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(engine.answer(json.loads(line)).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
