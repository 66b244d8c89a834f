"""The database `rethinkdb`: tables computed from the state of the server."""
