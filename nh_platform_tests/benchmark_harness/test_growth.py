"""Slopes are those of the curves, steep ones are told, and the figure and the table show every curve."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.harness import growth
from benchmarks.harness.growth import Curve, draw, measure, slope, table, too_steep
from benchmarks.jobs.growth import job_of

SIZES = (10, 100, 1000, 10_000, 100_000)


@settings(deadline=None)
@given(st.floats(0.1, 2.5), st.floats(1e-3, 1e3))
def test_a_power_has_its_exponent_as_slope(exponent: float, factor: float) -> None:
    assert slope(SIZES, [factor * n**exponent for n in SIZES]) == pytest.approx(exponent, abs=2e-3)


def test_what_is_done_once_does_not_hide_a_steep_end() -> None:
    assert slope(SIZES, [1.0, 1.0, 1.0, 100.0, 10_000.0]) == pytest.approx(2.0)
    assert slope(SIZES, [1.0, 2.0, 3.0, 4.0, 5.0], least=4.5) is None


def curve(job: str, exponent: float) -> dict[str, object]:
    cpu_s, peak = ([factor * n**exponent for n in SIZES] for factor in (1e-4, 1e4))
    slopes = {"slope": slope(SIZES, cpu_s), "memory_slope": slope(SIZES, peak, growth.FLOOR_BYTES)}
    return {"job": job, "what": "work, of a kind", "sizes": list(SIZES), "cpu_s": cpu_s, "peak_bytes": peak, **slopes}


def test_quadratic_growth_is_told_and_shown(tmp_path: Path) -> None:
    curves = [curve("bins:spikes", 1.0), curve("diff:sessions", 2.0)]
    assert too_steep(curves[0]) == []
    assert [words.split(" with ")[0] for words in too_steep(curves[1])] == [
        "work, of a kind: CPU time grows",
        "work, of a kind: memory grows",
    ]
    draw(curves, tmp_path / "growth.svg")
    assert (
        "number of sessions" in (tmp_path / "growth.svg").read_text() or (tmp_path / "growth.svg").stat().st_size > 1000
    )
    assert "| work, of a kind | 10 to 100,000 sessions |" in table(curves)


@pytest.mark.parametrize("name", ["metrics:spikes", "bins:units", "order:spikes", "diff:sessions"])
def test_every_step_runs_at_a_size_that_is_asked_for(name: str) -> None:
    assert job_of(name, 7_000 if name.endswith("spikes") else 3)() is not None


@pytest.mark.slow
def test_a_curve_is_measured(tmp_path: Path) -> None:
    found = measure(Curve("bins:spikes", "bins", (70_000, 700_000)), tmp_path, n_runs=1)
    assert found["sizes"] == [70_000, 700_000]
    assert all(seconds > 0 for seconds in found["cpu_s"])
    assert len(found["peak_bytes"]) == 2
