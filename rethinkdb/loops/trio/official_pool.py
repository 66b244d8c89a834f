"""`maxsize` and `maxidle`: the arguments of the official package's trio pool."""

from __future__ import annotations

from typing import Any

from rethinkdb.errors import ReqlDriverError

from ..transport.pooling import PATIENCE
from .nursery_pool import NurseryPool

__all__ = ["OfficialNames"]

# The official pool has no limit on the number of connections.
_NO_LIMIT = 100_000


class OfficialNames(NurseryPool):
    """A pool that accepts `maxsize` for `max_size`, and closes idle connections beyond `maxidle`.

    Args:
        *args, **kwargs: the arguments of every pool.
        maxidle: the largest number of idle connections to keep.
        maxsize: the largest number of connections.

    Raises:
        ReqlDriverError: an argument is invalid.
    """

    def __init__(
        self, *args: Any, maxidle: int | None = None, maxsize: int | None = None, **kwargs: Any
    ) -> None:
        self._maxidle = maxidle
        # The official pool closes its connections without waiting, also borrowed ones.
        self._patience = PATIENCE if maxidle is maxsize is None else 0.0
        if maxidle is not None:
            _check_count("maxidle", maxidle, least=0)
            kwargs.setdefault("max_size", _NO_LIMIT)
        if maxsize is not None:
            _check_count("maxsize", maxsize, least=1)
            kwargs["max_size"] = maxsize
        super().__init__(*args, **kwargs)

    async def close(self, timeout: float | None = None) -> None:
        await self._close(self._patience if timeout is None else timeout)

    close.__doc__ = NurseryPool.close.__doc__

    async def _take_back(self, connection: Any) -> None:
        await super()._take_back(connection)
        if self._maxidle is not None and self.stats().idle > self._maxidle:
            await connection.close(noreply_wait=False)


def _check_count(name: str, count: Any, least: int) -> None:
    if not isinstance(count, int) or count < least:
        raise ReqlDriverError(f"`{name}` must be a whole number from {least} up, not {count!r}.")
