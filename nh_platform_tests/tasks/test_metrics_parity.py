"""`ibl-bwb-eval` 0.1.0, run in its own environment, gives the same numbers for the same arrays, odd ones among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.tasks.metrics import score_classes, score_counts, score_values
from nh_platform_tests.tasks.peers import in_peer

pytestmark = pytest.mark.peer
rng = np.random.default_rng(11)


def class_cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    logits = rng.normal(size=(80, 5)).astype(np.float32)
    contrast = rng.integers(0, 5, 80)
    two = rng.normal(size=(60, 2)).astype(np.float32)
    return {
        "chance/ts1-stimulus_contrast": (logits, contrast),
        "good/ts1-stimulus_contrast": (logits + 3 * np.eye(5, dtype=np.float32)[contrast], contrast),
        "class absent/ts1-stimulus_contrast": (logits, np.where(contrast == 3, 1, contrast)),
        "only the first class/ts1-choice": (two, np.zeros(60, dtype=np.int64)),
        "only the second class/ts1-choice": (two, np.ones(60, dtype=np.int64)),
        "ties/ts1-choice": (np.round(two), rng.integers(0, 2, 60)),
        "probabilities/ts1-reward": (np.abs(two) / np.abs(two).sum(1, keepdims=True), rng.integers(0, 2, 60)),
    }


def value_cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    true = rng.normal(size=(1_000, 1)).astype(np.float32)
    return {
        "noise/ts1-wheel_speed": (true + rng.normal(size=true.shape).astype(np.float32), true),
        "far away/ts1-whisker_motion_energy": (true + 10, true),
        "no variance/ts1-wheel_speed": (true, np.full_like(true, 0.25)),
        "constant/ts1-wheel_speed": (np.zeros_like(true), true),
    }


def count_cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rates = rng.uniform(0.02, 1.5, size=(2_000, 6))
    counts = rng.poisson(rates).astype(np.float32)
    silent, constant = counts.copy(), counts.copy()
    silent[:, [1, 4]], constant[:, 2] = 0, 1
    logs = np.log(rates).astype(np.float32)
    return {
        "true rates/ts2-co_smoothing": (logs, counts),
        "bad rates/ts2-forecasting": (logs[::-1].copy(), counts),
        "silent units/ts2-co_smoothing": (logs, silent),
        "constant unit/ts2-co_smoothing": (logs, constant),
        "no spikes/ts2-co_smoothing": (logs, np.zeros_like(counts)),
        "licks/ts1-licking_rate": (logs[:, :1], counts[:, :1]),
        "rates for log-rates/ts1-licking_rate": (np.exp(logs[:, :1]), counts[:, :1]),
    }


def test_every_metric_is_theirs(tmp_path: Path) -> None:
    regions = rng.integers(0, 8, 300)  # two of the ten never occur
    of_units = {"regions/ts3-unit_cosmos": (rng.random((300, 10)) + np.eye(10)[regions], regions)}
    cases = {**class_cases(), **value_cases(), **count_cases(), **of_units}
    arrays = {}
    for name, (predictions, targets) in cases.items():
        arrays |= {f"{name}/predictions": predictions, f"{name}/targets": targets}
    np.savez(tmp_path / "in.npz", **arrays)
    theirs = in_peer("peer_ibl_bwb_metrics.py", tmp_path / "in.npz", tmp_path / "out.json")
    assert theirs.keys() == cases.keys()
    ours = {name: score_classes(("bacc", "f1", "ap"), *given) for name, given in class_cases_of(cases).items()}
    ours |= {name: score_values(("r2", "mae", "pearson"), *cases[name]) for name in value_cases()}
    for name in count_cases():
        ours[name] = score_counts(("poisson_d2", "mae" if "licking" in name else "bps"), [cases[name]])
    found = score_classes(("macro_f1", "macro_precision", "macro_recall"), *of_units["regions/ts3-unit_cosmos"])
    spelled = {"macro_f1": "macro/f1-score", "macro_precision": "macro/precision", "macro_recall": "macro/recall"}
    ours["regions/ts3-unit_cosmos"] = {spelled[name]: value for name, value in found.items()}
    for name, metrics in ours.items():
        if "unit_cosmos" not in name:
            assert metrics.keys() == theirs[name].keys()
        for metric, value in metrics.items():
            assert value == pytest.approx(theirs[name][metric], rel=2e-5, abs=2e-6, nan_ok=True), (name, metric)


def class_cases_of(cases: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: cases[name] for name in cases if name.rpartition("-")[2] in ("choice", "reward", "stimulus_contrast")}
