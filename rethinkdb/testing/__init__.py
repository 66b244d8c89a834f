"""For tests: this driver's own, and those of the programs and packages that use it.

- `conformance`: proof that a loop adapter behaves as all adapters do.
- `proxy`: a proxy between driver and server that breaks the connection where a test says.
"""
