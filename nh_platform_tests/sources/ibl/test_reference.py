"""Real public data, laid out as ALF trees: conventions that a simulation could get wrong together with the reader."""

from __future__ import annotations

import datetime
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.sources.anatomy.coordinates import ccf_um_from_xyz_m
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform_tests.behavior import read_behavior

pytestmark = pytest.mark.reference

EID = "4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b"
PID = "ef3d059a-59d5-4870-b355-563a8d7cfd2d"


def lay_out(root: Path, files: dict[str, Path | np.ndarray]) -> IblSource:
    """Write files as one session's ALF tree with ONE tables."""
    from iblutil.io import parquet

    folder = root / "lab" / "Subjects" / "subject" / "2020-01-01" / "001"
    rows = []
    for number, (rel_path, content) in enumerate(sorted(files.items())):
        path = folder / rel_path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            np.save(path, content)
        rows.append(
            {
                "eid": EID,
                "id": f"{number:08d}-0000-4000-8000-000000000000",
                "rel_path": rel_path,
                "file_size": path.stat().st_size,
                "hash": hashlib.md5(path.read_bytes()).hexdigest(),
                "exists": True,
                "qc": "NOT_SET",
                "default_revision": True,
            }
        )
    datasets = pd.DataFrame(rows).astype({"file_size": "UInt64"}).set_index(["eid", "id"])
    datasets["qc"] = pd.Categorical(datasets["qc"], ["NOT_SET", "PASS", "WARNING", "FAIL", "CRITICAL"], ordered=True)
    session = {"lab": "lab", "subject": "subject", "date": datetime.date(2020, 1, 1), "number": 1}
    sessions = pd.DataFrame([{**session, "task_protocol": "", "projects": ""}], index=pd.Index([EID], name="id"))
    insertion = pd.MultiIndex.from_tuples([(EID, PID)], names=["eid", "id"])
    tables = {
        "sessions": sessions.astype({"number": "uint16"}),
        "datasets": datasets,
        "insertions": pd.DataFrame({"name": ["probe00"]}, index=insertion),
    }
    for name, table in tables.items():
        parquet.save(root / f"{name}.pqt", table, {"date_created": "2020-01-01 00:00", "origin": "test"})
    return IblSource(IblSettings(root=root))


def test_choice_is_plus_one_in_all_266_correct_left_stimulus_trials(reference_dir: Path, tmp_path: Path) -> None:
    source = lay_out(
        tmp_path,
        {
            "alf/_ibl_trials.table.pqt": reference_dir / "ibl_trials" / "_ibl_trials.table.pqt",
            "alf/probe00/spikes.times.npy": np.zeros(0),  # a session needs a probe to be listed
        },
    )
    behavior = read_behavior(source, source.manifest().session(EID))
    trials = behavior.events["trials"]
    assert len(trials) == 568
    correct = trials[trials["feedbackType"] == 1]
    left = correct[correct["contrastLeft"].fillna(0) > 0]
    assert len(left) == 266
    assert (left["choice"] == 1).all()
    right = correct[correct["contrastRight"].fillna(0) > 0]
    assert len(right) == 8  # a mouse in training, with a strong bias
    assert (right["choice"] == -1).all()


def lay_out_mini_session(root: Path, folder: Path) -> tuple[IblSource, pd.DataFrame]:
    """Write the real insertion and trials of ``folder`` as an ALF tree; return its source and its table of clusters."""
    table = pd.read_parquet(folder / "clusters.table.pqt")
    assert table["pid"].unique().tolist() == [PID]
    peak = table["channels"].to_numpy()
    # Positions are known of the channels that are some cluster's peak; the others stay at the origin, id 0 (void).
    n_channels = int(peak.max()) + 1
    mlapdv, ids, local = np.zeros((n_channels, 3)), np.zeros(n_channels, dtype=int), np.zeros((n_channels, 2))
    mlapdv[peak] = table[["x", "y", "z"]].to_numpy() * 1e6
    ids[peak] = table["atlas_id"].to_numpy()
    local[peak] = table[["lateral_um", "axial_um"]].to_numpy()
    sorting = "alf/probe00/pykilosort"
    trials = pd.read_parquet(folder / "trials.pqt")
    trials = trials.rename(columns={"trial_start": "intervals_0", "trial_end": "intervals_1"})
    (root / "made").mkdir(parents=True)
    trials.to_parquet(root / "made" / "trials.pqt")
    source = lay_out(
        root,
        {
            "alf/_ibl_trials.table.pqt": root / "made" / "trials.pqt",
            f"{sorting}/spikes.times.npy": folder / "spikes.times.npy",
            f"{sorting}/spikes.clusters.npy": folder / "spikes.clusters.npy",
            f"{sorting}/clusters.metrics.pqt": folder / "clusters.metrics.pqt",
            f"{sorting}/clusters.channels.npy": peak,
            f"{sorting}/clusters.depths.npy": table["depths"].to_numpy(),
            f"{sorting}/channels.localCoordinates.npy": local,
            f"{sorting}/channels.rawInd.npy": np.arange(n_channels),
            "alf/probe00/electrodeSites.mlapdv.npy": np.round(mlapdv).astype(np.int32),
            "alf/probe00/electrodeSites.brainLocationIds_ccf_2017.npy": ids,
        },
    )
    return source, table


@pytest.fixture(scope="module")
def mini_session(
    reference_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[IblSource, SessionFiles, pd.DataFrame]:
    source, table = lay_out_mini_session(tmp_path_factory.mktemp("mini"), reference_dir / "ibl_mini_session")
    return source, source.manifest().session(EID), table


def test_the_mini_session_has_its_units_and_spikes(mini_session, reference_dir: Path) -> None:
    source, session, table = mini_session
    recording = source.read_spikes(session)
    assert len(recording.units) == 262
    assert len(recording.spikes.times) == 126_437
    assert (recording.spikes.counts > 0).sum() == 251
    times = np.load(reference_dir / "ibl_mini_session" / "spikes.times.npy")
    clusters = np.load(reference_dir / "ibl_mini_session" / "spikes.clusters.npy")
    for unit in (0, 88, 261):
        assert recording.spikes.of_unit(unit).tobytes() == times[clusters == unit].tobytes()
    assert np.isnan(recording.spikes.amplitudes).all()
    assert np.isnan(recording.spikes.depths).all()
    assert {note.subject.rsplit("/", 1)[1] for note in recording.notes} == {
        *("spikes.amps.npy", "spikes.depths.npy", "clusters.amps.npy"),
        *("clusters.peakToTrough.npy", "clusters.uuids.csv"),
    }
    assert np.allclose(recording.units["depth"], table["depths"])


def test_the_mini_session_has_its_regions(mini_session, reference_dir: Path) -> None:
    source, session, table = mini_session
    recording = source.read_spikes(session)
    annotation = source.read_annotation(session, recording.units, recording.channels)
    stated = np.load(reference_dir / "ibl_mini_session" / "clusters.acronym.npy")
    assert annotation.positions["acronym"].tolist() == stated.tolist() == table["acronym"].tolist()
    assert np.abs(annotation.positions[["x_m", "y_m", "z_m"]].to_numpy() - table[["x", "y", "z"]]).max(axis=None) < 1e-6
    assert set(annotation.positions["histology"]) == {"alf"}


def test_a_known_unit_of_the_mini_session_lies_in_the_left_hemisphere(mini_session) -> None:
    source, session, table = mini_session
    recording = source.read_spikes(session)
    positions = source.read_annotation(session, recording.units, recording.channels).positions
    known = positions.iloc[88]
    assert known["acronym"] == table["acronym"].iloc[88]
    assert known["x_m"] == pytest.approx(table["x"].iloc[88], abs=1e-6)
    assert (positions["x_m"] < 0).all()  # IBL: right of bregma is positive
    assert known["ccf_ml_um"] == pytest.approx(5739 + 1e6 * known["x_m"], abs=1e-6)
    assert (positions["ccf_ml_um"] < 5700).all()


def test_released_ibl_channels_are_left_where_x_is_negative(reference_dir: Path) -> None:
    channels = pd.read_parquet(reference_dir / "ibl_units" / "channels_bwm.pqt")
    side = channels.groupby(level=0)["x"].mean()
    assert (len(side), int((side < 0).sum())) == (91, 86)  # the repeated site is 2.243 mm to the left
    ml = ccf_um_from_xyz_m(channels["x"], channels["y"], channels["z"], outside="keep")[2]
    assert ((ml < 5739) == (channels["x"].to_numpy() < 0)).all()


def test_the_label_recomputed_from_released_metrics_shows_the_vintage(mini_session) -> None:
    source, session, _ = mini_session
    recording = source.read_spikes(session)
    released = source.read_annotation(session, recording.units, recording.channels).released

    def label(noise_cutoff: float) -> np.ndarray:
        passes = [
            released["released.slidingRP_viol"] == 1,
            released["released.noise_cutoff"] < noise_cutoff,
            released["released.amp_median"] > 50e-6,
        ]
        return np.mean(passes, axis=0)

    stored = released["released.label"].to_numpy()
    assert np.isclose(label(20), stored).sum() == 262
    assert (~np.isclose(label(5), stored)).sum() == 46
    assert 1e-5 < released["released.amp_median"].median() < 1e-3
