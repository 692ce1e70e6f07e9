"""torchvision 0.28.0, run in its own environment on the guide's lines, makes the same pixels, bit for bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.embeddings.images.preprocessing import seed_guide

pytestmark = pytest.mark.peer

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SHAPES = {
    "scene": (918, 1174),
    "movie": (304, 608),
    "behavior": (1200, 1920),
    "square": (224, 224),
    "tall": (500, 233),
    "small": (24, 41),
    "odd": (225, 449),
}
"""The shapes of the released images, and those at which a size is rounded or cut."""


def test_seed_guide_equals_the_guides_lines(tmp_path: Path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    rng = np.random.default_rng(5)
    images = {name: rng.integers(0, 256, shape).astype(np.uint8) for name, shape in SHAPES.items()}
    np.savez(tmp_path / "in.npz", **images)
    run_in_peer("torchvision", BENCHMARKS / "peer_torchvision_guide.py", tmp_path / "in.npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as expected:
        for name, image in images.items():
            np.testing.assert_array_equal(seed_guide([image])[0], expected[name], err_msg=name)
