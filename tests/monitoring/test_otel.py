"""Spans and metrics, against the in-memory exporters of OpenTelemetry's SDK."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest.importorskip("opentelemetry.sdk", reason="pip install opentelemetry-sdk, of the extra dev")

from opentelemetry import context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from rethinkdb import monitoring, otel, r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError
from rethinkdb.loops import BUILT_IN
from rethinkdb.net.session import Session
from rethinkdb.otel.tracing import Tracing
from rethinkdb.testing.conformance import Trial
from rethinkdb.testing.conformance.pooling.help import entered
from tests.net.pair import ATOM, PARTIAL, RUNTIME_ERROR, SEQUENCE, Pair, start
from tests.trying import try_on

SECRET = "do not tell"
QUERY = r.db("cave").table("heroes").get(SECRET)


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def meters(reader):
    provider = MeterProvider([reader])
    yield provider
    provider.shutdown()


@pytest.fixture
def instrumented(tracers, meters):
    otel.instrument(tracer_provider=tracers, meter_provider=meters)
    yield
    otel.uninstrument()
    assert Session.observer is None


@pytest.fixture
def pair(instrumented):
    return Pair()


def points(reader, name):
    """The points of a metric, with their attributes."""
    data = reader.get_metrics_data()
    return [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_a_value(pair, exporter):
    _, token = pair.run(printable=QUERY)
    pair.answer(token, ATOM, {"id": SECRET})
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("get heroes", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "db.system.name": "rethinkdb",
        "db.namespace": "cave",
        "db.collection.name": "heroes",
        "db.operation.name": "get",
        "db.query.text": "r.db('cave').table('heroes').get(?)",
        "db.query.summary": "get heroes",
        "db.response.returned_rows": 1,
        "server.address": "db.example",
        "server.port": 28015,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_an_error(pair, exporter, reader):
    _, token = pair.run(printable=QUERY)
    pair.answer(token, RUNTIME_ERROR, SECRET, b=[])
    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "rethinkdb.errors.ReqlRuntimeError"
    assert span.status.status_code is StatusCode.ERROR
    assert SECRET not in span.to_json()
    (point,) = points(reader, "db.client.operation.duration")
    assert point.attributes["error.type"] == "rethinkdb.errors.ReqlRuntimeError"


def test_values_if_somebody_asks(tracers, meters, exporter):
    otel.instrument(tracer_provider=tracers, meter_provider=meters, log_values=True)
    try:
        pair = Pair()
        _, token = pair.run(printable=QUERY)
        pair.answer(token, RUNTIME_ERROR, "because", b=[])
    finally:
        otel.uninstrument()
    (span,) = exporter.get_finished_spans()
    assert SECRET in span.attributes["db.query.text"]
    assert [event.name for event in span.events] == ["exception"]


def test_a_cursor(pair, exporter):
    stream, token = pair.stream(1, 2, printable=QUERY)
    assert exporter.get_finished_spans() == ()
    pair.answer(token, SEQUENCE, 3)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["db.response.returned_rows"] == 3
    assert span.attributes["rethinkdb.response.batches"] == 2
    assert stream.take_batch() == [1, 2, 3]


def test_a_feed(pair, exporter):
    _, token = pair.run(printable=r.table("heroes").changes())
    pair.answer(token, PARTIAL, n=[1])
    (opening,) = exporter.get_finished_spans()
    assert opening.name == "changes heroes"
    pair.answer(token, PARTIAL, 1, 2, n=[1])
    pair.session.receive_eof(OSError("gone"))
    _, feed = exporter.get_finished_spans()
    assert feed.name == "feed heroes"
    assert feed.parent.span_id == opening.context.span_id
    assert feed.attributes["db.response.returned_rows"] == 2
    assert feed.attributes["error.type"].endswith("ReqlCursorLostError")


def test_cancelling(pair, exporter, reader):
    pair.run(printable=QUERY)[0].abandon()
    (span,) = exporter.get_finished_spans()
    assert [event.name for event in span.events] == ["cancelled"]
    assert span.status.status_code is StatusCode.UNSET
    assert points(reader, "db.client.operation.duration") == []


def test_the_duration(pair, reader):
    for _ in range(3):
        _, token = pair.run(printable=QUERY)
        pair.answer(token, ATOM, 1)
    (point,) = points(reader, "db.client.operation.duration")
    assert point.count == 3
    assert point.attributes["db.operation.name"] == "get"
    assert point.explicit_bounds[0] == 0.001
    assert "db.query.text" not in point.attributes


def test_without_a_sampler_s_consent_nothing_is_printed(meters):
    provider = TracerProvider(sampler=ALWAYS_OFF)
    otel.instrument(tracer_provider=provider, meter_provider=meters)
    try:
        pair = Pair()
        waiter, token = pair.run()
        pair.answer(token, ATOM, 1)
        assert waiter.result() == 1
    finally:
        otel.uninstrument()


@pytest.mark.parametrize("reply", [ATOM, SEQUENCE, RUNTIME_ERROR, None])
def test_others_may_suppress_it(pair, exporter, reply):
    token = context.attach(context.set_value("suppress_instrumentation", True))
    waiter, query = pair.run(printable=QUERY)
    context.detach(token)
    if reply is None:
        waiter.abandon()
    else:
        pair.answer(query, reply, "x", b=[], n=[1])
    assert exporter.get_finished_spans() == ()


def test_twice_is_an_error(instrumented):
    with pytest.raises(ReqlDriverError, match="instrumented already"):
        otel.instrument()


def test_one_connection(tracers, meters, exporter):
    conn = r.connection_type("db.example")
    otel.instrument(conn, tracer_provider=tracers, meter_provider=meters)
    assert Session.observer is None
    assert conn._observer.query_started
    otel.uninstrument(conn)
    assert conn._observer is None


def test_the_entry_point(tracers, meters, exporter):
    found = {entry.name: entry for entry in entry_points(group="opentelemetry_instrumentor")}
    kind = found["rethinkdb"].load() if "rethinkdb" in found else otel.RethinkDBInstrumentor
    instrumentor = kind()
    instrumentor.instrument(skip_dep_check=True, tracer_provider=tracers, meter_provider=meters)
    Pair().run()[0].abandon()
    instrumentor.uninstrument()
    Pair().run()[0].abandon()
    assert len(exporter.get_finished_spans()) == 1


@pytest.fixture(scope="module")
def server():
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("loop", BUILT_IN)
def test_context_on_each_loop(loop, server, tracers, meters, exporter, reader):
    """A query's span is a child of what was current where it was run; on pools as well, whether
    there is a connection already or not, and whether it is run again or not."""
    tracer = tracers.get_tracer("tests")
    seen = []

    async def scenario(trial: Trial):
        conn = await trial.connect()
        pool = trial.pool(name="web")
        otel.instrument(tracer_provider=tracers, meter_provider=meters)
        try:
            for where in (conn, pool, pool):
                with tracer.start_as_current_span("caller") as span:
                    await trial.run(r.range(3).count(), where)
                seen.append(span.get_span_context().span_id)
            (idle, used) = points(reader, "db.client.connection.count")
            assert idle.attributes["db.client.connection.pool.name"] == "web"
            assert (idle.value, used.value) == (1, 0)
        finally:
            otel.uninstrument()

    try_on(loop, scenario, server)
    spans = [span for span in exporter.get_finished_spans() if span.name.startswith("count")]
    assert [span.parent and span.parent.span_id for span in spans] == seen


@pytest.mark.parametrize("loop", BUILT_IN)
def test_waits_and_uses_of_pools_on_each_loop(loop, server, meters, reader):
    """Each query and each borrower waits once, perhaps for no time, and uses the connection once.
    The queries of a borrower do neither."""

    async def scenario(trial: Trial):
        otel.instrument(meter_provider=meters)
        try:
            pool = trial.pool(name="web", max_size=1)
            for _ in range(2):
                await trial.run(r.range(3).count(), pool)
            async with entered(pool.connection()) as conn:
                await trial.run(r.range(4).count(), conn)
            cursor = await trial.run(r.range(5), pool)
            await trial.do(cursor.close)
        finally:
            otel.uninstrument()

    try_on(loop, scenario, server)
    for name in ("wait_time", "use_time"):
        (point,) = points(reader, f"db.client.connection.{name}")
        assert dict(point.attributes) == {"db.client.connection.pool.name": "web"}
        assert point.count == 4
        assert 0 <= point.sum < 60


def test_retries_are_told_to_the_caller_s_span(tracers, exporter):
    tracer = tracers.get_tracer("tests")
    info = monitoring.QueryInfo(Pair().session, start(printable=QUERY))
    with tracer.start_as_current_span("caller"):
        Tracing(tracer).query_retried(monitoring.QueryRetried(info, OSError(), 2, 0.1))
    (span,) = exporter.get_finished_spans()
    (event,) = span.events
    assert (event.name, event.attributes["error.type"]) == ("rethinkdb.retry", "OSError")
