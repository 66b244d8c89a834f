"""Where programs for the official `rethinkdb` package find the Tornado driver: `net_tornado`."""
