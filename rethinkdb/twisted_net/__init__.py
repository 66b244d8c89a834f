"""Where programs for the official `rethinkdb` package find the Twisted driver: `net_twisted`."""
