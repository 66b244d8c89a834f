"""Queries to bytes, replies to values: the fast path, the plain one, and hooks of programs."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import codec, converters, r
from rethinkdb.codec import Codec, MalformedResponse, ReQLDecoder, ReQLEncoder, Response
from rethinkdb.errors import (
    ReqlDriverError,
    ReqlTypeError,
    ReqlValueError,
)
from rethinkdb.ql2 import QueryType, ResponseType


@pytest.fixture(params=["orjson", "json"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "json":
        monkeypatch.setattr(codec, "orjson", None)
    return str(request.param)


def decode(reply: Any, **options: Any) -> Response:
    return Codec().decoder(options)(json.dumps(reply).encode())


def decode_by(codec: Codec, reply: Any, options: dict[str, Any]) -> Response:
    return codec.decoder(options)(json.dumps(reply).encode())


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)
pseudo_values = st.recursive(
    scalars
    | st.binary(max_size=8).map(lambda data: r.expr(data).build())
    | st.integers(-(10**9), 10**9).map(
        lambda epoch: {"$reql_type$": "TIME", "epoch_time": epoch / 8, "timezone": "-07:30"}
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc"), inner, max_size=4)
        | st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda data: {"$reql_type$": "GROUPED_DATA", "data": data}
        )
    ),
    max_leaves=12,
)


class TestEncoding:
    def test_compact_utf8(self, library: str) -> None:
        body = [QueryType.START, [15, ["é"]], {"a": None, "b": True, "c": 1.5}]
        assert Codec().encode(body) == '[1,[15,["é"]],{"a":null,"b":true,"c":1.5}]'.encode()
        assert Codec().encode([QueryType.STOP]) == b"[3]"

    def test_large_integers(self, library: str) -> None:
        assert Codec().encode([2**100]) == b"[%d]" % 2**100

    def test_long_chains(self, library: str) -> None:
        query = r.expr(0)
        for _ in range(400):
            query = query + 1
        assert Codec().encode(query.start_body({}, None)).count(b"[24,") == 400

    def test_nesting_beyond_python(self, library: str) -> None:
        body: list[Any] = []
        for _ in range(100_000):
            body = [body]
        assert Codec().encode(body) == b"[" * 100_001 + b"]" * 100_001
        while body:  # one by one, as the interpreter would recurse to free it
            body = body[0]

    def test_lone_surrogates(self, library: str) -> None:
        with pytest.raises(UnicodeEncodeError):
            Codec().encode(["\ud800"])

    def test_what_json_cannot_hold(self, library: str) -> None:
        with pytest.raises(ReqlTypeError, match="Object of type set is not JSON serializable"):
            Codec().encode([{1}])

    def test_not_finite(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(codec, "orjson", None)
        with pytest.raises(ReqlValueError, match="Out of range float"):
            Codec().encode([float("nan")])

    @given(documents)
    def test_round_trip(self, document: Any) -> None:
        assert json.loads(Codec().encode([document])) == [document]

    @given(documents)
    def test_both_libraries_mean_the_same(self, document: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            fast = Codec().encode([document])
            patch.setattr(codec, "orjson", None)
            assert json.loads(Codec().encode([document])) == json.loads(fast)

    def test_own_encoder(self) -> None:
        class Encoder:
            def encode(self, obj: Any) -> str:
                return json.dumps(obj, indent=1)

        assert Codec(json_encoder=Encoder).encode([1]) == b"[\n 1\n]"

    def test_own_encoder_may_give_bytes(self) -> None:
        class Encoder:
            def encode(self, obj: Any) -> bytes:
                return b"[]"

        assert Codec(json_encoder=Encoder).encode([1]) == b"[]"

    def test_default_encoder_takes_terms(self) -> None:
        assert ReQLEncoder().encode([r.now(), "é"]) == '[[103,[]],"é"]'
        assert ReQLEncoder(indent=1, separators=(",", ":")).encode([1]) == "[\n 1\n]"

    def test_own_encoders_do_not_change_the_default_one(self) -> None:
        class Encoder(ReQLEncoder):
            pass

        assert converters.state.keeps_the_rest
        assert Codec(json_encoder=ReQLEncoder).encode(["é", 1.5]) == '["é",1.5]'.encode()


class TestReplies:
    def test_all_keys(self, library: str) -> None:
        reply = {"t": 18, "r": ["no"], "e": 3000000, "b": [0, "x"], "n": [1, 2], "p": [{"a": 1}]}
        assert decode(reply) == Response(
            ResponseType.RUNTIME_ERROR, ["no"], 3000000, [0, "x"], (1, 2), [{"a": 1}]
        )

    def test_fewest_keys(self, library: str) -> None:
        response = decode({"t": 4, "r": []})
        assert response == Response(ResponseType.WAIT_COMPLETE, [])
        assert type(response.type) is ResponseType

    def test_unknown_type(self) -> None:
        assert decode({"t": 77, "r": []}).type == 77

    def test_numbers(self, library: str) -> None:
        payload = b'{"t":1,"r":[[1,1.0,1e20,-0.0,9007199254740993,18446744073709551616]]}'
        (values,) = Codec().decoder({})(payload).results
        assert [type(value) for value in values] == [int, float, float, float, int, float]
        assert values == [1, 1.0, 1e20, -0.0, 9007199254740993, 2.0**64]

    def test_lone_surrogates(self, library: str) -> None:
        assert Codec().decoder({})(b'{"t":1,"r":["\\ud800"]}').results == ["\ud800"]

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[]",
            b"null",
            b"{}",
            b'{"t":1}',
            b'{"r":[]}',
            b'{"t":"1","r":[]}',
            b'{"t":true,"r":[]}',
            b'{"t":1,"r":{}}',
            b'{"t":1,"r":[],"n":1}',
            b'{"t":1,"r":[],"b":{}}',
            b'{"t":1,"r":[],"b":[[]]}',
            b'{"t":1,"r":[],"b":[0.5]}',
            b'{"t":1,"r":[],"b":[true]}',
            b'{"t":1,"r":[],"n":[[1]]}',
            b'{"t":1,"r":[],"n":{"a":1}}',
            b'{"t":18,"r":["no"],"e":[1]}',
            b'{"t":18,"r":["no"],"e":{}}',
            b'{"t":18,"r":["no"],"e":"3000000"}',
            b'{"t":18,"r":["no"],"e":true}',
            b'{"t":18,"r":["no"],"e":%d}' % 10**400,
            b'{"t":18,"r":["no"],"e":%s}' % (b"9" * 5000),
            b'{"t":16,"r":[1]}',
            b'{"t":17,"r":[null]}',
            b'{"t":18,"r":[["no"]]}',
            b'{"t":18,"r":["no"],"b":"x"}',
            b'{"t":1,"r":[1],"p":{}}',
            b'{"t":1,"r":[1],"p":"x"}',
            b'{"t":[1],"r":[]}',
            b'{"t":{"$reql_type$":"TIME","epoch_time":1},"r":[]}',
            b'{"t":1,"r":{"$reql_type$":"GROUPED_DATA","data":[]}}',
            b'{"t":%s,"r":[]}' % (b"9" * 30),
            b'{"t":NaN,"r":[]}',
            b'{"t":1,"r":[NaN]}',
            b'{"t":1,"r":[-Infinity]}',
            b'{"t":1,"r":[%s]}' % (b"9" * 400),
            b'{"t":1,"r":[%s]}' % (b"9" * 5000),
            '{"t":1,"r":["a"]}'.encode("utf-16"),
            b'{"t":1,"r":["\xff"]}',
            b'["$reql_type$"]',
        ],
    )
    def test_broken_replies(self, payload: bytes, library: str) -> None:
        with pytest.raises(MalformedResponse):
            Codec().decoder({})(payload)

    @given(st.binary(max_size=40))
    def test_noise_is_a_broken_reply(self, payload: bytes) -> None:
        try:
            response = Codec().decoder({})(payload)
        except MalformedResponse:
            return
        # Hypothesis also tries constants that it finds in the sources, and some are whole replies.
        assert json.loads(payload)["r"] == response.results

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    def test_nesting_beyond_python_is_a_broken_reply(self, opening: bytes, library: str) -> None:
        payload = b'{"t":1,"r":[' + opening * 200_000
        with pytest.raises(MalformedResponse):
            Codec().decoder({})(payload)

    @pytest.mark.parametrize("inner", ["1", '{"$reql_type$":"BINARY","data":"YWI="}'])
    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_values_as_deep_as_a_server_sends(self, opening: str, inner: str, library: str) -> None:
        closing = "]" if opening == "[" else "}"
        text = opening * 900 + inner + closing * 900
        (value,) = Codec().decoder({})(f'{{"t":1,"r":[{text}]}}'.encode()).results
        for _ in range(900):
            (value,) = value if isinstance(value, list) else value.values()
        assert value == (1 if inner == "1" else b"ab")

    def test_long_payloads_are_not_shown_whole(self) -> None:
        with pytest.raises(MalformedResponse) as caught:
            Codec().decoder({})(b"x" * 10_000)
        assert len(str(caught.value)) < 300


class TestPseudoTypes:
    TIME = {"$reql_type$": "TIME", "epoch_time": 0, "timezone": "+00:00"}  # noqa: RUF012
    BINARY = {"$reql_type$": "BINARY", "data": "YWI="}  # noqa: RUF012

    def test_everywhere_inside_out(self, library: str) -> None:
        grouped = {"$reql_type$": "GROUPED_DATA", "data": [[self.BINARY, [{"a": self.BINARY}]]]}
        reply = {"t": 1, "r": [{"x": [[self.BINARY]], "y": grouped}], "p": [self.BINARY]}
        response = decode(reply)
        assert response.results == [{"x": [[b"ab"]], "y": {b"ab": [{"a": b"ab"}]}}]
        assert response.profile == [b"ab"]

    def test_options(self) -> None:
        reply = {"t": 2, "r": [self.TIME, self.BINARY]}
        response = decode(reply, time_format="raw", binary_format="raw")
        assert response.results == [self.TIME, self.BINARY]

    def test_errors_are_no_malformed_response(self, library: str) -> None:
        for broken in ({"$reql_type$": "NEW"}, {**self.TIME, "epoch_time": 10**12}):
            for results in ([broken], [{"a": [broken]}], [{"a": self.TIME}, {"a": broken}]):
                with pytest.raises(ReqlDriverError):
                    decode({"t": 2, "r": results})

    @given(
        st.sampled_from(["TIME", "BINARY", "GROUPED_DATA", "GEOMETRY", "NEW", 1, [], {}, None]),
        st.dictionaries(
            st.sampled_from(["epoch_time", "timezone", "data"]),
            documents | st.sampled_from([1, 1e300, "+01:00", "+99:99", "YWI=", "a", [[1]], ["ab"]]),
        ),
        st.sampled_from(["native", "raw"]),
    )
    def test_any_fields_convert_or_are_a_driver_error(
        self, kind: Any, fields: dict[str, Any], how: str
    ) -> None:
        obj = {"$reql_type$": kind, **fields}
        options = {"time_format": how, "binary_format": how, "group_format": how}
        for results in ([obj], [{"a": obj}, {"a": [obj]}]):
            for chosen in (Codec(), Codec(json_decoder=_Plain)):
                with suppress(ReqlDriverError):
                    decode_by(chosen, {"t": 2, "r": results}, options)

    def test_option_is_looked_at_only_when_needed(self) -> None:
        assert decode({"t": 1, "r": [1]}, time_format="x").results == [1]
        with pytest.raises(ReqlDriverError, match='Unknown time_format run option "x"'):
            decode({"t": 1, "r": [self.TIME]}, time_format="x")

    def test_the_name_as_a_value(self) -> None:
        assert decode({"t": 1, "r": ["$reql_type$", {"a": "$reql_type$"}]}).results == [
            "$reql_type$",
            {"a": "$reql_type$"},
        ]

    @given(st.lists(pseudo_values, max_size=4), st.sampled_from(["native", "raw"]))
    def test_fast_path_equals_plain_decoder(self, results: list[Any], how: str) -> None:
        _assert_decoded_alike(results, how)

    @given(st.lists(st.dictionaries(st.sampled_from("abc"), pseudo_values), max_size=4))
    def test_times_in_the_same_fields_equal_the_plain_decoder(self, rows: list[Any]) -> None:
        dated = [{"a": self.TIME, "n": n, "b": self.TIME} for n in range(2)]
        for last in ({}, {"b": "$reql_type$"}, {"c": [self.TIME]}, {"a": {"a": self.TIME}}):
            results = [*dated, *({"a": self.TIME, **row} for row in rows), last]
            for first in ([], [{}], [1]):
                _assert_decoded_alike([*first, *results], "native")


class _Plain(ReQLDecoder):
    """Not known to be the driver's own, so it is used as any decoder of a program."""


def _assert_decoded_alike(results: list[Any], how: str) -> None:
    payload = json.dumps({"t": 2, "r": results}).encode()
    options = {"time_format": how, "group_format": how}
    fast = _outcome(Codec(), options, payload)
    plain = _outcome(Codec(json_decoder=_Plain), options, payload)
    assert repr(fast) == repr(plain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "orjson", None)
        assert repr(_outcome(Codec(), options, payload)) == repr(fast)


def _outcome(codec: Codec, options: dict[str, Any], payload: bytes) -> Any:
    try:
        return codec.decoder(options)(payload)
    except ReqlDriverError as exc:  # a group that holds grouped data is not hashable
        return type(exc)


class TestOwnDecoders:
    def test_hooks(self) -> None:
        class Decoder(ReQLDecoder):
            def convert_time(self, obj: Any) -> Any:
                return obj["epoch_time"]

            def convert_binary(self, obj: Any) -> Any:
                return obj["data"]

            def convert_grouped_data(self, obj: Any) -> Any:
                return obj["data"]

        results = [
            TestPseudoTypes.TIME,
            TestPseudoTypes.BINARY,
            {"$reql_type$": "GROUPED_DATA", "data": [[1, 2]]},
        ]
        payload = json.dumps({"t": 2, "r": results}).encode()
        response = Codec(json_decoder=Decoder).decoder({})(payload)
        assert response.results == [0, "YWI=", [[1, 2]]]

    def test_gets_the_run_options(self) -> None:
        seen: list[Any] = []

        class Decoder(ReQLDecoder):
            def convert_pseudotype(self, obj: dict[str, Any]) -> Any:
                seen.append(self.reql_format_opts)
                return super().convert_pseudotype(obj)

        Codec(json_decoder=Decoder).decoder({"time_format": "raw"})(b'{"t":1,"r":[]}')
        assert seen == [{"time_format": "raw"}]

    def test_need_only_decode(self) -> None:
        class Decoder:
            def __init__(self, options: Any) -> None:
                pass

            def decode(self, text: str) -> Any:
                assert isinstance(text, str)
                return {**json.loads(text), "r": ["mine"]}

        assert Codec(json_decoder=Decoder).decoder({})(b'{"t":1,"r":[]}').results == ["mine"]

    def test_the_default_one(self) -> None:
        text = json.dumps({"t": 1, "r": [TestPseudoTypes.BINARY]})
        assert ReQLDecoder().decode(text)["r"] == [b"ab"]
        assert ReQLDecoder({"binary_format": "raw"}).decode(text)["r"] == [TestPseudoTypes.BINARY]
        assert Codec(json_decoder=ReQLDecoder).decoder({})(text.encode()).results == [b"ab"]

    @pytest.mark.parametrize(
        "payload",
        [
            b"{",
            b"\xff",
            b"[]",
            b'{"t":1,"r":[%s]}' % (b"9" * 400),
            b'{"t":1,"r":[%s]}' % (b"9" * 5000),
            b'{"t":1,"r":[%s' % (b"[" * 200_000),
            b'{"t":18,"r":["no"],"e":[1]}',
        ],
    )
    def test_broken_replies(self, payload: bytes) -> None:
        with pytest.raises(MalformedResponse):
            Codec(json_decoder=_Plain).decoder({})(payload)


def test_a_payload_holds_no_more_than_its_text() -> None:
    encode = Codec().encode
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        held = [encode([1, [16, [[15, ["heroes"]], number]], {}]) for number in range(100)]
        each = (tracemalloc.get_traced_memory()[0] - before) / len(held)
    finally:
        tracemalloc.stop()
    assert each < 500
    assert held[7] == b'[1,[16,[[15,["heroes"]],7]],{}]'
    long = "x" * 5000
    assert json.loads(encode([1, long])) == [1, long]
