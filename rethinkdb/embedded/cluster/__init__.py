"""A cluster of servers in this process, for tests of what happens when one goes.

===============  =================================================================================
`cluster`        servers that come and go, primaries that move: what tests use
`gates`          what those who use a table have to pass: availability, table by table
`circumstances`  what the tables have in common: who stands still, how time passes
`parts`          how a table is divided, and who leads each part
`phases`         what a part goes through when its primary goes, and what is answered then
`timeline`       what is to happen later
===============  =================================================================================
"""
