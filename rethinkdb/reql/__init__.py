"""ReQL, the query language: terms, how Python values become terms, and how terms print.

================  ================================================================================
`commands/`       all commands, each declared once, in one file an area
`declare`         how a command is declared
`term`            `RqlQuery`, the class of all terms
`literals`        the classes of literals, tables and databases; `classes` finds all classes
`families`        the classes of terms by how programs write them, for `isinstance`
`views`           arguments and options as terms, for programs that look into a term
`conversion`      from Python values to terms; `callables` counts the parameters of functions
`refusals`        errors about values: where these are, and what to write; `locating` finds them
`calls`           from a call of a command to its term; `rows` makes functions of `r.row`
`inserts`         documents to insert; `bulk` writes many of them as one text, and `replacing` does
                  what converters are for in these
`functions`       the functions and constants of `r`
`run_options`     the keyword arguments of `run`
`printing`        how terms print
`pickling`        how terms are pickled and copied
`texts`           warnings about texts that Python made of a function's parameters
`truth`           warnings about terms that Python's `and`, `or` and `if` decided about
`types`           the types in the signatures of commands
`late`            the one place where modules of the language call modules above them
================  ================================================================================

Only `run` and `run_with` have to do with a connection. Nothing here knows of sockets or loops.
"""

from __future__ import annotations

import rethinkdb.reql.classes  # noqa: F401  # completes `rethinkdb.reql.late`
