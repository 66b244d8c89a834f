"""Signal handlers that strike at one place of the driver: each place, one after the other.

CPython runs handlers of signals in the main thread when a function is entered, after a call, and
where a loop jumps back. `Strike` does something at the n-th such place, or at the n-th bytecode:
raises, or uses the connection, as a handler would.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import rethinkdb

PACKAGE = str(Path(rethinkdb.__file__).parent)

#: What nobody has to expect a handler to interrupt: the embedded server, the language.
_OTHERS = tuple(f"{PACKAGE}/{part}/" for part in ("embedded", "reql", "testing"))


# Since then a function written in Python returns to another without a look at signals.
_INLINED = sys.version_info >= (3, 11)


def _in_finalizer(frame: FrameType | None) -> bool:
    """Whether Python is finalizing something: nobody hears what is raised then."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


class Strike:
    """Does something at one place of what is run by it.

    Args:
        action: what to do there.
        skip: at how many places before it not to.
        anywhere: strike at any bytecode, even where CPython runs no handlers.

    Attributes:
        files: where to strike: what the names of the files begin with.
        struck: whether that many places were reached.
        place: where that was.
    """

    files: tuple[str, ...] = (PACKAGE,)

    def __init__(self, action: Callable[[], object], skip: int, *, anywhere: bool = False) -> None:
        self._action = action
        self._left = skip
        self._anywhere = anywhere
        self._returned_to: FrameType | None = None
        self.struck = False
        self.place = ""

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a function, and strike."""
        before = sys.gettrace()  # of whoever measures the coverage
        gc.disable()  # nobody hears what is raised in the garbage collector
        sys.settrace(self._enter)
        try:
            return function()
        finally:
            sys.settrace(before)
            gc.enable()
            self._returned_to = None  # which would keep what was in use there

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if self.struck or not name.startswith(self.files) or name.startswith(_OTHERS):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        code = frame.f_code.co_code
        last, raised = -1, False

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last, raised
            if self.struck:
                return step
            if event == "return":
                self._returned_to = frame.f_back
            elif event == "exception":
                raised = True
            elif event == "opcode":
                if self._anywhere or (not raised and self._looks(frame, code, last)):
                    self._pass(frame)
                self._returned_to = None
                last, raised = frame.f_lasti, False
            return step

        return step

    def _looks(self, frame: FrameType, code: bytes, last: int) -> bool:
        """Whether CPython looks for signals before the next bytecode."""
        if last < 0 or frame.f_lasti < last:
            return True
        name = dis.opname[code[last]]
        inlined = _INLINED and name == "CALL" and self._returned_to is frame
        return name.startswith("CALL") and not inlined

    def _pass(self, frame: FrameType) -> None:
        if self._left == 0 and _in_finalizer(frame):
            return
        self._left -= 1
        if self._left == -1:
            self.struck = True
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name)
            file = Path(code.co_filename).name
            self.place = f"{file} {name} line {frame.f_lineno} offset {frame.f_lasti}"
            self._action()
