"""The page on what a release costs is what its JSON and its assumptions give, by a formula that is checked by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scale.__main__ import main
from benchmarks.scale.assumed import SHIPPED, Assumed, Machine, read_assumed
from benchmarks.scale.measured_tables import absent
from benchmarks.scale.page import PAGE, filled, tables
from benchmarks.scale.projection import Cost, Measured, bill, fit, mixed, release_costs, session_cost
from benchmarks.scale.results import RESULTS, SECTIONS, coefficients, read_results, stages_of, taken
from benchmarks.scale.tables import hours, number, size
from nh_platform.planning.session_sizes import RUN_CPU_S, cpu_s_per_million_spikes, measured_sizes
from nh_platform.session.errors import ConfigError

MACHINE = {"processor": "a processor", "cores": 2, "memory_bytes": 8e9, "python": "3.11.7"}
OF = {"machine": MACHINE, "commit": "0123456789abcdef", "day": "2026-11-30", "load": 1.5}


@pytest.fixture(scope="module")
def assumed() -> Assumed:
    return read_assumed()


def test_page_and_json_hold_together(assumed: Assumed) -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = filled(text, tables(read_results(), assumed))
    assert made == text, f"{PAGE.name} is not what {RESULTS.name} gives: run `python -m benchmarks.scale`"


def test_a_session_takes_its_spikes_units_and_seconds_times_what_was_measured(assumed: Assumed) -> None:
    release = assumed.releases["ibl"]
    cost = session_cost("ibl", release, Measured(history_bytes=2e5, writes=100, reads=30))
    spikes, units = 621_733 / 459 * 26_800, 621_733 / 459
    assert cost.cpu_s == pytest.approx(RUN_CPU_S + spikes / 1e6 * cpu_s_per_million_spikes("ibl"))
    assert cost.window_bytes == pytest.approx(measured_sizes("ibl")["windows"].n_bytes * spikes)
    of_spikes = (measured_sizes("ibl")[name].n_bytes * spikes for name in ("raw_spikes", "windows"))
    of_units = (measured_sizes("ibl")[name].n_bytes * units for name in ("units", "unit_embeddings", "session_report"))
    of_time = (measured_sizes("ibl")[name].n_bytes for name in ("events", "signals"))
    assert cost.store_bytes == pytest.approx(sum(of_spikes) + sum(of_units) + sum(of_time))
    assert cost.raw_bytes == pytest.approx(385e6 + spikes * 32)
    # 396 MB of spikes go in 24 parts of 16 MiB, begun and ended by a request each.
    assert (cost.writes, cost.reads) == (100 + 25, 30)


def test_so_many_sessions_are_the_releases_in_their_proportions(assumed: Assumed) -> None:
    costs = release_costs(assumed, {})
    assert [cost.n_sessions for cost in costs.values()] == [459, 58, 153]
    ten = mixed(costs, 10)
    assert ten.n_sessions == pytest.approx(10)
    assert ten.store_bytes == pytest.approx(sum(cost.store_bytes for cost in costs.values()) / 67)
    assert ten.peak_gb == max(cost.peak_gb for cost in costs.values())
    assert mixed(costs, 10_000).cpu_s == pytest.approx(1000 * ten.cpu_s)


def test_a_bill_is_amounts_times_prices(assumed: Assumed) -> None:
    cost = Cost(1, 2e12, 1e12, 0, 0, cpu_s=36_000, peak_gb=1, writes=1e6, reads=2e6)
    of = bill(cost, assumed.prices)
    assert of.compute == pytest.approx(10 * 0.05)
    assert of.requests == pytest.approx(1000 * 0.005 + 2000 * 0.0004)
    assert of.once == pytest.approx(of.compute + of.requests)
    assert (of.store_month, of.raw_month, of.out) == pytest.approx((23, 46, 85))
    assert of.services_month == 95


def test_memory_cores_network_and_disk_decide_how_a_machine_makes_sessions() -> None:
    cost = Cost(100, 360e9, 50e9, 0, math.nan, cpu_s=36_000, peak_gb=3.0, writes=0, reads=0)
    machine = Machine(title="one", cores=8, memory_gb=10, disk_gb=100, download_mb_s=1000)
    of = fit(cost, machine, Measured(efficiency=0.5))
    assert (of.runs, of.hours, of.is_downloads) == (3, pytest.approx(36_000 / 2 / 3600), False)
    assert (of.lacking_bytes, of.keeps_raw) == (0, False)
    slow = fit(cost, machine.model_copy(update={"download_mb_s": 10.0}), Measured())
    assert (slow.hours, slow.is_downloads) == (pytest.approx(10), True)
    small = fit(cost, machine.model_copy(update={"disk_gb": 30.0, "memory_gb": 1.0}), Measured())
    assert (small.runs, small.lacking_bytes) == (1, pytest.approx(20e9))


def test_what_was_not_measured_is_said_and_is_no_number(assumed: Assumed) -> None:
    made = tables({}, assumed)
    for mark, sections in {"rehearsal": 1, "full": 1, "pages": 2, "workers": 1, "requests": 1}.items():
        assert made[mark].count("Not yet measured") == sections
    assert "Not yet measured" in absent("pages_postgres")
    assert made["amounts"].splitlines()[2].split(" | ")[4] == "–"  # Dagster's history


def stage(name: str, n: int, **more: Any) -> dict[str, Any]:
    known = {"wall_s": 100.0, "cpu_s": 50.0, "peak_bytes": 1e9, "load": 2.0}
    return {"name": name, "n_sessions": n, **known, "more": more}


def making(name: str, n: int, around: float, history: float) -> dict[str, Any]:
    found = {"around_cpu_s_per_session": around, "dagster_bytes_per_session": history, "own_cpu_s": 1.0}
    return stage(name, n, **found, dagster_files_per_session=2.0, runs={"SUCCESS": n})


def test_a_stage_that_was_stopped_and_went_on_is_one_stage() -> None:
    content = {"stages": [making("small: nh backfill", 30, 3.0, 1e5), making("small: nh backfill", 10, 1.0, 3e5)]}
    (one,) = stages_of(content)
    assert (one["n_sessions"], one["wall_s"], one["cpu_s"]) == (40, 200.0, 100.0)
    assert one["more"]["around_cpu_s_per_session"] == pytest.approx(2.5)
    assert one["more"]["dagster_bytes_per_session"] == pytest.approx(1.5e5)


def test_batches_of_full_size_sessions_are_one_stage() -> None:
    content = {"stages": [stage("full to 5: simulate", 5), stage("full to 10: simulate", 5)]}
    assert [(one["name"], one["n_sessions"]) for one in stages_of(content)] == [("full: simulate", 10)]


def test_what_batches_took_and_said_is_all_of_theirs() -> None:
    took = {"cpu_s_mean": 1.0, "cpu_s_max": 2.0, "wall_s_mean": 1.0, "peak_bytes_max": 5e8}
    first = making("full to 5: nh backfill", 5, 2.0, 1e5)
    second = making("full to 10: nh backfill", 15, 2.0, 1e5)
    for one, n, cpu_s in ((first, 5, 1.0), (second, 15, 3.0)):
        said = {"said_store_bytes": 1e9, "said_cpu_s": 60.0, "store_bytes_before": n * 1e8, "store_bytes": n * 3e8}
        one["more"] |= {**said, "own_cpu_s": n * cpu_s, "assets": {"units": {**took, "n": n, "cpu_s_mean": cpu_s}}}
        one["more"]["runs"] = {"SUCCESS": n - 1, "FAILURE": 1}
    (batches,) = stages_of({"stages": [first, second]})
    more = batches["more"]
    assert (more["said_store_bytes"], more["said_cpu_s"], more["own_cpu_s"]) == (2e9, 120.0, 50.0)
    assert (more["store_bytes_before"], more["store_bytes"]) == (5e8, 45e8)
    assert more["runs"] == {"SUCCESS": 18, "FAILURE": 2}
    assert more["assets"]["units"] == {**took, "n": 20, "cpu_s_mean": 2.5}


def test_a_sync_is_of_all_sessions_that_are_there() -> None:
    (one,) = stages_of({"stages": [stage("full to 5: nh sync", 5), stage("full to 10: nh sync", 10)]})
    assert one["n_sessions"] == 10


def test_what_a_stopped_batch_was_said_to_take_is_said_once() -> None:
    first, rest = (making("small: nh backfill", n, 2.0, 1e5) for n in (300, 159))
    first["more"] |= {"said_store_bytes": 9e8, "said_cpu_s": 900.0}
    rest["more"] |= {"said_store_bytes": 3e8, "said_cpu_s": 300.0}
    assert stages_of({"stages": [first, rest]})[0]["more"]["said_cpu_s"] == 900.0


def whole() -> dict[str, Any]:
    """Return results of which every section is there."""
    page = {"name": "events of units", "opened_s": [1.2, 0.9, 1.3], "within_s": [0.5], "answers": {"EventsQuery": 0.4}}
    commands = [{"name": "nh status", "wall_s": [2.0], "cpu_s": [1.0]},
                {"name": "tick of the sensor", "wall_s": [12.0], "cpu_s": [3.0]}]  # fmt: skip
    pages = {**OF, "n_sessions": 1000, "pages": [page], "commands": commands}
    turns = [{"workers": n, "wall_s": wall, "cpu_s": 50.0, "load": 1.0} for n, wall in ((1, 300.0), (2, 180.0))]
    return {
        "rehearsal": {**OF, "stages": [making("small: nh backfill", 459, 2.0, 1.5e5)]},
        "pages_sqlite": {**pages, "database": "SQLite"},
        "pages_postgres": {**pages, "database": "PostgreSQL 15.14"},
        "workers": {**OF, "n_sessions": 8, "turns": turns},
        "requests": {**OF, "sources": {"ibl": {"writes": 90, "reads": 40, "by_name": {"PutObject": 80}}}},
    }


def test_measured_sections_are_shown_beside_their_aims(assumed: Assumed) -> None:
    made = tables(whole(), assumed)
    assert "| 3 ✓ | 150 kB | 200 kB ✓ |" in made["rehearsal"]
    assert "| events of units | **1.2** | 0.50 | 0.40 `EventsQuery` | **1.2** |" in made["pages"]
    assert "| tick of the sensor | 12 (3.0), aim 10 **missed** |" in made["pages"]
    assert "| 2 | 180 | 50.0 | 1.67 | 1.5 ✓ |" in made["workers"]
    by_source, every = coefficients(whole(), assumed.releases)
    assert by_source["ibl"] == Measured(1.5e5, 90, 40, pytest.approx(2 / 3))
    assert math.isnan(by_source["allen_vc"].writes)
    assert every.efficiency == pytest.approx(2 / 3)
    assert "1.50 GB" in made["amounts"]  # the history of 10,000 sessions


def test_the_result_of_a_trial_is_no_figure(tmp_path: Path) -> None:
    file = tmp_path / "rehearsal.json"
    file.write_text(json.dumps({"stages": [making("small: nh backfill", 3, 1.0, 1.0), stage("nh status", 3)]}))
    with pytest.raises(ValueError, match=r"of 3 sessions, and figures of rehearsal are of 1000 or more"):
        taken({}, "rehearsal", file)
    assert "rehearsal" in taken({}, "rehearsal", file, is_trial=True)
    with pytest.raises(ValueError, match=f"take one of {', '.join(SECTIONS)}"):
        taken({}, "something", file)


def test_a_page_of_own_prices_stands_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(SHIPPED.read_text(encoding="utf-8").replace("cpu_hour: 0.05", "cpu_hour: 5"), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["scale", "--print", "--assumed", str(mine)])
    main()
    assert "a cloud asks" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["scale", "--assumed", str(mine)])
    with pytest.raises(SystemExit, match="--print or --folder"):
        main()
    monkeypatch.setattr("sys.argv", ["scale", "--assumed", str(mine), "--folder", str(tmp_path / "out")])
    main()
    shown = (tmp_path / "out" / "scale.md").read_text(encoding="utf-8")
    assert "| an hour of a virtual CPU with 4 GB | 5 |" in shown
    assert json.loads((tmp_path / "out" / "scale.json").read_text()) == read_results()


def test_a_wrong_assumption_is_named_by_its_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(SHIPPED.read_text(encoding="utf-8").replace("cores: 8", "cores: -8"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine.yaml:\d+.*cores"):
        read_assumed(mine)


def test_numbers_are_said_with_the_digits_that_count() -> None:
    assert [number(value) for value in (0.2249, 15.07, 36_312_345, 0, math.nan)] == [
        "0.225", "15.1", "36,300,000", "0", "–"]  # fmt: skip
    assert [size(value) for value in (2e5, 4.2e7, 5.99e9, 1.8e12)] == ["200 kB", "42.0 MB", "5.99 GB", "1.80 TB"]
    assert [hours(value) for value in (0.001, 0.5, 6.26, 100)] == ["3.6 s", "30 min", "6.3 h", "4.2 days"]
