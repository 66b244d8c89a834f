"""Python's operators on terms, and what terms refuse to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlDriverCompileError, ReqlDriverError

q: Any = r.expr("q")
t = r.table("t")


@pytest.mark.parametrize(
    ("query", "sent", "printed"),
    [
        (q == 1, [17, ["q", 1]], "(r.expr('q') == r.expr(1))"),
        (q != 1, [18, ["q", 1]], "(r.expr('q') != r.expr(1))"),
        (q < 1, [19, ["q", 1]], "(r.expr('q') < r.expr(1))"),
        (q <= 1, [20, ["q", 1]], "(r.expr('q') <= r.expr(1))"),
        (q > 1, [21, ["q", 1]], "(r.expr('q') > r.expr(1))"),
        (q >= 1, [22, ["q", 1]], "(r.expr('q') >= r.expr(1))"),
        (1 == q, [17, ["q", 1]], None),  # noqa: SIM300  # Python turns them round
        (1 < q, [21, ["q", 1]], None),  # noqa: SIM300
        (q + 1, [24, ["q", 1]], "(r.expr('q') + r.expr(1))"),
        (q - 1, [25, ["q", 1]], "(r.expr('q') - r.expr(1))"),
        (q * 1, [26, ["q", 1]], "(r.expr('q') * r.expr(1))"),
        (q / 1, [27, ["q", 1]], "(r.expr('q') / r.expr(1))"),
        (q % 1, [28, ["q", 1]], "(r.expr('q') % r.expr(1))"),
        (1 + q, [24, [1, "q"]], "(r.expr(1) + r.expr('q'))"),
        (1 - q, [25, [1, "q"]], None),
        (2 * q, [26, [2, "q"]], None),
        (1 / q, [27, [1, "q"]], None),
        (1 % q, [28, [1, "q"]], None),
        (q & True, [67, ["q", True]], "(r.expr('q') & r.expr(True))"),
        (q | [1], [66, ["q", [2, [1]]]], "(r.expr('q') | r.expr([1]))"),
        (True & q, [67, [True, "q"]], None),
        (False | q, [66, [False, "q"]], None),
        (~q, [23, ["q"]], "(~r.expr('q'))"),
        (~r.expr([1]), [23, [[2, [1]]]], "(~[1])"),
        (t["a"], [170, [["T"], "a"]], "r.table('t')['a']"),
        (t[-1], [170, [["T"], -1]], "r.table('t')[-1]"),
        (t[q], [170, [["T"], "q"]], "r.table('t')['q']"),
        (t["a", "b"], [170, [["T"], [2, ["a", "b"]]]], "r.table('t')[['a', 'b']]"),
        (t[1:2], [30, [["T"], 1, 2]], "r.table('t')[1:2]"),
        (t[:2], [30, [["T"], 0, 2]], "r.table('t')[0:2]"),
        (t[1:0], [30, [["T"], 1, 0]], "r.table('t')[1:0]"),
        (t[1:], [30, [["T"], 1, -1], {"right_bound": "closed"}], "r.table('t')[1:-1]"),
        (t[:], [30, [["T"], 0, -1], {"right_bound": "closed"}], "r.table('t')[0:-1]"),
        (t[q:q], [30, [["T"], "q", "q"]], "r.table('t')['q':'q']"),
        (r.expr([1])[0], [170, [[2, [1]], 0]], "r.expr([1])[0]"),
        (r.expr({"a": 1})["a"], [170, [{"a": 1}, "a"]], "r.expr({'a': 1})['a']"),
    ],
)
def test_operators(query: Any, sent: Any, printed: str | None) -> None:
    def spelled(node: Any) -> Any:
        if isinstance(node, list):
            return [15, ["t"]] if node == ["T"] else [spelled(item) for item in node]
        return node

    assert query.build() == spelled(sent)
    if printed is not None:
        assert str(query) == printed


def test_augmented_assignment() -> None:
    value = q
    value += 1
    assert value.build() == [24, ["q", 1]]


def test_slices_have_no_step() -> None:
    with pytest.raises(ReqlDriverCompileError, match="no step"):
        t[0:10:2]


@pytest.mark.parametrize(
    ("compare", "symbol"),
    [
        (lambda x: x == 1, "=="),
        (lambda x: x != 1, "!="),
        (lambda x: x < 1, "<"),
        (lambda x: x <= 1, "<="),
        (lambda x: x > 1, ">"),
        (lambda x: x >= 1, ">="),
        (lambda x: x.eq(1), "=="),
        (lambda x: r.eq(1, x), "=="),
        (lambda x: q.gt(1, x), ">"),
    ],
)
@pytest.mark.parametrize("operand", [q & 1, q | 1, 1 & q, 1 | q])
def test_comparing_what_binds_tighter_is_refused(
    compare: Callable[[Any], Any], symbol: str, operand: Any
) -> None:
    with pytest.raises(ReqlDriverCompileError) as caught:
        compare(operand)
    text = str(caught.value)
    assert text.startswith(f"Calling '{symbol}' on result of infix bitwise operator:\n{operand}")
    assert "precedence" in text


def test_comparing_what_functions_made_is_fine() -> None:
    for operand in (q.and_(1), r.or_(q, 1), ~(q & 1), (q & 1) + 1):
        assert (operand == 1).build()[0] == 17


@pytest.mark.parametrize(
    "use",
    [
        lambda: q // 1,
        lambda: q**2,
        lambda: q ^ 1,
        lambda: q << 1,
        lambda: q >> 1,
        lambda: q @ q,
        lambda: -q,
        lambda: +q,
        lambda: abs(q),
        lambda: divmod(q, 2),
        lambda: hash(q),
        lambda: {q: 1},
        lambda: len(q),
    ],
)
def test_what_terms_are_not(use: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        use()


@pytest.mark.parametrize("use", [iter, list, lambda x: 1 in x, lambda x: [*x]])
def test_terms_are_no_sequences(use: Callable[[Any], Any]) -> None:
    with pytest.raises(ReqlDriverError, match=r"^__iter__ called on an RqlQuery object"):
        use(q)


def test_terms_are_true() -> None:
    assert bool(r.expr(False)) is True
