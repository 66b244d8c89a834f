"""Queries printed without the values in them."""

from __future__ import annotations

import datetime

import pytest

from rethinkdb import r

SECRET = "do not tell"

# Each with the text that may be seen by strangers.
QUERIES = [
    (r.table("heroes").get(SECRET), "r.table('heroes').get(?)"),
    (
        r.db("cave")
        .table("heroes")
        .insert({SECRET: r.now()}, conflict="replace", return_changes=True),
        "r.db('cave').table('heroes').insert(?, conflict='replace', return_changes=True)",
    ),
    (r.table("heroes").insert([{"a": SECRET}] * 2000), "r.table('heroes').insert(?)"),
    (r.expr(SECRET), "?"),
    (r.expr([SECRET, r.now()]), "[?, r.now()]"),
    (r.expr(SECRET) + SECRET, "(r.expr(?) + r.expr(?))"),
    (r.table("heroes")["name"], "r.table('heroes')['name']"),
    (
        r.table("heroes").get_all(SECRET, index="name").limit(7),
        "r.table('heroes').get_all(?, index='name').limit(?)",
    ),
    (
        r.table("heroes").order_by("name", r.desc("age")),
        "r.table('heroes').order_by('name', r.desc('age'))",
    ),
    (r.table("heroes").pluck("name", {SECRET: True}), "r.table('heroes').pluck('name', ?)"),
    (r.table("heroes").filter(r.row["a"] == SECRET), "r.table('heroes').filter(lambda"),
    (r.binary(SECRET.encode()), "r.binary(bytes(<data>))"),
    (r.js(SECRET), "r.js(?)"),
    (r.http(SECRET, data={"a": SECRET}), "r.http(?, data=?)"),
    (r.expr(datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)), "r.iso8601(?)"),
    (r.table(r.args([SECRET])), "r.table(r.args(?))"),
    (r.expr([SECRET]).contains(SECRET), "r.expr([?]).contains(?)"),
    (r.table("heroes").index_create("name"), "r.table('heroes').index_create('name')"),
    (
        r.db("cave").table_create("heroes", shards=2),
        "r.db('cave').table_create('heroes', shards=?)",
    ),
    (r.expr(SECRET).sum("age"), "r.expr(?).sum('age')"),
]


@pytest.mark.parametrize(("query", "text"), QUERIES, ids=[text for _, text in QUERIES])
def test_values_are_left_out(query, text):
    printed = query.render(values=False)[0]
    assert printed.startswith(text)
    assert SECRET not in printed


@pytest.mark.parametrize("query", [query for query, _ in QUERIES], ids=str)
def test_with_values_it_prints_as_always(query):
    assert query.render(values=True)[0] == str(query)


def test_long_queries_are_cut():
    query = r.expr(1)
    for _ in range(3000):
        query = query + 1
    assert len(query.render(enough=100, values=False)[0]) < 200
    assert query.render(values=False)[0].count("?") == 3001
