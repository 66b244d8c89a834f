"""Trouble on order, for tests of how a program copes with it.

===========  =====================================================================================
`chaos`      what tests order: links that break, answers that fail, feeds that end
`links`      what becomes of one connection's queries and replies
`troubles`   whom a trouble strikes, and how often
`effects`    what it does
`questions`  queries, as far as a condition looks at them
===========  =====================================================================================

It knows frames and wire forms only, so it serves the embedded server and a proxy of any other.
"""
