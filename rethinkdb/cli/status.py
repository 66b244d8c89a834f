"""`reql status`: servers, tables, and what is wrong with them."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from rethinkdb.cli.connecting import add_connection_arguments, open_connection
from rethinkdb.cli.rendering import columns, counted, json_text, report

EXTRAS = ("cli",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the state. The exit status is 1 if a table is not ready, or if there is an issue."""
    with open_connection(arguments) as conn:
        state = looked_at(conn)
    if arguments.json:
        print(json_text(state, indent=2))
    else:
        print("\n".join(lines(state, shutil.get_terminal_size().columns)).rstrip())
    return 0 if is_well(state) else 1


def looked_at(conn: Any) -> dict[str, Any]:
    """The content of the system tables."""
    from rethinkdb import r

    system = r.db("rethinkdb")
    found: dict[str, Any] = r.expr(
        {
            "servers": system.table("server_status").coerce_to("array"),
            "tables": system.table("table_status").coerce_to("array"),
            "issues": system.table("current_issues").coerce_to("array"),
        }
    ).run(conn)
    return found


def is_well(state: Mapping[str, Any]) -> bool:
    """Whether all tables are ready, and there are no issues."""
    return not state["issues"] and all(
        table["status"]["all_replicas_ready"] for table in state["tables"]
    )


def lines(state: Mapping[str, Any], width: int) -> Iterator[str]:
    """The state as text."""
    servers = [["name", "version", "host", "port", "started"]]
    for server in sorted(state["servers"], key=lambda server: str(server["name"])):
        process, network = server.get("process", {}), server.get("network", {})
        started = process.get("time_started")
        servers.append(
            [
                server["name"],
                str(process.get("version", "")).removeprefix("rethinkdb "),
                str(network.get("hostname", "")),
                str(network.get("reql_port", "")),
                f"{started:%Y-%m-%d %H:%M}" if started else "",
            ]
        )
    yield from report(counted(len(servers) - 1, "server"), columns(servers, width - 2))
    tables = [["table", "shards", "replicas", "state"]]
    for table in sorted(state["tables"], key=lambda table: (table["db"], table["name"])):
        shards = table.get("shards") or []
        tables.append(
            [
                f"{table['db']}.{table['name']}",
                str(len(shards)),
                str(max((len(shard["replicas"]) for shard in shards), default=0)),
                readiness(table["status"]),
            ]
        )
    yield from report(counted(len(tables) - 1, "table"), columns(tables, width - 2))
    issues = [
        f"{issue['type']}: {' '.join(issue['description'].split())}" for issue in state["issues"]
    ]
    yield from report(counted(len(issues), "issue"), issues)


_READINESS = {
    "all_replicas_ready": "ready",
    "ready_for_writes": "a replica is not ready",
    "ready_for_reads": "reads only",
    "ready_for_outdated_reads": "outdated reads only",
}


def readiness(status: Mapping[str, bool]) -> str:
    """What a table is ready for, as text."""
    return next((text for name, text in _READINESS.items() if status.get(name)), "not available")
