"""The commands of ReQL by area, one declaration each (see `rethinkdb.reql.declare`)."""
