"""Rows as objects of a program's own classes: `run(..., as_type=Hero)` and `r.table(..., of=Hero)`.

    @dataclass
    class Hero:
        name: str
        id: str | None = None

    r.table("heroes").insert(Hero("Ada")).run(conn)
    for hero in r.table("heroes", of=Hero).run(conn):
        print(hero.name)

===========  =======================================================================================
`state`      whether any table has a type. Costs nothing to import; the others load when first used
`changes`    `Change`: a changefeed row as an object
`geometry`   `Geometry`: a geometry value as an object
`making`     makes objects from rows; with msgspec (`structs`) or pydantic (`models`), as `engine`
             describes them
`documents`  makes documents from objects that are inserted
===========  =======================================================================================
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rethinkdb.typed.changes import Change as Change
    from rethinkdb.typed.geometry import Geometry as Geometry

__all__ = ["Change", "Geometry"]

_PLACES = {"Change": "rethinkdb.typed.changes", "Geometry": "rethinkdb.typed.geometry"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__
