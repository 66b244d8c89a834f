"""What a trouble does, and the replies that it uses for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rethinkdb import errors
from rethinkdb.embedded.chaos.questions import Question
from rethinkdb.embedded.data import jsontext
from rethinkdb.embedded.failures import FailureKind, QueryFailure
from rethinkdb.embedded.serving import replies
from rethinkdb.errors import ReqlError


class Effect:
    """What a trouble does."""


class Refuse(Effect):
    """A new connection is reset."""


@dataclass(frozen=True)
class Hold(Effect):
    """A new connection gets no bytes for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Cut(Effect):
    """The connection is reset, before a query is carried out or before it is answered."""

    before_reply: bool


@dataclass(frozen=True)
class Fail(Effect):
    """A query is answered with an error.

    Attributes:
        error: the error to answer with.
        done: whether the query is carried out nevertheless. None decides at random.
    """

    error: Answer
    done: bool | None


class Mute(Effect):
    """Replies are kept back until the trouble ends."""


@dataclass(frozen=True)
class Slow(Effect):
    """Replies are delayed by `seconds`, plus a random time of up to `jitter` seconds."""

    seconds: float
    jitter: float


class EndFeed(Effect):
    """A feed ends."""


class DropChanges(Effect):
    """Changes are dropped, and one row with an error replaces them."""


# -- errors


_UNAVAILABLE = 'primary replica for shard ["", +inf) not available'
_LOST = "lost contact with primary replica"

_KINDS: dict[type[ReqlError], FailureKind] = {
    errors.ReqlQueryLogicError: FailureKind.LOGIC,
    errors.ReqlInternalError: FailureKind.INTERNAL,
    errors.ReqlResourceLimitError: FailureKind.RESOURCE,
    errors.ReqlOpFailedError: FailureKind.OP_FAILED,
    errors.ReqlAvailabilityError: FailureKind.OP_FAILED,
    errors.ReqlOpIndeterminateError: FailureKind.OP_INDETERMINATE,
    errors.ReqlUserError: FailureKind.USER,
    errors.ReqlNonExistenceError: FailureKind.NON_EXISTENCE,
    errors.ReqlPermissionError: FailureKind.PERMISSION,
    errors.ReqlServerCompileError: FailureKind.COMPILE,
}

_NAMED: dict[str, tuple[FailureKind, str]] = {
    "not available": (FailureKind.OP_FAILED, f"Cannot perform {{deed}}: {_UNAVAILABLE}"),
    "op_failed": (FailureKind.OP_FAILED, f"Cannot perform {{deed}}: {_UNAVAILABLE}"),
    "op_indeterminate": (FailureKind.OP_INDETERMINATE, f"Cannot perform {{deed}}: {_LOST}"),
    "resource_limit": (FailureKind.RESOURCE, "Array over size limit `100000`."),
    "internal": (FailureKind.INTERNAL, "Made up by a test."),
    "query_logic": (FailureKind.LOGIC, "Made up by a test."),
    "non_existence": (FailureKind.NON_EXISTENCE, "Made up by a test."),
    "user": (FailureKind.USER, "Made up by a test."),
    "permission": (FailureKind.PERMISSION, "Made up by a test."),
    "compile": (FailureKind.COMPILE, "Made up by a test."),
}

_NAMES = {kind: name for name, (kind, _) in reversed(_NAMED.items())}


@dataclass(frozen=True)
class Answer:
    """An error as a server sends it."""

    kind: FailureKind
    text: str

    @classmethod
    def of(cls, error: str | type[ReqlError] | ReqlError, message: str | None) -> Answer:
        """The error for a name, a class, or an instance.

        Raises:
            ValueError: no server answers with such an error.
        """
        if isinstance(error, str):
            if error not in _NAMED:
                names = ", ".join(f'"{name}"' for name in _NAMED)
                raise ValueError(f"There is no error {error!r}. Take a class, or one of {names}.")
            kind, text = _NAMED[error]
            return cls(kind, text if message is None else _literal(message))
        found = error if isinstance(error, type) else type(error)
        if found not in _KINDS:
            names = ", ".join(sorted(each.__name__ for each in _KINDS))
            raise ValueError(f"No server answers with a {found.__name__}. Take one of {names}.")
        kind = _KINDS[found]
        if message is None:
            message = error.message if isinstance(error, ReqlError) else None
        text = _NAMED[_NAMES[kind]][1] if message is None else _literal(message)
        return cls(kind, text)

    def payload(self, question: Question) -> bytes:
        """The reply with this error to a query."""
        text = self.text.format(deed="write" if question.writes else "read")
        return replies.failure(QueryFailure(self.kind, text, ()))


def _literal(message: str) -> str:
    return re.sub(r"[{}]", lambda found: found[0] * 2, message)


ABORTED = replies.failure(
    QueryFailure(FailureKind.OP_FAILED, "Changefeed aborted (unavailable).", ())
)
"""The reply that ends a feed."""


def without_changes(payload: bytes) -> bytes | None:
    """The reply with its changes replaced by one error row. None if it holds no changes."""
    reply = jsontext.loads(payload)
    rows: list[Any] = reply["r"]
    kept = [row for row in rows if not _is_change(row)]
    dropped = len(rows) - len(kept)
    if not dropped:
        return None
    text = f"Changefeed cache over array size limit, skipped {dropped} elements."
    reply["r"] = [*kept, {"error": text}]
    return jsontext.dumps(reply)


def _is_change(row: Any) -> bool:
    return isinstance(row, dict) and "old_val" in row and "new_val" in row
