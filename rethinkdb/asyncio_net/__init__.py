"""Where programs for the official `rethinkdb` package find the asyncio driver: `net_asyncio`."""
