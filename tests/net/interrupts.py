"""A signal handler that raises, wherever one can strike.

CPython runs signal handlers when a function is entered, after a call, and where a loop jumps back.
`Interrupts` raises at the n-th such place within the wire core.
"""

from __future__ import annotations

import dis
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import rethinkdb.net

CORE = str(Path(rethinkdb.net.__file__).parent)


class Interrupt(BaseException):
    """What the handler raises: like KeyboardInterrupt, no `Exception`."""


class Interrupts:
    """Raises at one place of what is run by it.

    Args:
        count: at how many places before it not to.

    Attributes:
        raised: whether that many places were reached.
        place: where it raised.
    """

    def __init__(self, count: int) -> None:
        self._left = count
        self.raised = False
        self.place = ""

    def run(self, step: Callable[[], object]) -> None:
        """Make a step, under interrupts.

        In a thread of its own: a tracer that raises leaves traces in its thread.
        """
        errors: list[BaseException] = []
        thread = threading.Thread(target=self._traced, args=(step, errors))
        thread.start()
        thread.join()
        for error in errors:
            raise error

    def _traced(self, step: Callable[[], object], errors: list[BaseException]) -> None:
        sys.settrace(self._enter)
        try:
            step()
        except Interrupt:
            self.raised = True
        except BaseException as exc:
            errors.append(exc)
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(CORE):
            return None
        self._strike(frame)
        frame.f_trace_opcodes = True
        last = -1
        code = frame.f_code.co_code

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "opcode":
                called = last >= 0 and dis.opname[code[last]].startswith("CALL")
                if called or frame.f_lasti < last:
                    self._strike(frame)
                last = frame.f_lasti
            return step

        return step

    def _strike(self, frame: FrameType) -> None:
        self._left -= 1
        if self._left == -1:
            self.place = f"{frame.f_code.co_name} line {frame.f_lineno} {frame.f_lasti}"
            raise Interrupt
