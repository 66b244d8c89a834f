"""Calls that are terms without further ado: they give what the full way gives."""

from __future__ import annotations

from itertools import product
from typing import Any

from rethinkdb import ast, errors, r
from rethinkdb.reql.declare import COMMANDS, NO_OPTARGS

row = r.row["a"]


class OwnTerm(ast.RqlQuery):
    """A class of a program's: the quick way does not know it."""

    term_type = 13


ARGUMENTS = [
    "text",
    5,
    None,
    True,
    1.5,
    float("nan"),
    b"bytes",
    [1, r.now()],
    {"a": r.row},
    lambda doc: doc,
    r.table("t"),
    r.row,
    row > 1,
    (row > 1) & (row < 2),
    (row > 1).or_(row < 2),
    OwnTerm(),
]
OPTIONS: list[dict[str, Any]] = [{}, {"index": "a"}, {"default": row}]

CASES = [
    *product([()], OPTIONS),
    *product([(argument,) for argument in ARGUMENTS], OPTIONS),
    *product(product([r.table("t"), row], ARGUMENTS), [{}]),
]

CALLABLES = {
    call
    for owner in (ast.RqlQuery, ast.Table, ast.DB, type(r))
    for name in dir(owner)
    if hasattr(call := getattr(owner, name), "command")
}


def outcome(call: Any, args: Any, options: Any) -> Any:
    """What a call made, but for the numbers of variables; or how it was refused."""
    try:
        term = call(*args, **options)
    except (TypeError, errors.ReqlError) as exc:
        return type(exc), str(exc)
    return type(term), with_numbers_from_one(term.build()), term._by_operator


def with_numbers_from_one(sent: Any) -> Any:
    numbers: dict[int, int] = {}

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: renamed(inner) for name, inner in part.items()}
        if not isinstance(part, list):
            return part
        if part[:1] == [69]:  # FUNC
            for number in part[1][0][1]:
                numbers.setdefault(number, len(numbers) + 1)
            variables = [numbers[number] for number in part[1][0][1]]
            return [69, [[2, variables], *map(renamed, part[1][1:])]]
        if part[:1] == [10]:  # VAR
            return [10, [numbers[part[1][0]]]]
        return [*map(renamed, part)]

    return renamed(sent)


def test_a_quick_call_makes_the_term_of_the_full_one(monkeypatch):
    quick = {call: [outcome(call, *case) for case in CASES] for call in CALLABLES}
    assert len([command for command in COMMANDS.values() if command.ready]) > 100
    for command in (call.command for call in CALLABLES):
        monkeypatch.setattr(command, "ready", None)
    for call, found in quick.items():
        assert found == [outcome(call, *case) for case in CASES], call.__qualname__


def test_what_is_changed_in_the_options_of_a_term_changes_no_other_term():
    one, other = r.table("t").get(1), r.table("t").get(1)
    one.optargs["a"] = r.expr(5)
    assert one.build() == [16, [[15, ["t"]], 1], {"a": 5}]
    assert other.build() == [16, [[15, ["t"]], 1]]
    assert NO_OPTARGS == {}


def test_what_a_program_puts_among_the_arguments_is_left_to_its_encoder():
    term = r.expr([r.now(), r.row["a"]])
    term._args.append((1, 2))  # type: ignore[arg-type]  # as an untyped program does it
    array, after = [2, [[103, []], [170, [[13, []], "a"]], (1, 2)]], r.table("t").filter(term)
    assert term.build() == array
    assert after.build()[1][1][1][1] == array
    term.optargs["a"] = {1}  # type: ignore[assignment]  # as an untyped program does it
    assert term.build() == [*array, {"a": {1}}]
