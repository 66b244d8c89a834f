"""A cluster of servers in this process, to test what happens when one of them fails.

===============  =================================================================================
`cluster`        the public class: starts and stops servers, moves primary replicas
`gates`          decides for each read or write whether the table is available
`circumstances`  state shared by all tables: which servers are frozen, how fast time passes
`parts`          how a table is divided into shards, and which server leads each
`phases`         the phases after a shard loses its primary, and the error in each
`timeline`       actions that are to happen later
===============  =================================================================================
"""
