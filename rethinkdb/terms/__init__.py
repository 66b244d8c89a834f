"""The commands of ReQL, one declaration each.

`declare` says what a declaration is, `printing` how terms print, `functions` how Python callables
become ReQL functions. The other modules hold the declarations by area. `rethinkdb.ast` puts them
together to the class of all terms, and `rethinkdb.query` offers the `r.` forms.
"""
