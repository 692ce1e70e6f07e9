"""The binned data set computed a second time, plainly, with AllenSDK, pandas and xarray alone.

Follows the description of the Mlynarski group's data set step by step, one presentation and one unit after the other,
through text files where that data set has them. Nothing of `nh_platform.exports` is used. Add here what that data set
does; what the platform does better belongs elsewhere.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

BIN = 0.02
WANTED = {
    "gabors": ["orientation", "y_position", "x_position"],
    "flashes": ["color"],
    "drifting_gratings": ["temporal_frequency", "orientation"],
    "static_gratings": ["phase", "spatial_frequency", "orientation"],
    "natural_scenes": ["frame"],
    "natural_movie_one": ["frame"],
    "natural_movie_three": ["frame"],
    "natural_movie_one_more_repeats": ["frame"],
    "drifting_gratings_contrast": ["contrast", "orientation"],
    "drifting_gratings_75_repeats": ["contrast", "orientation"],
    "dot_motion": ["Speed", "Dir"],
}


def open_sdk_session(path: Path) -> Any:
    """Open a session with AllenSDK's default units; the file is parsed once, not for every attribute."""
    import pynwb
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession
    from allensdk.brain_observatory.ecephys.ecephys_session_api import EcephysNwbSessionApi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nwb = pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True).read()
        return EcephysSession(api=EcephysNwbSessionApi.from_nwbfile(nwb))


def read_text(path: Path) -> pd.DataFrame:
    """Read a text file with every number as it was written; pandas' own way errs by a last bit of float64.

    So does the data set: two of 17,069 float32 speeds of a session have another last bit there.
    """
    return pd.read_csv(path, low_memory=False, float_precision="round_trip")


def presentations_of_all(sessions: dict[int, Any], folder: Path) -> pd.DataFrame:
    """Do steps 1 to 3: collect, join movies, filter by duration; a text file between any two."""
    tables = []
    for session_id, session in sessions.items():
        table = session.stimulus_presentations
        for word in ("spontaneous", "shuffled", "invalid"):
            table = table[[word not in name for name in table["stimulus_name"]]]
        table = table.reset_index()
        table.insert(0, "session_id", session_id)
        tables.append(table)
    pd.concat(tables, ignore_index=True).to_csv(folder / "1.csv", index=False)

    table = read_text(folder / "1.csv")
    rows, previous, number = [], None, 0
    others = []
    movies: dict[tuple[int, int, str], list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        if "natural_movie" not in row["stimulus_name"]:
            others.append(row)
            continue
        if previous is not None and row["frame"] < previous:
            number += 1
        previous = row["frame"]
        movies.setdefault((row["session_id"], number, row["stimulus_name"]), []).append(row)
    for (session_id, _, name), frames in movies.items():
        rows.append(
            {
                "session_id": session_id,
                "stimulus_name": name,
                "stimulus_presentation_id": frames[0]["stimulus_presentation_id"],
                "stimulus_block": frames[0]["stimulus_block"],
                "start_time": min(frame["start_time"] for frame in frames),
                "stop_time": max(frame["stop_time"] for frame in frames),
                "duration": pd.Series([frame["duration"] for frame in frames]).sum(),
            }
        )
    whole = pd.concat([pd.DataFrame(others), pd.DataFrame(rows)], ignore_index=True)
    whole.sort_values(["session_id", "stimulus_presentation_id"]).to_csv(folder / "2.csv", index=False)

    table = read_text(folder / "2.csv")
    kept = []
    for name in table["stimulus_name"].unique():
        part = table[table["stimulus_name"] == name]
        limit = 0.01 if "natural_movie" in name else 0.001
        kept.append(part[(part["duration"] - part["duration"].median()).abs() < limit])
    pd.concat(kept, ignore_index=True).to_csv(folder / "3.csv", index=False)
    return read_text(folder / "3.csv")


def medians_text(folder: Path) -> str:
    """Return the text file of median durations: every stimulus in the order in which it was first shown."""
    table = read_text(folder / "2.csv")
    rows = []
    for name in table["stimulus_name"].unique():
        rows.append((name, round(table[table["stimulus_name"] == name]["duration"].median(), 4)))
    return pd.DataFrame(rows, columns=["stimulus_name", "median_duration"]).to_csv(index=False)


def summary_text(folder: Path) -> str:
    """Return the text file of what the filter by duration removed, in the same order."""
    before, after = (read_text(folder / name) for name in ("2.csv", "3.csv"))
    rows = []
    for name in before["stimulus_name"].unique():
        shown, kept = (int((table["stimulus_name"] == name).sum()) for table in (before, after))
        rows.append((name, shown, kept, shown - kept, round((shown - kept) / shown * 100, 2)))
    counts = [f"num_presentations_{what}" for what in ("before", "after", "removed")]
    return pd.DataFrame(rows, columns=["stimulus_name", *counts, "percent_presentations_removed"]).to_csv(index=False)


def bin_stimulus(session: Any, table: pd.DataFrame, name: str) -> dict[str, xr.Dataset]:
    """Do steps 4 to 6 for one stimulus of one session: blanks out, spikes binned, running and gaze interpolated."""
    columns = [*WANTED[name], "stimulus_block", "start_time", "stop_time", "duration"]
    rows = table[table["stimulus_name"] == name].set_index("stimulus_presentation_id")[columns]
    if "gratings" in name or "dot_motion" in name:
        rows = rows.dropna()
    if "natural_scenes" in name:
        rows = rows[rows["frame"] != -1]
    n_bins = int(np.ceil(rows["duration"].max() / BIN))
    edges = np.arange(0, (n_bins + 1) * BIN, BIN)
    stops = rows["stop_time"].to_numpy()
    clip = (lambda domain: np.minimum(domain, stops[:, None])) if "natural_movie" in name else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spikes = session.presentationwise_spike_counts(
            bin_edges=edges,
            stimulus_presentation_ids=rows.index.to_numpy(),
            unit_ids=session.units.index.to_numpy(),
            binarize=True,
            time_domain_callback=clip,
        )
    names = {"stimulus_presentation_id": "presentation_id", "time_relative_to_stimulus_onset": "time"}
    spikes = spikes.rename(names).rename("spike_data")
    centers = spikes["time"].to_numpy()

    def along(times: np.ndarray, values: np.ndarray) -> xr.DataArray:
        out = np.empty((len(centers), len(rows)), dtype=np.float32)
        for column, start in enumerate(rows["start_time"]):
            out[:, column] = np.interp(start + centers, times, values)
        coords = {"time": centers, "presentation_id": rows.index.to_numpy()}
        return xr.DataArray(out, dims=("time", "presentation_id"), coords=coords)

    running = session.running_speed
    speed = along(running["start_time"].to_numpy(), running["velocity"].to_numpy())
    out = {
        "spike_data": spikes.to_dataset(),
        "speed": speed.to_dataset(name="speed"),
        "presentations": rows.astype(np.float32).rename_axis("presentation_id").to_xarray(),
    }
    gaze = session.get_screen_gaze_data()
    if gaze is not None:
        out["gaze_data"] = xr.Dataset(
            {column: along(gaze.index.to_numpy(), gaze[column].to_numpy()) for column in gaze.columns}
        )
    return out


def whole_set(sessions: dict[int, Any], units: pd.DataFrame, folder: Path) -> dict[str, dict[str, xr.Dataset]]:
    """Do step 7: per stimulus type, the dataset of every group session, structure and kind of data."""
    table = presentations_of_all(sessions, folder)
    files: dict[str, dict[str, xr.Dataset]] = {}
    for session_id in sorted(sessions):
        own = table[table["session_id"] == session_id]
        for name in own["stimulus_name"].unique():
            stem = "natural_movie_one" if name == "natural_movie_one_more_repeats" else name
            data = bin_stimulus(sessions[session_id], own, name)
            # The table of units does not know which channels are invalid; the session leaves their units out.
            here = units[units.index.isin(sessions[session_id].units.index)]
            for structure in sorted(here["ecephys_structure_acronym"].dropna().unique()):
                ids = here.index[here["ecephys_structure_acronym"] == structure].tolist()
                for kind, dataset in data.items():
                    part = dataset.sel(unit_id=ids) if kind == "spike_data" else dataset
                    files.setdefault(stem, {})[f"/session_{session_id}/{structure}/{kind}"] = part
    return files
