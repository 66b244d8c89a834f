"""Tells errors of signal handlers from errors of the code that a handler has interrupted.

Python calls signal handlers in the main thread, between any two steps of the code that runs there.
If a handler raises an error, such as the TimeoutError of an alarm, it looks like an error of the
decoder or of the socket. It is neither: it must reach the program that called the driver.
"""

from __future__ import annotations

from types import FrameType

__all__ = ["handlers_error", "raised_by_handler"]

_VARARGS = 0x04  # the flag of a function that has `*args`


def raised_by_handler(error: BaseException) -> bool:
    """Whether a signal handler raised the error, and not the code in which it came up.

    A handler is recognized by its arguments: Python passes it the interrupted frame. No other
    function gets its caller's frame.
    """
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        if _was_given(entry.tb_next.tb_frame, entry.tb_frame):
            return True
        entry = entry.tb_next
    return False


def handlers_error(error: BaseException) -> BaseException | None:
    """The signal handler's error in an error's chain of causes; None if there is none."""
    found: BaseException | None = error
    # A chain can lead back into itself: if code raises the same object again and again, it comes
    # to be the cause of its own cause.
    seen: list[BaseException] = []
    while found is not None and not any(found is other for other in seen):
        if raised_by_handler(found):
            return found
        seen.append(found)
        found = found.__cause__ or found.__context__
    return None


def _was_given(callee: FrameType, caller: FrameType) -> bool:
    """Whether the caller's frame is among the arguments of a function."""
    code = callee.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _VARARGS)
    for name in code.co_varnames[:count]:
        value = callee.f_locals.get(name)
        # Not `caller in value`, which would compare: with a term of ReQL that is an error.
        if value is caller or (type(value) is tuple and any(each is caller for each in value)):
            return True
    return False
