"""Names, groups, the choice of a sorting and of a revision."""

from __future__ import annotations

import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.sources.ibl.catalogue.datasets import (
    assign_groups,
    choose_sorting,
    probe_of_collection,
    relative_path,
    split_relative_paths,
)
from nh_platform.sources.ibl.catalogue.revisions import one_revision, resolve_revisions


def files_of(*paths: str, session: str = "s") -> pd.DataFrame:
    files = split_relative_paths(pd.Series(paths))
    files["session_id"] = session
    files["probe"] = probe_of_collection(files["collection"])
    return files


SORTING_NAMES = ("spikes.times.npy", "spikes.clusters.npy", "clusters.channels.npy")

PATHS = (
    "alf/probe00/pykilosort/#2024-05-06#/spikes.times.npy",
    "alf/probe00/spikes.times.npy",
    "alf/_ibl_trials.table.pqt",
    "alf/#2025-03-03#/_ibl_wheel.position.npy",
    "raw_ephys_data/probe01/_spikeglx_g0_t0.imec1.ap.cbin",
    "README.txt",
)


def test_paths_split_and_join_again() -> None:
    files = files_of(*PATHS)
    assert files["revision"].tolist() == ["2024-05-06", "", "", "2025-03-03", "", ""]
    assert files["collection"].tolist()[0] == "alf/probe00/pykilosort"
    assert files["probe"].tolist() == ["probe00", "probe00", "", "", "probe01", ""]
    joined = [relative_path(*row) for row in zip(files["collection"], files["revision"], files["name"])]
    assert joined == list(PATHS)


def test_a_missing_value_is_no_part_of_a_path() -> None:
    files = files_of("alf/#nan#/a.b.npy", "#None#/a.b.npy", "nan/a.b.npy", "alf/nan_task/a.b.npy", "alf/#<NA>#/c.d.npy")
    assert files["collection"].tolist() == ["alf", "", "", "alf/nan_task", "alf"]
    assert set(files["revision"]) == {""}


@pytest.mark.parametrize(
    ("collections", "sorter", "chosen"),
    [
        (["alf/probe00", "alf/probe00/pykilosort"], None, "alf/probe00/pykilosort"),
        (["alf/probe00/pykilosort", "alf/probe00/iblsorter"], None, "alf/probe00/iblsorter"),
        (["alf/probe00/pykilosort", "alf/probe00/iblsorter"], "pykilosort", "alf/probe00/pykilosort"),
        (["alf/probe00/pykilosort"], "iblsorter", "alf/probe00/pykilosort"),
        (["alf/probe00/kilosort3", "alf/probe00/ks2_matlab"], None, "alf/probe00/kilosort3"),
        (["alf/probe00", "alf/probe00/ks2_matlab"], None, "alf/probe00"),
    ],
)
def test_the_sorting_is_chosen_as_ibllib_chooses_it(collections, sorter, chosen) -> None:
    assert choose_sorting(collections, sorter) == chosen
    assert choose_sorting(collections[::-1], sorter) == chosen


def test_only_one_sorting_per_probe_is_read() -> None:
    files = files_of(
        "alf/probe00/spikes.times.npy",
        "alf/probe00/clusters.metrics.pqt",
        "alf/probe00/electrodeSites.mlapdv.npy",
        "alf/probe00/pykilosort/spikes.times.npy",
        "alf/probe00/pykilosort/clusters.metrics.pqt",
        "alf/probe00/pykilosort/channels.mlapdv.npy",
        "alf/probe00/pykilosort/templates.amps.npy",
        "alf/probe01/spikes.times.npy",
        "raw_ephys_data/probe00/spikes.times.npy",
    )
    assert assign_groups(files).tolist() == [
        *("other", "other", "alignment"),
        *("spikes", "qc", "alignment", "other"),
        "spikes",
        "other",
    ]


def test_each_session_chooses_for_itself() -> None:
    one, two = files_of("alf/probe00/spikes.times.npy"), files_of("alf/probe00/iblsorter/spikes.times.npy", session="t")
    two = pd.concat([two, files_of("alf/probe00/spikes.times.npy", session="t")])
    assert assign_groups(pd.concat([one, two], ignore_index=True)).tolist() == ["spikes", "spikes", "other"]


def sorting_of(collection: str, revision: str = "", names: tuple[str, ...] = SORTING_NAMES) -> list[str]:
    return [relative_path(collection, revision, name) for name in names]


@pytest.mark.parametrize("names", [("clusters.metrics.pqt",), ("clusters.channels.npy", "spikes.times.npy")])
@pytest.mark.parametrize("sorter", [None, "iblsorter"])
def test_a_folder_without_a_whole_sorting_takes_no_whole_ones_place(names, sorter) -> None:
    files = files_of(*sorting_of("alf/probe00/iblsorter", names=names), *sorting_of("alf/probe00/pykilosort"))
    assert assign_groups(files, sorter).tolist() == [*["other"] * len(names), *["spikes"] * 3]


def test_where_no_sorting_is_whole_the_preferred_one_is_read_and_named() -> None:
    files = files_of("alf/probe00/pykilosort/spikes.times.npy", "alf/probe00/iblsorter/spikes.times.npy")
    assert assign_groups(files).tolist() == ["other", "spikes"]


def test_a_pinned_date_chooses_among_the_sortings_that_it_keeps() -> None:
    """A part of the newer sorter is older than the pin too, as files without a revision are."""
    newer = sorting_of("alf/probe00/iblsorter", "2024-05-06")
    files = files_of(*newer, "alf/probe00/iblsorter/clusters.metrics.pqt", *sorting_of("alf/probe00/pykilosort"))
    for pinned, groups in (
        ("2023-01-01", [*["other"] * 4, *["spikes"] * 3]),
        ("2024-06-01", [*["spikes"] * 3, "qc", *["other"] * 3]),
    ):
        pinned_files = files.assign(default_revision=resolve_revisions(files, pinned))
        assert assign_groups(pinned_files).tolist() == groups
    before_all = files[:3].assign(default_revision=False)
    assert assign_groups(before_all).tolist() == ["spikes"] * 3  # none is kept; the session is named when it is read


def test_an_object_comes_from_alf_or_else_from_every_task() -> None:
    files = files_of(
        "alf/task_00/_ibl_trials.table.pqt",
        "alf/task_01/_ibl_trials.table.pqt",
        "alf/_ibl_wheel.position.npy",
        "alf/task_00/_ibl_wheel.position.npy",
        "alf/_ibl_leftCamera.dlc.pqt",
    )
    assert assign_groups(files).tolist() == ["events", "events", "signals", "other", "pose"]


def test_copies_of_table_columns_are_not_part_of_events() -> None:
    names = ("choice.npy", "intervals.npy", "stimOff_times.npy", "quiescencePeriod.npy")
    old = files_of(*(f"alf/_ibl_trials.{name}" for name in names))
    assert assign_groups(old).tolist() == ["events"] * 4
    new = files_of("alf/_ibl_trials.table.pqt", *(f"alf/_ibl_trials.{name}" for name in names))
    assert assign_groups(new).tolist() == ["events", "other", "other", "events", "events"]


@pytest.mark.parametrize("kept", ["alf/task_00/_ibl_trials.table.pqt", "alf/_ibl_trials.intervals.npy"])
def test_a_trials_table_after_the_pinned_date_takes_no_kept_ones_place(kept: str) -> None:
    files = files_of(kept, "alf/#2030-01-01#/_ibl_trials.table.pqt")
    pinned = files.assign(default_revision=resolve_revisions(files, "2025-01-01"))
    assert assign_groups(pinned).tolist() == ["events", "other"]
    none_kept = files.assign(default_revision=False)
    assert assign_groups(none_kept).tolist() == ["other", "events"]


def revised(*revisions: str, default: str | None = None) -> pd.DataFrame:
    files = files_of(*(relative_path("alf/probe00", r, "spikes.times.npy") for r in revisions))
    if default is not None:
        files["default_revision"] = files["revision"] == default
    return files


def test_follow_default_is_upstreams_flag() -> None:
    files = revised("", "2024-05-06", "2026-01-01", default="2024-05-06")
    assert resolve_revisions(files, "follow_default").tolist() == [False, True, False]


def test_without_a_flag_the_last_revision_counts() -> None:
    assert resolve_revisions(revised("2024-05-06", "", "2026-01-01"), "follow_default").tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("pinned", "read"),
    [
        ("2026-01-01", [False, False, True]),
        ("2025-12-31", [False, True, False]),
        ("2024-05-06", [False, True, False]),
        ("2024-05-05", [True, False, False]),
    ],
)
def test_a_pinned_date_reads_the_last_revision_before_or_on_it(pinned, read) -> None:
    files = revised("", "2024-05-06", "2026-01-01", default="2026-01-01")
    assert resolve_revisions(files, pinned).tolist() == read


def test_a_date_before_every_revision_reads_nothing() -> None:
    assert not resolve_revisions(revised("2024-05-06", "2026-01-01"), "2020-01-01").any()


def test_pinning_is_per_dataset_and_a_mix_within_a_sorting_is_refused() -> None:
    files = files_of(
        "alf/probe00/#2024-05-06#/spikes.times.npy",
        "alf/probe00/#2026-01-01#/spikes.times.npy",
        "alf/probe00/#2024-05-06#/spikes.clusters.npy",
        "alf/probe00/channels.rawInd.npy",
    )
    read = files[resolve_revisions(files, "2026-06-01")]
    assert read["revision"].tolist() == ["2026-01-01", "2024-05-06", ""]
    with pytest.raises(BadUpstreamData, match="spikes and clusters come from 2 revisions") as error:
        one_revision(read, ("spikes", "clusters"), "session s")
    assert "2024-05-06: spikes.clusters.npy; 2026-01-01: spikes.times.npy" in str(error.value)
    assert (
        one_revision(files[resolve_revisions(files, "2025-01-01")], ("spikes", "clusters"), "session s") == "2024-05-06"
    )
