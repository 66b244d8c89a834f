"""Where programs for the official `rethinkdb` package find the gevent driver: `net_gevent`."""
