"""One small program per loop, each in the manner of its loop: two tables, a live feed on each.

`reql demo` runs them all; each runs by itself, too, against any server. It makes the tables
`a` and `b` in the database `test`, fails if there are such already, and drops its own at the end:

    python -m rethinkdb.cli.demos.trio localhost 28015

Without host and port it connects where `r.connect()` does: to what the environment variable
`RETHINKDB_URL` says, a URL or `host:port`, else to this machine.
"""
