"""The life of queries and connections: sockets, threads, batches, replies."""
