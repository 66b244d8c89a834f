"""What a signal handler raises, told from the errors of what it interrupted.

Python runs signal handlers in the main thread, in the midst of whatever is at work there. What a
handler raises, such as the TimeoutError of an alarm, then looks like an error of the decoder or of
the socket. It is neither, and belongs to whoever called the driver.
"""

from __future__ import annotations

from types import FrameType

__all__ = ["handlers_error", "raised_by_handler"]

_VARARGS = 0x04  # the flag of a function that has `*args`


def raised_by_handler(error: BaseException) -> bool:
    """Whether a signal handler raised an error, on top of the code that seems to have.

    Python hands a handler the frame that it interrupts. No other function gets its caller's frame.
    """
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        if _was_given(entry.tb_next.tb_frame, entry.tb_frame):
            return True
        entry = entry.tb_next
    return False


def handlers_error(error: BaseException) -> BaseException | None:
    """What a signal handler raised, if an error is that, or was raised on account of it."""
    found: BaseException | None = error
    while found is not None and not raised_by_handler(found):
        found = found.__cause__ or found.__context__
    return found


def _was_given(callee: FrameType, caller: FrameType) -> bool:
    """Whether the caller's frame is among the arguments of a function."""
    code = callee.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _VARARGS)
    for name in code.co_varnames[:count]:
        value = callee.f_locals.get(name)
        if value is caller or (type(value) is tuple and caller in value):
            return True
    return False
