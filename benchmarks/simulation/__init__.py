"""Many clients of servers that fail, in virtual time.

What one machine cannot try, thousands of pools that lose their server in the same moment, is
simulated with the pool's own decisions (`rethinkdb.pool`): every client is a `Pool` whose effects
are carried out by a model of the network. Nothing sleeps, so a day takes some seconds.

============  ====================================================================================
`timeline`    the clock: what happens when
`servers`     servers that take logins and queries, go down and come up
`clients`     clients, each with a pool, and users who ask them
`records`     what happened, counted
`scenarios`   which clients, which servers, what fails when
`clusters`    the same for many hosts; `cluster_report` has their figures
`report`      figures of a run, as a table and as a page; `charts` has the drawings
============  ====================================================================================

A further scenario, with more hosts or other failures, is one entry in `scenarios`.
"""
