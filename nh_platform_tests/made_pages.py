"""Made-up pages of sessions with every kind of chart, for tests and benchmarks of the page: no session is read.

Add here what a page may say. Numbers are drawn, and mean nothing; the true ones are made by
`nh_platform.reports.session_page.building`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.content import Link, MetricPair, RuleWords, SessionPage

BOOK = "ibl-2022-10"
REGIONS = {"CA1": "#7ed04b", "LGd": "#ff8084", "LP": "#ff909f", "VISp": "#08858c", "PO": "#ff909f", "root": "#ffffff"}
SECONDS = 4200.0
RULES = (
    ("max_confidence", ">", 90.0, "%", "Confidence that contamination is below 10 %."),
    ("noise_cutoff", "<", 5.0, "1", "Spikes below the threshold of detection are missing."),
    ("amp_median", ">", 50.0, "uV", "Small units cannot be told from noise."),
)


def made_page(n_units: int, seed: int = 3, **changes: Any) -> SessionPage:
    """Return a page of so many units; ``changes`` are fields of the page in the place of its own."""
    rng = np.random.default_rng(seed)
    units = made_units(rng, n_units)
    values: dict[str, Any] = {
        "source": "ibl",
        "session_id": "f8953721-9175-4a34-9fc1-f4e4d9be45c2",
        "title": "ibl NYU-11 2020-02-18 1",
        "units": units,
        "facts": [("subject", "NYU-11"), ("lab", "angelakilab"), ("release", "brainwide-map 2024-02")],
        "lineage": [("raw_spikes", "5adb085169b35dde"), ("units", "8027cb43f3e441fd")],
        "links": [Link("IBL viewer, probe00", "https://viz.internationalbrainlab.org/app?pid=1")],
        "rulebook": BOOK,
        "rulebook_digest": "d699b94314c5",
        "rules": [
            RuleWords(name, name, sign, limit, unit, f"{name} {sign} {limit:g} {unit.strip('1')}".strip(), why, name)
            for name, sign, limit, unit, why in RULES
        ],
        "verdicts": [
            {"about": "session", "rule": "trials", "passed": True, "text": "at least 400 trials: 612"},
            {"about": "probe00", "rule": "yield", "passed": False, "text": "at least 0.1 units per channel: 0.04"},
            {"about": "probe01", "rule": "alignment", "passed": None, "text": "the release does not say"},
        ],
        "column_words": {"depth": ("um", "Depth from the tip"), "n_spikes": ("1", "Spikes"), "amp_median": ("uV", "")},
        "region_colours": REGIONS,
        "unit_charts": unit_charts(rng, n_units) if n_units else [],
        "session_charts": session_charts(rng),
        "reviews": made_reviews(units),
        "notes": ["probe01: lick times are not in this release"],
        "pairs": [MetricPair("noise cutoff", "1", "released.noise_cutoff", "noise_cutoff", "released_agrees")],
    }
    return SessionPage(**{**values, **changes})


def made_units(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return the table of units, with the columns that the page knows by name."""
    table: dict[str, Any] = {
        "unit_id": [f"unit-{k:04d}" for k in range(n)],
        "probe": np.where(np.arange(n) < n // 2, "probe00", "probe01"),
        "cluster_id": np.arange(n),
        "acronym": rng.choice([*REGIONS], n),
        "depth": rng.uniform(0, 3840, n).round(1),
        "n_spikes": rng.lognormal(9, 1, n).astype(int),
        "max_confidence": np.where(rng.random(n) < 0.6, 100 - rng.exponential(3, n), rng.uniform(0, 100, n)),
        "noise_cutoff": rng.normal(3, 4, n),
        "amp_median": rng.lognormal(4.4, 0.5, n),
    }
    table["beryl"] = table["acronym"]
    held = [
        table["max_confidence"] > 90.0,
        table["noise_cutoff"] < 5.0,
        table["amp_median"] > 50.0,
    ]
    for (name, *_), passes in zip(RULES, held, strict=True):
        table[f"rule.{BOOK}.{name}"] = passes
    good = np.all(held, axis=0)
    table[f"label.{BOOK}"] = np.mean(held, axis=0)
    table[f"pass.{BOOK}"] = good
    failed = [[name for (name, *_), passes in zip(RULES, held, strict=True) if not passes[k]] for k in range(n)]
    table[f"reason.{BOOK}"] = ["; ".join(f"fails {name}" for name in names) for names in failed]
    table["released.noise_cutoff"] = table["noise_cutoff"] + np.where(rng.random(n) < 0.1, 1.0, 0.0)
    table["released_agrees"] = table["released.noise_cutoff"] == table["noise_cutoff"]
    table["released_disagrees"] = ~table["released_agrees"]
    table["upstream_label"] = np.where(rng.random(n) < 0.9, np.where(good, "good", "mua"), "noise")
    table["upstream_disagrees"] = (table["upstream_label"] == "good") != good
    table["reviewers_disagree"] = rng.random(n) < 0.02
    table["review"] = rng.choice(["none", "none", "none", "pass", "fail"], n)
    table["curated.ana"] = rng.choice(["good", "mua", None], n)
    return pd.DataFrame(table)


def made_reviews(units: pd.DataFrame) -> list[dict[str, Any]]:
    """Return reviews of the first unit, with a thread, and one of an interval."""
    if units.empty:
        return []
    unit = str(units["unit_id"].iloc[0])
    asked = {"id": "a1", "about": f"unit {unit}", "units": [unit], "decision": "", "words": "Is this axonal?"}
    return [
        {**asked, "reviewer": "Ana", "date": "2026-11-02", "open": False},
        {"id": "a2", "answers": "a1", "words": "No: the trough comes first.", "reviewer": "Ben", "date": "2026-11-03"},
        {**asked, "id": "a3", "decision": "pass", "words": "Clean.", "reviewer": "Ben", "counts": True},
        {
            "id": "a4",
            "about": "interval 812-845 s",
            "interval": [812, 845],
            "decision": "fail",
            "words": "Light artefact",
        },
    ]


def unit_charts(rng: np.random.Generator, n: int) -> list[Chart]:
    """Return eight charts of a card; every kind of layer is in one of them."""
    lags = np.linspace(-50, 50, 101)
    refractory = 1 - np.exp(-np.abs(lags) / rng.uniform(1, 6, (n, 1)))
    correlogram = rng.poisson(30 * refractory)
    amplitudes = rng.lognormal(4.4, 0.5, (n, 1))
    times = np.sort(rng.uniform(0, SECONDS, (n, 200)), axis=1)
    drift = 1 + 0.2 * np.sin(times / 700)
    image = rng.poisson(np.exp(-(((np.arange(32)[None, :, None] - 14) / 6) ** 2)) * 8, (n, 32, 60))
    edges = np.linspace(0, 250, 51)
    counts = rng.poisson(400 * np.exp(-(((edges[:-1] + 2.5 - amplitudes) / 22) ** 2)))
    wave_t = np.linspace(-1, 1.7, 82)
    wave = -np.exp(-((wave_t / 0.2) ** 2)) + 0.35 * np.exp(-(((wave_t - 0.5) / 0.35) ** 2))
    waves = amplitudes[:, :, None] * wave * np.exp(-np.abs(np.arange(9)[None, :, None] - 4) / 1.5)
    gap = np.full((n, 9, 1), np.nan)
    places = np.concatenate(
        [np.tile(wave_t, (9, 1)) + 3.2 * (np.arange(9)[:, None] % 3), np.full((9, 1), np.nan)], axis=1
    )
    lifted = np.concatenate([waves + 120 * (np.arange(9)[None, :, None] // 3), gap], axis=2)
    isi = np.geomspace(0.5, 10_000, 101)
    centres = np.sqrt(isi[:-1] * isi[1:])
    intervals = rng.poisson(600 * np.exp(-((np.log(centres / rng.uniform(20, 200, (n, 1))) / 1.4) ** 2)))
    rate = rng.gamma(6, 1, (n, 120)) * (1 + 0.4 * np.sin(np.arange(120) / 15))
    refractories = np.linspace(0.5, 10, 60)
    confidence = 100 / (1 + np.exp(refractories - rng.uniform(3, 9, (n, 1))))
    depth = rng.uniform(0, 3840, (n, 1)) + rng.normal(0, 6, (n, 200))
    time, volts = Axis("time", "s", 0, SECONDS, session_clock=True), "uV"
    return [
        Chart("amplitude-time", "Amplitude over time", time, Axis("amplitude", volts, 0, 250),
              (Layer("image", None, image, "spikes", "heat", per_unit=True, root=True),
               Layer("mark", [50], None, "", "bad", "y", "50 µV")), "Spikes by time and amplitude.",
              columns=("amp_median",)),
        Chart("amplitude-histogram", "Amplitudes", Axis("amplitude", volts), Axis("spikes", "1"),
              (Layer("bars", edges, counts, per_unit=True),
               Layer("line", edges[:-1] + 2.5, counts * 0.96, "fit", "second", per_unit=True)), "With the fit."),
        Chart("autocorrelogram", "Autocorrelogram", Axis("lag", "ms", -50, 50), Axis("pairs", "1"),
              (Layer("bars", lags, correlogram, per_unit=True),
               Layer("band", [-2, 2], None, "refractory", "bad", "x", "refractory")), "Pairs of spikes by lag.",
              columns=("n_spikes",)),
        Chart("isi", "Intervals", Axis("interval", "ms", 0.5, 10_000, "log"), Axis("spikes", "1"),
              (Layer("steps", isi, intervals, per_unit=True), Layer("mark", [2], None, "", "bad", "x", "2 ms"))),
        Chart("sliding-refractory", "Sliding refractory period", Axis("refractory period", "ms"),
              Axis("confidence", "%", 0, 100),
              (Layer("line", refractories, confidence, per_unit=True),
               Layer("mark", [90], None, "", "bad", "y", "90 %"))),
        Chart("rate", "Rate", time, Axis("rate", "Hz"),
              (Layer("steps", np.linspace(0, SECONDS, 121), rate, per_unit=True),
               Layer("band", [800, 1000], None, "set aside", "muted"))),
        Chart("depth", "Depth over time", time,
              Axis("depth", "um", unit_lows=depth.min(axis=1) - 50, unit_highs=depth.max(axis=1) + 50),
              (Layer("points", times, np.where(np.arange(n)[:, None] % 7 == 3, np.nan, depth), per_unit=True),),
              "200 spikes.", lacking_unit="This unit has no depths."),
        Chart("waveform", "Waveform", Axis("time", "ms"), Axis("amplitude", volts),
              (Layer("line", places.ravel(), lifted.reshape(n, -1), per_unit=True),
               Layer("points", times[:, :3] / 1000, drift[:, :3] * 10, "repeats", "third", per_unit=True))),
        Chart("wide-waveform", "Single spikes", Axis("time", "ms"), Axis("amplitude", volts),
              lacking="Single spikes are not stored; mean waveforms are made on request."),
    ]  # fmt: skip


def session_charts(rng: np.random.Generator) -> list[Chart]:
    """Return charts of the session."""
    regions = ((400, "LP"), (1300, "LGd"), (2500, "CA1"), (3400, "VISp"))
    contrasts = np.array([-100, -25, -12.5, -6.25, 0, 6.25, 12.5, 25, 100])
    share = 1 / (1 + np.exp(-contrasts / 12))
    time = Axis("time", "s", 0, SECONDS)
    return [
        Chart("drift-map", "Drift map", time, Axis("depth", "um", 0, 3840, ticks=regions),
              (Layer("image", None, rng.gamma(2, 20, (96, 300)), "amplitude", "heat", unit="uV"),), wide=True),
        Chart("noise", "Noise along the probe", Axis("noise", "uV"), Axis("depth", "um", 0, 3840),
              (Layer("bars", np.linspace(0, 3840, 97), rng.gamma(9, 1, 96), along="y"),)),
        Chart("psychometric", "Psychometric curve", Axis("contrast, right positive", "%"),
              Axis("chose right", "", 0, 1),
              (Layer("points", contrasts, share, "trials", "main", exact=True),
               Layer("line", contrasts, share, "fit", "second"))),
        Chart("correlation", "Difference of rates", Axis("time", "s", -0.5, 1), Axis("unit", "", 0, 40),
              (Layer("image", None, rng.normal(0, 3, (40, 60)), "change", "diverging", unit="Hz"),)),
        Chart("pupil", "Pupil", time, Axis("diameter", "px"), lacking="This session has no pupil diameter."),
    ]  # fmt: skip
