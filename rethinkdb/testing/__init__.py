"""For tests: this driver's own, and those of the programs and packages that use it.

- `plugin`: the pytest plugin: a server, a fresh database for each test, connections.
- `fixtures`, `tornado`: connections for the other loops.
- `chaos`: trouble on order, for tests of failure handling.
- `conformance`: proof that a loop adapter behaves as all adapters do.
- `proxy`: a proxy between driver and server that breaks the connection where a test says.
"""
