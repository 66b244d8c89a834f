"""What stands for something under way elsewhere cannot be copied: there is only one of it."""

from __future__ import annotations

from typing import ClassVar, NoReturn, SupportsIndex

__all__ = ["Uncopyable"]


class Uncopyable:
    """Refuses `copy`, `deepcopy` and `pickle`, and says why.

    Attributes:
        WHY_NO_COPIES: what it is, and what to do instead.
    """

    __slots__ = ()

    WHY_NO_COPIES: ClassVar[str]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled: {self.WHY_NO_COPIES}")
