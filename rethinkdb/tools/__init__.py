"""Backup, restore, export and import as functions. The commands of the same names call them.

from rethinkdb import r, tools

with r.ConnectionPool(url="rethinkdb://db.example.org") as pool:
    tools.dump(pool, "backup.tar.gz")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rethinkdb.tools.csvrows import CsvOptions
    from rethinkdb.tools.dumping import DumpResult, dump
    from rethinkdb.tools.exporting import ExportResult, export
    from rethinkdb.tools.failures import BadRow, BadRowError, Place, ToolError
    from rethinkdb.tools.importing import import_
    from rethinkdb.tools.progress import Tally
    from rethinkdb.tools.rebuilding import RebuiltIndex, index_rebuild
    from rethinkdb.tools.restoring import LoadResult, restore

__all__ = [
    "BadRow",
    "BadRowError",
    "CsvOptions",
    "DumpResult",
    "ExportResult",
    "LoadResult",
    "Place",
    "RebuiltIndex",
    "Tally",
    "ToolError",
    "dump",
    "export",
    "import_",
    "index_rebuild",
    "restore",
]

_MODULES = {
    "csvrows": ["CsvOptions"],
    "dumping": ["DumpResult", "dump"],
    "exporting": ["ExportResult", "export"],
    "failures": ["BadRow", "BadRowError", "Place", "ToolError"],
    "importing": ["import_"],
    "progress": ["Tally"],
    "rebuilding": ["RebuiltIndex", "index_rebuild"],
    "restoring": ["LoadResult", "restore"],
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
