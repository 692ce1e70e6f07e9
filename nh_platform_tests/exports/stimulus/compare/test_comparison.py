"""Our stimulus files against copies of the set that the tests write: equal in every order of axes, or what differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from nh_platform.exports.stimulus import export_npy
from nh_platform.exports.stimulus.compare import Comparison, compare_files, compare_with_other_mode
from nh_platform.session import BadUpstreamData, ConfigError, StoreError
from nh_platform.windows.presentations.conventions import Mode
from nh_platform_tests.exports.stimulus.conftest import Made

FLASHES = "flashes"
OBJECTS = ".git/annex/objects/Wv/z3/MD5E-s9--bb.h5/MD5E-s9--bb.h5"

TARGET = ("unit_id", "time", "presentation_id")
STRUCTURE = ("presentation_id", "unit_id", "time")
SCRIPT = ("unit_id", "presentation_id", "time")
ON_DISK = ("presentation_id", "time", "unit_id")
Change = Callable[[str, xr.Dataset], xr.Dataset]


def unchanged(_: str, dataset: xr.Dataset) -> xr.Dataset:
    return dataset


def clone(
    files: Path, folder: Path, order: tuple[str, ...] = ON_DISK, change: Change = unchanged, stimulus: str = FLASHES
) -> Path:
    """Write the file of a stimulus as the set's own code does, spikes in the order asked for, into a clone."""
    target = folder / "data" / "02_stimulus_types" / f"{stimulus}.h5"
    target.parent.mkdir(parents=True)
    tree = xr.open_datatree(files / "mlynarski-compat" / f"{stimulus}.h5", engine="h5netcdf")
    for node in tree.subtree:
        if not node.is_leaf:
            continue
        dataset = change(node.path, node.to_dataset(inherit=False).load())
        if node.name == "spike_data":
            dataset = dataset.transpose(*order)
        dataset.to_netcdf(target, engine="h5netcdf", mode="a" if target.exists() else "w", group=node.path)
    tree.close()
    return folder


def only_spikes_of_the_first(change: Callable[[xr.Dataset], xr.Dataset]) -> Change:
    """Return a change of the spikes of the first session in VISp alone."""
    seen: list[str] = []

    def changed(path: str, dataset: xr.Dataset) -> xr.Dataset:
        if not path.endswith("/VISp/spike_data") or seen:
            return dataset
        seen.append(path)
        return change(dataset)

    return changed


def texts(found: Comparison) -> list[str]:
    return [f"{one.where}: {one.what}" for one in found.differences]


@pytest.mark.parametrize(
    ("order", "called"),
    [
        (TARGET, "unit,time,presentation: Target format (neurons x time x trials)"),
        (STRUCTURE, "presentation,unit,time: Output files' structure (presentation_id x unit_id x time)"),
        (SCRIPT, "unit,presentation,time: access_stimulus_structure.py (neurons x presentations x time)"),
        (ON_DISK, "presentation,time,unit: none of the README's three"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_copy_in_any_order_of_axes_is_equal_and_its_order_is_named(
    files: Path, tmp_path: Path, order: tuple[str, ...], called: str
) -> None:
    found = compare_files(files, clone(files, tmp_path, order))
    assert found.equal
    assert texts(found) == []
    assert list(found.orders) == [called]
    # Spikes, speed, three columns at least of eyes and five of presentations, of every structure.
    assert found.arrays >= 10 * found.orders[called]


def test_a_changed_cell_is_named_by_presentation_unit_and_bin(files: Path, tmp_path: Path) -> None:
    where: dict[str, int] = {}

    def flip(dataset: xr.Dataset) -> xr.Dataset:
        where.update(p=int(dataset["presentation_id"][4]), u=int(dataset["unit_id"][1]))
        dataset["spike_data"][4, 2, 1] = 1 - dataset["spike_data"][4, 2, 1]
        return dataset

    found = compare_files(files, clone(files, tmp_path, TARGET, only_spikes_of_the_first(flip)))
    assert not found.equal
    (text,) = texts(found)
    assert text.startswith("flashes session_")
    assert " VISp spike_data: 1 of " in text
    assert f"in presentations {where['p']}; bins 0.05 s; units {where['u']}: first " in text
    assert {"1 there, 0 here", "0 there, 1 here"} & {text.partition("first ")[2]}


def test_presentations_units_and_bins_that_one_side_lacks_are_counted_and_the_first_named(
    files: Path, tmp_path: Path
) -> None:
    lost: dict[str, list[str]] = {}

    def cut(dataset: xr.Dataset) -> xr.Dataset:
        lost.update(p=[str(i) for i in dataset["presentation_id"].values[:5]], u=[str(dataset["unit_id"].values[-1])])
        return dataset.isel(presentation_id=slice(5, None), unit_id=slice(None, -1), time=slice(None, -1))

    found = compare_files(files, clone(files, tmp_path, STRUCTURE, only_spikes_of_the_first(cut)))
    assert [text.partition(" VISp spike_data: ")[2] for text in texts(found)] == [
        f"presentations: 5 ({', '.join(lost['p'][:3])}, …) only here",
        "bins: 1 (0.27 s) only here",
        f"units: 1 ({lost['u'][0]}) only here",
    ]


def test_what_the_copy_has_in_another_order_of_labels_is_equal(files: Path, tmp_path: Path) -> None:
    turned = only_spikes_of_the_first(lambda dataset: dataset.isel(unit_id=slice(None, None, -1)))
    assert compare_files(files, clone(files, tmp_path, SCRIPT, turned)).equal


def test_speed_start_times_and_a_missing_group_differ_too(files: Path, tmp_path: Path) -> None:
    def change(path: str, dataset: xr.Dataset) -> xr.Dataset:
        if path.endswith("/VISp/speed"):
            dataset["speed"] = dataset["speed"] + np.float32(0.5)
        if path.endswith("/VISp/presentations"):
            dataset["start_time"][0] += np.float32(0.01)
        return dataset

    folder = clone(files, tmp_path, change=change)
    with h5py.File(folder / "data" / "02_stimulus_types" / "flashes.h5", "a") as handle:
        session = next(name for name in handle if "VISp" in handle[name])
        del handle[f"{session}/VISp/gaze_data"]
    shown = "\n".join(texts(compare_files(files, folder, structure="VISp")))
    assert f"flashes {session} VISp pupil_data: it is only here" in shown
    assert f"flashes {session} VISp presentations start_time: 1 of " in shown
    assert f"flashes {session} VISp speed: " in shown
    assert compare_files(files, folder, data="spike_data").equal


@pytest.mark.parametrize("kind", ["link", "unlocked", "link as text"])
def test_a_pointer_of_the_annex_is_named_and_the_copy_is_not_called_equal(
    files: Path, tmp_path: Path, kind: str
) -> None:
    folder = clone(files, tmp_path)
    pointer = folder / "data" / "02_stimulus_types" / "gabors.h5"
    if kind == "link":
        pointer.symlink_to(f"../../{OBJECTS}")
    else:
        pointer.write_text("/annex/objects/MD5E-s9--bb.h5\n" if kind == "unlocked" else f"../../{OBJECTS}")
    found = compare_files(files, folder)
    assert found.pointers == [pointer]
    assert not found.equal
    assert found.differences == []
    assert compare_files(files, folder, stimulus=FLASHES).equal


def test_the_subset_of_visual_cortex_is_held_against_ours(files: Path, tmp_path: Path) -> None:
    target = tmp_path / "data" / "03_subset_natural_visual"
    target.mkdir(parents=True)
    shutil.copy(files / "mlynarski-compat" / "natural_visual" / "natural_scenes.h5", target)
    assert compare_files(files, tmp_path).equal
    assert compare_files(files, target).equal


def test_sessions_that_one_side_has_alone_are_not_compared_and_said(
    files: Path, made: list[Made], tmp_path: Path
) -> None:
    folder = clone(files, tmp_path)
    with h5py.File(folder / "data" / "02_stimulus_types" / "flashes.h5", "a") as handle:
        gone = f"session_{made[0].session_id}"
        handle.move(gone, "session_1")
    found = compare_files(files, folder)
    assert "flashes: 1 sessions (session_1) only there" in found.not_compared
    assert f"flashes: 1 sessions ({gone}) only here" in found.not_compared
    assert found.equal


def without_names(files: Path, folder: Path, n_presentations: int) -> Path:
    """Write one structure of the set in the order of its README's target, with ids and without names of axes."""
    with h5py.File(files / "mlynarski-compat" / "flashes.h5") as ours, h5py.File(folder / "flashes.h5", "w") as copy:
        session = next(name for name in ours if "VISp" in ours[name])
        group = ours[f"{session}/VISp/spike_data"]
        made = copy.create_group(group.name)
        made["spike_data"] = group["spike_data"][:n_presentations].transpose(2, 1, 0)
        made["presentation_id"] = group["presentation_id"][:n_presentations]
        made["time"], made["unit_id"] = group["time"][:], group["unit_id"][:]
    return folder


def test_an_order_that_is_not_named_is_found_by_the_shape(files: Path, tmp_path: Path) -> None:
    folder = without_names(files, tmp_path, 20)
    found = compare_files(files, folder, structure="VISp", data="spike_data")
    assert list(found.orders) == ["unit,time,presentation: Target format (neurons x time x trials)"]
    (text,) = texts(found)
    assert "presentations: 7 (" in text  # of the 27 that are regular
    assert text.endswith("only here")


def test_an_order_that_several_fit_is_refused_until_it_is_said(files: Path, tmp_path: Path) -> None:
    folder = without_names(files, tmp_path, 14)  # as many as there are bins
    with pytest.raises(ConfigError, match=r"fits .*unit,time,presentation.*Say its order, as --dims"):
        compare_files(files, folder, structure="VISp", data="spike_data")
    found = compare_files(files, folder, structure="VISp", data="spike_data", dims="unit,time,presentation")
    assert len(found.differences) == 1
    turned = compare_files(files, folder, structure="VISp", data="spike_data", dims="unit,presentation,time")
    assert len(turned.differences) == 2


@pytest.mark.parametrize("dims", [None, "unit,time,presentation", "presentation,time,unit"])
def test_arrays_that_were_exported_are_equal_with_their_json_and_without(
    files: Path, tmp_path: Path, dims: str | None
) -> None:
    written = export_npy(files, FLASHES, "VISp", tmp_path, mode="mlynarski-compat", dims=dims)
    found = compare_files(files, tmp_path)
    assert found.equal
    assert found.arrays == len(written)
    (tmp_path / "flashes-VISp-spike_data.json").unlink()
    assert compare_files(files, tmp_path).orders == found.orders
    shorter = np.load(written[0])[:-1]
    np.save(written[0], shorter)
    with pytest.raises(ConfigError, match="it names no axes, and its shape"):
        compare_files(files, tmp_path)
    (text,) = texts(compare_files(files, tmp_path, dims=dims or "unit,presentation,time"))
    assert text.endswith("here; the array does not name its own")


@pytest.mark.parametrize(("own", "asked"), [("exact", "mlynarski-compat"), ("mlynarski-compat", "exact")])
def test_arrays_of_the_other_mode_differ_and_that_mode_is_named(
    files: Path, tmp_path: Path, own: Mode, asked: Mode
) -> None:
    written = export_npy(files, FLASHES, "VISp", tmp_path, mode=own)
    found = compare_with_other_mode(files, tmp_path, mode=asked)
    assert not found.equal
    assert found.differences
    assert found.agrees_with == own
    assert compare_with_other_mode(files, tmp_path, mode=own).agrees_with is None
    changed = np.load(written[0])
    changed[0, 0, 0] ^= 1
    np.save(written[0], changed)
    assert compare_with_other_mode(files, tmp_path, mode=asked).agrees_with is None
    assert len(compare_with_other_mode(files, tmp_path, mode=own).differences) == 1


def test_a_home_that_makes_one_mode_alone_names_no_other(files: Path, tmp_path: Path) -> None:
    shutil.copytree(files / "exact", tmp_path / "ours" / "exact")
    export_npy(files, FLASHES, "VISp", tmp_path / "theirs", mode="mlynarski-compat")
    found = compare_with_other_mode(tmp_path / "ours", tmp_path / "theirs", mode="exact")
    assert found.differences
    assert found.agrees_with is None


def test_what_cannot_be_compared_is_refused_by_name(files: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="it holds no file <stimulus>"):
        compare_files(files, tmp_path / "empty")
    folder = clone(files, tmp_path / "clone")
    with pytest.raises(ConfigError, match=r"stimulus 'flash'.*Did you mean flashes"):
        compare_files(files, folder, stimulus="flash")
    with pytest.raises(ConfigError, match=r"structure 'VISpp'.*Did you mean VISp"):
        compare_files(files, folder, structure="VISpp")
    with pytest.raises(ConfigError, match=r"it names its axes itself: presentation,time,unit.*Leave --dims out"):
        compare_files(files, folder, dims="unit,time,presentation")
    with pytest.raises(ConfigError, match=r"no axis 'neuron'.*Name unit, presentation, time once each"):
        compare_files(files, folder, dims="neuron,time,presentation")
    with pytest.raises(ConfigError, match=r"data 'lfp'.*spike_data, speed, pupil_data, presentations"):
        compare_files(files, folder, data="lfp")
    whole = folder / "data" / "02_stimulus_types" / "flashes.h5"
    with h5py.File(whole, "a") as handle:
        for number, name in enumerate(list(handle)):
            handle.move(name, f"session_{number}")
    with pytest.raises(StoreError, match="nothing in it is of a session that is stored here"):
        compare_files(files, folder)
    whole.write_bytes(whole.read_bytes()[:60_000])
    with pytest.raises(BadUpstreamData, match=r"flashes.h5: it cannot be read.*git annex fsck"):
        compare_files(files, folder)
