"""Which queries a trouble strikes, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from types import TracebackType
from typing import TYPE_CHECKING, TypedDict

from rethinkdb.embedded.chaos.effects import Effect
from rethinkdb.embedded.chaos.questions import TERMS, Question

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos


class When(TypedDict, total=False):
    """The conditions of a trouble, as keywords. A trouble strikes if all of them hold.

    Attributes:
        term: the query contains this term, such as `"insert"`, `"order_by"` or `"changes"`.
        table: the query contains this table.
        match: a function that gets the query, a `Question`, and returns whether to strike it.
        times: how often the trouble strikes at most. None or not given: as long as it lasts; but
            for some methods the default is 1.
        chance: the probability of a strike, from 0 to 1. Default: 1.
    """

    term: str | None
    table: str | None
    match: Callable[[Question], bool] | None
    times: int | None
    chance: float


@dataclass(frozen=True)
class Condition:
    """See `When`."""

    term: str | None = None
    table: str | None = None
    match: Callable[[Question], bool] | None = None
    times: int | None = None
    chance: float = 1.0

    def __post_init__(self) -> None:
        """Checks the conditions.

        Raises:
            ValueError: `chance` or `times` is out of range, or there is no such `term`.
            TypeError: `match` is no function.
        """
        if not 0 <= self.chance <= 1:
            raise ValueError(f"`chance` must be from 0 to 1, not {self.chance!r}.")
        if self.times is not None and self.times < 1:
            raise ValueError(f"`times` must be 1 or more, not {self.times!r}.")
        if self.match is not None and not callable(self.match):
            raise TypeError(f"`match` must be a function of a Question, not {self.match!r}.")
        if self.term is not None and self.term not in TERMS:
            raise ValueError(f"There is no term {self.term!r}. {_advice(self.term)}")

    @property
    def narrows(self) -> bool:
        """Whether there is any condition."""
        return self.asks or self.times is not None or self.chance < 1

    @property
    def asks(self) -> bool:
        """Whether there is a condition on the query."""
        return self.term is not None or self.table is not None or self.match is not None

    def holds(self, question: Question | None) -> bool:
        """Whether the condition holds for a query. None stands for an unknown query."""
        if not self.asks:
            return True
        if question is None:
            return False
        return (
            (self.term is None or self.term in question.terms)
            and (self.table is None or self.table in question.tables)
            and (self.match is None or bool(self.match(question)))
        )


def _advice(term: str) -> str:
    near = get_close_matches(str(term), TERMS, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return 'Names are in small letters and those of the protocol: "order_by", "funcall" (r.do).'


class Trouble:
    """A trouble, as the methods of `Chaos` return it.

    It lasts until `end`. As a context manager it ends with the `with` block.

    Attributes:
        struck: how often it has struck.
        active: whether it may strike again.
        leaves_something: whether `end` has something to undo.
        failure: the first exception that the function `match` raised, if any.
    """

    def __init__(
        self,
        chaos: Chaos,
        effect: Effect,
        condition: Condition,
        *,
        ending: Callable[[], object] | None = None,
    ) -> None:
        self.effect = effect
        self.condition = condition
        self.struck = 0
        self.active = False
        self.failure: Exception | None = None
        self._chaos = chaos
        self._ending = ending or _nothing
        self.leaves_something = ending is not None

    def __repr__(self) -> str:
        state = "active" if self.active else "over"
        return f"<Trouble {self.effect!r}, struck {self.struck} times, {state}>"

    def concerns(self, question: Question | None) -> bool:
        """Whether it applies to a query. Never raises: it is called in threads of the server."""
        try:
            return self.condition.holds(question)
        except Exception as failure:
            self.failure = self.failure or failure
            return False

    def begin(self) -> Trouble:
        """Activates the trouble. Does nothing if it is already active."""
        self._chaos.begin(self)
        return self

    def end(self) -> None:
        """Ends the trouble and undoes what can be undone. A second call does nothing."""
        self._chaos.end(self)
        ending, self._ending = self._ending, _nothing
        ending()

    def __enter__(self) -> Trouble:
        """Activates the trouble, if it is not active."""
        return self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the trouble.

        Raises:
            RuntimeError: the function `match` raised, and the block did not.
        """
        self.end()
        if self.failure is not None and exc is None:
            raise RuntimeError("The function `match` of a trouble failed.") from self.failure


def _nothing() -> None:
    """Stands for an ending that has nothing to undo."""
