"""Where programs for the official `rethinkdb` package find the trio driver: `net_trio`."""
