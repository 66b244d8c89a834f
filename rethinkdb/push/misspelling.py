"""Warns of names that nothing will ever call, and that are probably misspelt."""

from __future__ import annotations

from collections.abc import Iterable

from rethinkdb.warning import warn_program

__all__ = ["warn_if_misspelt"]

# A name of the program's own, such as "on_click", is rarely as similar as this to one of ours.
_SIMILAR = 0.75


def warn_if_misspelt(name: str, known: Iterable[str], what: str) -> None:
    """Warn of a name that is none of the known ones, but similar to one.

    Args:
        name: the name that the program has given.
        known: the names that have a meaning.
        what: what the name is to be called in the warning.
    """
    known = tuple(known)
    if name in known or type(name) is not str:
        return
    import difflib  # late, as few programs need it

    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_SIMILAR)
    if near:
        text = f"Nothing here calls {what} `{name}`. Did you mean `{near[0]}`?"
        warn_program(text, UserWarning)
