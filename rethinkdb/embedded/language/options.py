"""Run options: their names, and the options that apply to a whole query.

Any optarg of a term may also be given as a run option. It then applies to every term that takes it
and is not given its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.failures import compile_failure, logic
from rethinkdb.ql2 import TermType

if TYPE_CHECKING:
    from rethinkdb.embedded.language.evaluation import Environment

NAMES = frozenset(
    [
        "_EVAL_FLAGS_",
        "_NO_RECURSE_",
        "_SHORTCUT_",
        "array_limit",
        "attempts",
        "auth",
        "base",
        "binary_format",
        "changefeed_queue_size",
        "conflict",
        "data",
        "db",
        "default",
        "default_timezone",
        "dry_run",
        "durability",
        "emergency_repair",
        "emit",
        "fill",
        "final_emit",
        "first_batch_scaledown_factor",
        "float",
        "geo",
        "geo_system",
        "group_format",
        "header",
        "identifier_format",
        "ignore_write_hook",
        "include_initial",
        "include_offsets",
        "include_states",
        "include_types",
        "index",
        "interleave",
        "left_bound",
        "max_batch_bytes",
        "max_batch_rows",
        "max_batch_seconds",
        "max_dist",
        "max_results",
        "method",
        "min_batch_rows",
        "multi",
        "non_atomic",
        "nonvoting_replica_tags",
        "noreply",
        "num_vertices",
        "ordered",
        "overwrite",
        "page",
        "page_limit",
        "params",
        "primary_key",
        "primary_replica_tag",
        "profile",
        "read_mode",
        "redirects",
        "replicas",
        "result_format",
        "return_changes",
        "return_vals",
        "right_bound",
        "shards",
        "squash",
        "time_format",
        "timeout",
        "unit",
        "use_outdated",
        "verify",
        "wait_for",
    ]
)
"""Every option name a server knows."""

DEFAULT_QUEUE_SIZE = 100_000
"""Of changefeeds: how many changes are kept for a slow client."""

DEFAULT_DATABASE = [TermType.DB, ["test"]]
"""The value of the option `db` in a query that has none."""


def check_names(names: Iterable[str]) -> None:
    """Refuses run options that do not exist."""
    for name in names:
        if name not in NAMES:
            raise compile_failure(f"Unrecognized global optional argument `{name}`.", ())


def with_defaults(wire: Mapping[str, Any]) -> dict[str, Any]:
    """The run options with the default database in place."""
    return {"db": DEFAULT_DATABASE, **wire}


def static_flag(wire: Mapping[str, Any], name: str) -> bool:
    """A flag that is needed before the query is compiled. So only a literal true counts."""
    value = wire.get(name)
    if isinstance(value, list) and len(value) == 2 and value[0] == TermType.DATUM:
        value = value[1]
    return value is True


def limit(environment: Environment, name: str, words: str, default: int) -> int:
    """A run option that limits the query's use of memory: a whole number, 1 at least."""
    if name not in environment.options:
        return default
    return checked_limit(words, datum.as_integer(values.as_datum(environment.option(name))))


def checked_limit(words: str, found: int) -> int:
    """The value of such an option. Raises if it is too small. `words` names what it limits."""
    if found < 1:
        raise logic(f"Illegal {words} `{found}`.  (Must be >= 1.)")
    return found
