"""Image change: which flashes are rows, what their class is, and that the split is causal with a gap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual.image_change import GAP_S, image_change
from nh_platform_tests.tasks.visual.shown_sessions import all_over, shown, stored_session

N_FLASHES = 400
STARTS = 10.0 + 0.75 * np.arange(N_FLASHES)
CHANGES = np.arange(N_FLASHES) % 10 == 7
OMITTED = np.arange(N_FLASHES) % 50 == 3


def flashes(changes=CHANGES, active=1.0) -> pd.DataFrame:
    return shown(
        "Natural_Images_Lum_Matched_set_ophys_G_2019",
        STARTS,
        0.25,
        active=active,
        omitted=OMITTED.astype(float),
        is_change=changes.astype(float),
        image_name=np.where(OMITTED, "omitted", "im111_r"),
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> SessionView:
    passive = flashes(active=0.0).assign(start_time=STARTS + 400, stop_time=STARTS + 400.25)
    other = shown("flashes", [330.0], 0.25, color=1.0)
    table = pd.concat([flashes(), other, passive], ignore_index=True)
    answers = STARTS[CHANGES] + 0.12
    return stored_session(tmp_path_factory.mktemp("vb"), [answers, all_over(800.0)], table, "allen_vbn")


def test_rows_are_flashes_of_the_active_block_with_an_image(session) -> None:
    data = image_change(session)
    assert data.row_ids.tolist() == np.flatnonzero(~OMITTED).tolist()
    assert data.label_names == ("same", "changed")
    assert (data.outputs(np.arange(len(data))) == CHANGES[~OMITTED]).all()
    assert data.left_out == {"show no image: it was omitted": int(OMITTED.sum())}


def test_a_flash_of_test_that_is_left_out_still_counts_as_asked_for(session, tmp_path) -> None:
    whole = image_change(session)
    at = float(whole.starts[whole.rows("test")[2]])
    table = flashes()
    spikes = [STARTS[CHANGES] + 0.12, all_over(800.0)]
    spoilt = stored_session(tmp_path, spikes, table, "allen_vbn", invalid=[(at + 0.1, at + 0.15, "probeA")])
    data = image_change(spoilt)
    assert len(data.rows("test")) == len(whole.rows("test")) - 1
    assert data.n_to_test() == len(whole.rows("test"))


def test_the_unit_that_answers_changes_does_so_in_the_third_bin(session) -> None:
    data = image_change(session)
    counts = data.inputs(np.arange(len(data)))[:, :, 0]
    assert (counts[:, 2] == data.outputs(np.arange(len(data)))).all()
    assert counts.sum() == (CHANGES & ~OMITTED).sum()


def test_what_tests_comes_after_what_trains_and_20_s_lie_between(session) -> None:
    data = image_change(session)
    last, first = {}, {}
    for name in ("train", "val", "test"):
        rows = data.rows(name)
        first[name], last[name] = data.starts[rows].min(), data.starts[rows].max() + data.window_s
    assert first["val"] - last["train"] >= GAP_S == 20.0
    assert first["test"] - last["val"] >= GAP_S
    # 299.5 s of the block less two gaps, in shares of 60, 20 and 20 %
    np.testing.assert_allclose([last["train"] - 10.0, 309.5 - first["test"]], [155.7, 51.9], atol=0.75)
    assert (data.split == "").sum() == len(data) - sum(len(data.rows(name)) for name in last)


def test_without_flashes_of_the_task_or_both_classes_it_says_so(tmp_path) -> None:
    gratings = shown("static_gratings", [1.0, 2.0], 0.25, orientation=0.0)
    with pytest.raises(TargetMissing, match=r"no column active or omitted or is_change.*static_gratings \(2\)"):
        image_change(stored_session(tmp_path / "a", [all_over(9)], gratings))
    passive = flashes(active=0.0)
    with pytest.raises(TargetMissing, match=r"no image flash of an active block \(no flash has it\)"):
        image_change(stored_session(tmp_path / "b", [all_over(400)], passive, "allen_vbn"))
    early = flashes(changes=CHANGES & (np.arange(N_FLASHES) < 200))
    with pytest.raises(TargetMissing, match=r"the image changes at 0 of .* flashes in val"):
        image_change(stored_session(tmp_path / "c", [all_over(400)], early, "allen_vbn"))
    short = flashes().iloc[:40]
    with pytest.raises(TargetMissing, match=r"active block, 10\.0 to 39\.5 s, cannot be split"):
        image_change(stored_session(tmp_path / "d", [all_over(400)], short, "allen_vbn"))
    with pytest.raises(TargetMissing, match="it has trials"):
        image_change(stored_session(tmp_path / "e", [all_over(9)], None, source="ibl"))
