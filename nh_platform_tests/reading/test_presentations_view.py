"""Means per presentation: what is in a blink is left out, and how much of the time that was is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.reading.presentations_view import choose_presentations, stimulus_means
from nh_platform.simulation import TINY, write_allen_vbn
from nh_platform.sources.allen import AllenVbnSettings, AllenVisualBehaviorSource
from nh_platform.windows.valid_time import invalid_times
from nh_platform_tests.behavior import Behavior, read_behavior


@pytest.fixture(scope="module")
def behavior(tmp_path_factory: pytest.TempPathFactory) -> Behavior:
    root: Path = tmp_path_factory.mktemp("vbn")
    write_allen_vbn(root, 1, 3, size=TINY)
    source = AllenVisualBehaviorSource(AllenVbnSettings(root=root))
    manifest = source.manifest()
    return read_behavior(source, manifest.session(manifest.session_ids[0]))


def test_blinks_are_no_part_of_a_mean(behavior) -> None:
    pupil = behavior.signals["pupil"]
    blink = pupil.values[:, pupil.columns.index("likely_blink")] > 0
    area = pupil.values[:, pupil.columns.index("pupil_area")]
    assert np.isfinite(area[blink]).any()  # upstream keeps them in the file
    presentations = behavior.events["presentations"]
    stimulus = presentations["stimulus_name"].value_counts().index[0]
    shown = choose_presentations(presentations, stimulus)
    means = stimulus_means(pupil, shown, [], invalid_times(behavior.parts[0], []), 0.0, 0.5)
    touched = 0
    for number, (_, row) in enumerate(shown.iterrows()):
        inside = (pupil.timestamps >= row["start_time"]) & (pupil.timestamps < row["start_time"] + 0.5)
        part = area[inside & ~blink]
        part = part[~np.isnan(part)]
        expected = part.mean() if len(part) else np.nan
        np.testing.assert_allclose(means["pupil_area"].iloc[number], expected)
        np.testing.assert_allclose(means["likely_blink"].iloc[number], blink[inside].mean())
        touched += int((inside & blink).any())
    assert touched > 0
