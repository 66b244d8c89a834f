"""Serves clients: sockets, threads, the life of queries, batches, replies."""
