"""The language: terms, how Python values become terms, and how terms print.

================  ================================================================================
`commands/`       the commands by area, one declaration each
`declare`         what a declaration is
`term`            `RqlQuery`: what all terms can do
`literals`        the classes that are written in full; `classes` has all, made of declarations
`conversion`      from Python values to terms; `callables` tells the parameters of functions
`calls`           from a call of a command to its term; `rows` makes functions of `r.row`
`inserts`         documents to insert; `bulk` writes many of them as text
`functions`       the functions and constants of `r`
`run_options`     what `run` is given by name
`printing`        how terms print
`types`           types of arguments
`late`            the one place where the language refers upwards
================  ================================================================================

A term meets a connection only in `run` and `run_with`: nothing here knows of sockets or loops.
"""

from __future__ import annotations

import rethinkdb.reql.classes  # noqa: F401  # ties the knot, see `rethinkdb.reql.late`
