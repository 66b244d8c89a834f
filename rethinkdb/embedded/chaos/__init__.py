"""Failures that a test asks for, to see how a program handles them.

===========  =====================================================================================
`chaos`      the public class `Chaos`: breaks links, fails queries, ends feeds
`links`      applies troubles to the queries and replies of one connection
`troubles`   which queries a trouble strikes, and how often
`effects`    what a trouble does
`questions`  queries, as the conditions of a trouble see them
===========  =====================================================================================

The package knows only frames and wire forms. It therefore works in the embedded server as well as
in a proxy before any other server.
"""
