"""Helpers for tests: of programs that use this driver, and of the driver itself.

- `plugin`: the pytest plugin: a server, a fresh database for each test, connections.
- `fixtures`, `tornado`: connections for the other loops.
- `chaos`: failures that a test asks for, to check how a program handles them.
- `conformance`: scenarios which prove that a loop adapter behaves as all others do.
- `proxy`: a proxy between driver and server that breaks the connection where a test says.
"""
