"""The simulation of many pools: small runs of it, and what it makes of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.simulation import __main__ as command
from benchmarks.simulation import cluster_report, report
from benchmarks.simulation.clusters import CLUSTERS, ClusterRun
from benchmarks.simulation.scenarios import SCENARIOS, Failure, Run, Scenario
from benchmarks.simulation.servers import Fault

SMALL = {"clients": 60, "hours": 2}


def small(name: str = "restarts", **changes: Any) -> report.Figures:
    return report.figures(Run(replace(SCENARIOS[name], **{**SMALL, **changes})).go())


@pytest.fixture(scope="module")
def restarts() -> report.Figures:
    return small(clients=200)


def test_whoever_asks_when_the_server_is_back_is_served(restarts: report.Figures) -> None:
    assert restarts["asked_up"] > 100
    assert restarts["failed_up"] == 0
    assert restarts["longest_up"] < 10


def test_all_clients_come_back_spread_over_their_pauses(restarts: report.Figures) -> None:
    assert restarts["not_connected"] == 0
    assert restarts["connected_all"] <= 10.1
    # Each client dials with one connection at a time.
    assert (
        restarts["dials_peak_up"] < small("restarts-without-jitter", clients=200)["dials_peak_up"]
    )


def test_a_short_restart_costs_no_query() -> None:
    def blink(scenario: Scenario, random: Random) -> list[Failure]:
        return [Failure(0, 1000.0, 3.0), Failure(0, 3000.0, 0.1)]

    figures = small(failures=blink)
    assert figures["asked_down"] > 0
    assert figures["timed_out"] == figures["failed_up"] == 0


def test_the_same_seed_gives_the_same() -> None:
    first, second = small(), small()
    for figures in (first, second):
        del figures["seconds"]
    assert first == second


def dying(fault: Fault) -> Callable[[Scenario, Random], list[Failure]]:
    def failures(scenario: Scenario, random: Random) -> list[Failure]:
        return [Failure(hour % scenario.hosts, (hour + 0.3) * 3600, 600, fault) for hour in (0, 1)]

    return failures


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("hosts", [3, 10])
def test_with_several_hosts_the_others_serve(hosts: int, fault: Fault) -> None:
    run = Run(replace(SCENARIOS["restarts"], **SMALL, hosts=hosts, failures=dying(fault))).go()
    assert run.records.failures == 0
    answered = [server.answered for server in run.servers.values()]
    assert min(answered) > 0
    assert sum(answered) > 500
    assert sum(server.links for server in run.servers.values()) >= len(run.clients)


def test_a_silent_server_is_noticed_and_left() -> None:
    """With one host only: its clients lose it after a while, and find it when it is back."""
    figures = small(failures=dying(Fault.SILENCE))
    assert figures["not_connected"] == 0
    assert figures["timed_out"] > 0
    assert figures["failed_up"] == 0


@pytest.fixture(scope="module")
def five() -> ClusterRun:
    run = ClusterRun(replace(CLUSTERS["cluster-of-5"], clients=60, hours=20))
    run.go()
    return run


def test_when_hosts_of_a_cluster_go_queries_find_the_others(five: ClusterRun) -> None:
    figures = cluster_report.figures(five)
    assert figures["queries"] > 10_000
    assert figures["outages"] == 20 + 2 + 5  # deaths, the split, the restarts in turn
    assert figures["failed"] <= figures["queries"] / 10_000
    assert figures["busiest"] < 2


def test_retries_stay_within_their_budget(five: ClusterRun) -> None:
    figures = cluster_report.figures(five)
    assert 0 < figures["again"] <= figures["cut_off"]
    assert figures["again_part"] < 10
    assert all(part <= 10 for _, part in figures["again_by_hour"])
    assert sum(client.pool.stats().retried for client in five.clients) == figures["again"]


def test_a_host_that_is_back_gets_its_share_again(five: ClusterRun) -> None:
    figures = cluster_report.figures(five)
    assert figures["not_back"] <= 2
    assert figures["back_half"] < 60
    assert all(server.links for server in five.servers.values())


def test_the_command_writes_figures_and_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DOCS", tmp_path)
    words = ["--clients", "20", "--hours", "2", "--seed", "3", "--write-docs"]
    assert command.main([*words, "--json", str(tmp_path / "figures.json")]) == 0
    assert "most dials in one second" in capsys.readouterr().out
    page = (tmp_path / "pool-simulation.md").read_text()
    pages = page + (tmp_path / "cluster-simulation.md").read_text()
    assert "$" not in pages
    assert (tmp_path / "figures.json").exists()
    drawings = sorted(tmp_path.glob("*.svg"))
    assert len(drawings) == 6
    for drawing in drawings:
        assert drawing.name in pages
        assert ElementTree.parse(drawing).getroot().tag.endswith("svg")
