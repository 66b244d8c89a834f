"""Times, binary and grouped data as Python values."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rethinkdb import ast, r
from rethinkdb.errors import ReqlDriverError
from rethinkdb.pseudotypes import (
    RqlBinary,
    RqlTzinfo,
    convert_binary,
    convert_grouped_data,
    convert_time,
    from_wire,
    to_binary,
)

minutes = st.integers(0, 59)


class TestTimezone:
    @pytest.mark.parametrize(
        ("offset", "minutes"),
        [
            ("+00:00", 0),
            ("-07:00", -420),
            ("+05:30", 330),
            ("-07:30", -450),
            ("-00:30", -30),
        ],
    )
    def test_offset(self, offset: str, minutes: int) -> None:
        zone = r.make_timezone(offset)
        assert zone.utcoffset(None) == timedelta(minutes=minutes)
        assert zone.tzname(None) == offset
        assert zone.dst(None) == timedelta(0)

    @pytest.mark.parametrize("offset", ["Z", "+07", "", "07:00:00", "+aa:00", "+07:00x"])
    def test_other_spellings(self, offset: str) -> None:
        with pytest.raises(ValueError, match="HH:MM"):
            RqlTzinfo(offset)

    def test_equality_goes_by_offset(self) -> None:
        assert RqlTzinfo("+01:00") == RqlTzinfo("+01:00")
        assert hash(RqlTzinfo("-00:00")) == hash(RqlTzinfo("+00:00"))
        assert RqlTzinfo("+01:00") != RqlTzinfo("-01:00")
        assert RqlTzinfo("+00:00") != timezone.utc
        assert repr(RqlTzinfo("+01:00")) == "RqlTzinfo('+01:00')"

    @pytest.mark.parametrize(
        "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy]
    )
    def test_survives_pickle_and_copy(self, again: Any) -> None:
        moment = datetime(2020, 1, 2, tzinfo=RqlTzinfo("-07:30"))
        assert again(moment) == moment
        assert again(moment).tzinfo == moment.tzinfo

    def test_is_found_where_programs_look(self) -> None:
        assert r.ast.RqlTzinfo is ast.RqlTzinfo is RqlTzinfo


class TestTime:
    def test_with_timezone(self) -> None:
        value = convert_time(
            {"$reql_type$": "TIME", "epoch_time": 1375147296.681, "timezone": "-07:00"}
        )
        assert value.isoformat() == "2013-07-29T18:21:36.681000-07:00"
        assert value.tzname() == "-07:00"

    def test_without_timezone(self) -> None:
        assert convert_time({"$reql_type$": "TIME", "epoch_time": 0}) == datetime(1970, 1, 1)

    def test_before_1970(self) -> None:
        value = convert_time({"$reql_type$": "TIME", "epoch_time": -1.5, "timezone": "+00:00"})
        assert value == datetime(1969, 12, 31, 23, 59, 58, 500000, timezone.utc)

    @pytest.mark.parametrize("epoch", [253402300800, -62135596801, 1e30, -1e18, -1e300, 10**400])
    def test_beyond_python(self, epoch: float) -> None:
        with pytest.raises(ReqlDriverError, match='option time_format="raw" gives it') as caught:
            convert_time({"$reql_type$": "TIME", "epoch_time": epoch, "timezone": "+00:00"})
        assert isinstance(caught.value, ValueError)
        assert str(caught.value.__cause__) == "its year is not within 1 to 9999"

    def test_and_back(self) -> None:
        value = convert_time({"$reql_type$": "TIME", "epoch_time": 1.5, "timezone": "+01:00"})
        assert r.expr(value).build() == [99, ["1970-01-01T01:00:01.500000+01:00"]]

    @given(
        st.floats(-6.2e10, 2.5e11) | st.integers(-62_135_000_000, 253_402_000_000),
        st.none()
        | st.builds("{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 14), minutes),
    )
    @example(0.0005, "+00:00")
    @example(1.0000005, "-00:30")
    @example(253_402_300_800, "+00:00")
    def test_the_same_as_by_the_datetime_module(self, epoch: float, offset: str | None) -> None:
        time = {"$reql_type$": "TIME", "epoch_time": epoch, "timezone": offset}
        zone = timezone.utc if offset is None else RqlTzinfo(offset)
        try:
            expected = datetime.fromtimestamp(epoch, zone)
        except (ValueError, OverflowError):
            with pytest.raises(ReqlDriverError):
                from_wire(time, {})
            return
        if offset is None:
            expected = expected.replace(tzinfo=None)
        found = from_wire(time, {})
        assert found == expected
        assert repr(found) == repr(expected)


class TestBinary:
    @pytest.mark.parametrize(
        ("data", "shown"),
        [
            (b"", "<binary, 0 bytes>"),
            (b"a", "<binary, 1 byte, '61'>"),
            (b"abcdef", "<binary, 6 bytes, '61 62 63 64 65 66'>"),
            (b"abcdefg", "<binary, 7 bytes, '61 62 63 64 65 66...'>"),
        ],
    )
    def test_repr(self, data: bytes, shown: str) -> None:
        assert repr(RqlBinary(data)) == shown

    def test_is_bytes(self) -> None:
        value = convert_binary(to_binary(b"\x00\xff"))
        assert value == b"\x00\xff"
        assert type(pickle.loads(pickle.dumps(value))) is RqlBinary
        assert r.expr(value).build() == to_binary(b"\x00\xff")

    def test_line_breaks_do_not_matter(self) -> None:
        assert convert_binary({"$reql_type$": "BINARY", "data": "YW\r\nI=\r\n"}) == b"ab"


class TestGroupedData:
    def test_groups_become_hashable(self) -> None:
        moment = datetime(2020, 1, 1)
        groups = [[1, "a"], [[1, [2]], "b"], [{"x": [1]}, "c"], [moment, "d"], [None, "e"]]
        assert convert_grouped_data({"$reql_type$": "GROUPED_DATA", "data": groups}) == {
            1: "a",
            (1, (2,)): "b",
            frozenset({("x", (1,))}): "c",
            moment: "d",
            None: "e",
        }


class TestFromWire:
    @pytest.mark.parametrize(
        ("obj", "option"),
        [
            ({"$reql_type$": "TIME", "epoch_time": 0, "timezone": "+00:00"}, "time_format"),
            ({"$reql_type$": "BINARY", "data": ""}, "binary_format"),
            ({"$reql_type$": "GROUPED_DATA", "data": []}, "group_format"),
        ],
    )
    def test_formats(self, obj: dict[str, Any], option: str) -> None:
        native = from_wire(obj, {})
        assert native is not obj
        assert from_wire(obj, {option: "native"}) == native
        assert from_wire(obj, {option: None}) == native
        assert from_wire(obj, {option: "raw"}) is obj
        with pytest.raises(ReqlDriverError, match=f'^Unknown {option} run option "x"\\.$'):
            from_wire(obj, {option: "x"})

    @pytest.mark.parametrize(
        "obj",
        [
            {"a": 1},
            {"$reql_type$": None, "a": 1},
            {"$reql_type$": "GEOMETRY", "type": "Point", "coordinates": [1, 2]},
        ],
    )
    def test_left_alone(self, obj: dict[str, Any]) -> None:
        assert from_wire(obj, {}) is obj

    @pytest.mark.parametrize(
        ("kind", "fields"),
        [
            ("TIME", {"epoch_time": "1"}),
            ("TIME", {"epoch_time": None}),
            ("TIME", {"epoch_time": [1]}),
            ("TIME", {"epoch_time": float("nan")}),
            ("TIME", {"epoch_time": 10**400}),
            ("TIME", {"epoch_time": 0, "timezone": "Z"}),
            ("TIME", {"epoch_time": 0, "timezone": "+99:00"}),
            ("TIME", {"epoch_time": 0, "timezone": ["+00:00"]}),
            ("TIME", {"epoch_time": 0, "timezone": 1}),
            ("BINARY", {"data": None}),
            ("BINARY", {"data": ["YWI="]}),
            ("BINARY", {"data": "a"}),
            ("BINARY", {"data": "\xe9"}),
            ("GROUPED_DATA", {"data": None}),
            ("GROUPED_DATA", {"data": 1}),
            ("GROUPED_DATA", {"data": [1]}),
            ("GROUPED_DATA", {"data": [[1]]}),
            ("GROUPED_DATA", {"data": [[1, 2, 3]]}),
            ("GROUPED_DATA", {"data": ["ab"]}),
            ("GROUPED_DATA", {"data": {"ab": 1}}),
            ("GROUPED_DATA", {"data": [[{1: {}}, 1], [bytearray(), 2]]}),
        ],
    )
    def test_wrong_fields(self, kind: str, fields: dict[str, Any]) -> None:
        with pytest.raises(ReqlDriverError, match=f"pseudo-type {kind} object .* no value") as info:
            from_wire({"$reql_type$": kind, **fields}, {})
        assert info.value.__cause__ is not None

    def test_groups_nested_deeper_than_python_goes(self) -> None:
        group: Any = 1
        for _ in range(5000):
            group = [group]
        with pytest.raises(ReqlDriverError, match="recursion") as caught:
            from_wire({"$reql_type$": "GROUPED_DATA", "data": [[group, 1]]}, {})
        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize("kind", [1, True, [], ["TIME"], {}])
    def test_a_kind_that_is_no_name(self, kind: Any) -> None:
        with pytest.raises(ReqlDriverError, match="must be a name"):
            from_wire({"$reql_type$": kind}, {})

    def test_unknown(self) -> None:
        with pytest.raises(ReqlDriverError, match="Unknown pseudo-type NEW"):
            from_wire({"$reql_type$": "NEW"}, {})

    @pytest.mark.parametrize(
        ("kind", "field"), [("TIME", "epoch_time"), ("BINARY", "data"), ("GROUPED_DATA", "data")]
    )
    def test_incomplete(self, kind: str, field: str) -> None:
        with pytest.raises(ReqlDriverError, match=f'{kind} object .* expected field "{field}"'):
            from_wire({"$reql_type$": kind}, {})
