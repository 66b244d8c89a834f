"""`Uncopyable`: for objects that cannot be copied, such as connections and cursors."""

from __future__ import annotations

from typing import ClassVar, NoReturn, SupportsIndex

__all__ = ["Uncopyable"]


class Uncopyable:
    """Makes `copy`, `deepcopy` and `pickle` raise an error that says why.

    Attributes:
        WHY_NO_COPIES: says what the object is, and what to do instead of copying it.
    """

    __slots__ = ()

    WHY_NO_COPIES: ClassVar[str]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled: {self.WHY_NO_COPIES}")
