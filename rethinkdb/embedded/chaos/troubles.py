"""Whom a trouble strikes, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, TypedDict

from rethinkdb.embedded.chaos.effects import Effect
from rethinkdb.embedded.chaos.questions import Question

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos


class When(TypedDict, total=False):
    """The conditions that each trouble takes, as keywords; all must hold.

    Attributes:
        term: the query has this term in it: `"insert"`, `"order_by"`, `"changes"`.
        table: it has this table in it.
        match: a function that gets the query and says whether it is meant.
        times: how often it strikes at most; without it, as long as the trouble lasts.
        chance: strikes with this probability.
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
        """Refuses what is no probability and no number of times."""
        if not 0 <= self.chance <= 1:
            raise ValueError(f"`chance` must be from 0 to 1, not {self.chance!r}.")
        if self.times is not None and self.times < 1:
            raise ValueError(f"`times` must be 1 or more, not {self.times!r}.")

    @property
    def narrows(self) -> bool:
        """Whether it strikes less than always."""
        return self.asks or self.times is not None or self.chance < 1

    @property
    def asks(self) -> bool:
        """Whether it depends on the query."""
        return self.term is not None or self.table is not None or self.match is not None

    def holds(self, question: Question | None) -> bool:
        """Whether it is about this query; None is one that nobody has seen."""
        if not self.asks:
            return True
        if question is None:
            return False
        return (
            (self.term is None or self.term in question.terms)
            and (self.table is None or self.table in question.tables)
            and (self.match is None or bool(self.match(question)))
        )


class Trouble:
    """A trouble that was ordered: it lasts until `end`, or as a context manager until exit.

    Attributes:
        struck: how often it has struck.
        active: whether it may strike again.
        leaves_something: to be undone once it is over.
        failure: what its function `match` has raised, if it has.
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
        """Whether it is about a query. Called in threads of the server: nothing is raised there."""
        try:
            return self.condition.holds(question)
        except Exception as failure:
            self.failure = self.failure or failure
            return False

    def begin(self) -> Trouble:
        """Has it strike from now on; no effect if it does."""
        self._chaos.begin(self)
        return self

    def end(self) -> None:
        """Has it strike no more, and undoes what can be undone; no effect a second time."""
        self._chaos.end(self)
        ending, self._ending = self._ending, _nothing
        ending()

    def __enter__(self) -> Trouble:
        """Has it strike from now on, if it does not yet."""
        return self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends it. Raises what its function `match` has raised, unless the block has failed."""
        self.end()
        if self.failure is not None and exc is None:
            raise RuntimeError("The function `match` of a trouble failed.") from self.failure


def _nothing() -> None:
    """There is nothing to undo."""
