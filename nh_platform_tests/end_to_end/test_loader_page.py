"""docs/loader.md: what its example does on simulated sessions, and that its table says what the loader does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches, Vocabulary
from nh_platform_tests.homes import make_home, materialize

PAGE = Path(__file__).resolve().parents[2] / "docs" / "loader.md"

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the page in the folder of its home and give its names."""
    folder, text = tmp_path_factory.mktemp("loader"), PAGE.read_text(encoding="utf-8")
    (stated,) = re.findall(r"`(also_assets: \[spike_events\])`", text)
    make_home(folder / "my-home", ("ibl",), n_sessions=2)
    with (folder / "my-home" / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write(f"  {stated}\n")
    platform = Platform(load_settings(folder / "my-home"))
    with dg.DagsterInstance.ephemeral() as instance:
        assert all(outcome.success for outcome in materialize(platform, instance, "ibl"))
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(block, "loader.md", "exec"), found)
        yield found


def test_windows_of_both_sessions_are_those_that_lie_in_the_ranges(names) -> None:
    ws = names["ws"]
    expected = []
    for session in names["sessions"]:
        index = session.windows("continuous-1s").index
        expected += index[index["valid"] & (index["start"] >= 0) & (index["stop"] <= 1800)]["start"].tolist()
    assert len(names["sessions"]) == 2
    assert [sample.start for sample in ws] == expected
    stored = names["sessions"][0].windows("continuous-1s")
    assert np.array_equal(ws[0].counts, stored.window(ws[0].window_id))
    assert ws[0].counts.dtype == np.uint8
    assert ws.seconds_to_verify > 0


def test_the_loop_was_one_epoch_in_batches_padded_and_cut_as_stated(names) -> None:
    batches, batch = names["batches"], names["batch"]
    assert (batches.epoch, batches.position) == (1, 0)
    assert batch.counts.shape == batch.valid.shape
    assert batch.counts.shape[:2] == batch.unit_mask.shape == batch.units.shape
    assert batch.unit_mask.sum(axis=1).max() <= 256
    assert sum(len(batches.batch(number).windows) for number in range(len(batches))) == len(names["ws"])


def test_the_vocabulary_that_was_saved_gives_the_same_numbers(names) -> None:
    again = Vocabulary.load("words.json")
    assert (again.n_sessions, again.n_units) == (2, sum(len(one.units) for one in names["sessions"]))
    sample = names["ws"][0]
    assert again.add(sample.source, sample.session_id, sample.unit_ids).tolist() == sample.unit_numbers.tolist()


def test_an_epoch_goes_on_where_its_state_was_taken(names) -> None:
    whole, left = (Batches(names["ws"], batch_size=32, seed=0) for _ in range(2))
    taken = [batch.windows.tolist() for batch, _ in zip(left, range(2))]
    assert taken == [whole.batch(number).windows.tolist() for number in range(2)]
    again = Batches(names["ws"], batch_size=32, seed=0)
    again.load_state_dict(left.state_dict())
    assert next(iter(again)).windows.tolist() == whole.batch(left.position).windows.tolist()
