"""What the driver costs per item, beside its loop's floor and the official package.

The floor is the least client that a loop allows, see `worker/frames.py`.

    python -m benchmarks --growth               # everything, on an embedded server of its own
    python -m benchmarks --port 28015 --only get scan-for --loops asyncio --items 10000
    python -m benchmarks --only get --profile profiles    # what each measurement's time goes to

What is measured runs in a process of its own, `python benchmarks/worker`. Its interpreter decides
what `import rethinkdb` means, this driver or the official package in a virtual environment of its
own, so that the same worker code runs both. Those that are compared take short turns.

============== ===========================================================================
`works`        what is measured
`plan`         which of it takes turns with which; the growth curves
`turns`        the worker processes, and their turns
`rows`         medians, and ratios of neighbours
`aims`         what was promised, in `aims.toml`, and whether it is kept
`report`       the rows as a table of the terminal, and as docs/benchmarks.md
`page.md`      that page, without the figures
`running`      servers, the official package's environment, the mocks
`charts`       SVG bars and lines
`embedded`     the embedded server beside a real one and mocks; a program of its own, too
`encrypting`   TLS in front of the server
`instructions` counts instructions and calls per item, with `scripted` as the server
`worker/`      the measured programs: `values` (blocking, gevent), `awaitables`, the floors
============== ===========================================================================
"""
