"""Persistent data: the data file of a server, and how it is written and read."""
