"""The tables of a whole release: Visual Behavior's 319,013 units and 347,520 channels, and IBL's 699 insertions.

    uv run python -m benchmarks.bench_released [--repeat 5]

Writes CSV tables of the size and the columns of Visual Behavior's release, stores them as `nh sync` does, and measures
the CPU seconds of processes of their own: reading the stored tables with pandas already imported, the same beside
`pandas.read_csv` of upstream's files with the two joins that put a unit into its session (what AllenSDK does to give a
table of units), and `nh probes` over a catalogue of 699 insertions. Both ways must give the same units first. Exit 1
where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.aims import Aims
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.released_tables import store_released
from nh_platform.simulation.ibl.catalogue import simulate_catalogue
from nh_platform.sources.allen.released_tables import BEHAVIOR, TABLES, tables_of_release
from nh_platform.store import Store

N_SESSIONS, N_PROBES, N_CHANNELS, N_UNITS = 153, 905, 347_520, 319_013
"""Of the release 0.5.0 of Visual Behavior."""

N_INSERTIONS = 699
"""Of IBL's Brain-wide Map of 2023."""

TABLES_AIM_S, PROBES_AIM_S = 3.0, 1.5

_METRICS = (
    *("amplitude", "amplitude_cutoff", "cumulative_drift", "d_prime", "firing_rate", "isi_violations"),
    *("isolation_distance", "l_ratio", "max_drift", "nn_hit_rate", "nn_miss_rate", "presence_ratio", "PT_ratio"),
    *("recovery_slope", "repolarization_slope", "silhouette_score", "snr", "spread", "velocity_above"),
    *("velocity_below", "waveform_duration", "waveform_halfwidth"),
)
_STRUCTURES = ("VISp", "VISl", "VISal", "VISpm", "VISam", "VISrl", "LGd", "LP", "CA1", "CA3", "DG", "SUB", "MB", "TH")

_CLOCK = """
import resource, sys
import pandas, pyarrow.parquet, pyarrow.compute
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
"""
_OURS = """
from nh_platform.reading import open_store
before = cpu()
released = open_store(sys.argv[1]).released("allen_vbn")
tables = [released.units(), released.channels(), released.probes(), released.sessions()]
print(cpu() - before, len(tables[0]), len(tables[1]), round(float(tables[0]["snr"].sum()), 6))
"""
_CSV = """
from pathlib import Path
folder = Path(sys.argv[1]) / "csv"
before = cpu()
units, channels, probes, sessions = (
    pandas.read_csv(folder / f"{name}.csv") for name in ("units", "channels", "probes", "ecephys_sessions")
)
of_probe = channels.merge(probes[["ecephys_probe_id", "ecephys_session_id", "name"]], on="ecephys_probe_id")
units = units.merge(of_probe, on="ecephys_channel_id")
print(cpu() - before, len(units), len(channels), round(float(units["snr"].sum()), 6))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _make_home(home)
        _one_after_the_other(home, arguments.repeat, aims)
    aims.finish()


def _one_after_the_other(home: Path, repeat: int, aims: Aims) -> None:
    ours, theirs, whole, imports = [], [], [], []
    for _ in range(repeat):
        found = {name: _output(code, home) for name, code in (("ours", _OURS), ("csv", _CSV))}
        if found["ours"][1:] != found["csv"][1:]:
            sys.exit(f"the two do not give the same units: {found}")
        ours.append(float(found["ours"][0]))
        theirs.append(float(found["csv"][0]))
        whole.append(
            _cpu_s([sys.executable, "-m", "nh_platform.cli", "--home", str(home), "probes", "--source", "ibl"])
        )
        imports.append(_cpu_s([sys.executable, "-c", "import pandas, pyarrow.parquet"]))
    print(f"load {os.getloadavg()[0]:.1f}, {repeat} runs, medians of CPU seconds (least, most)")
    for name, values in (("read_csv and joins", theirs), ("stored tables", ours), ("nh probes", whole)):
        print(f"{name}: {statistics.median(values):.2f} s ({min(values):.2f}, {max(values):.2f})")
    print(f"import of pandas and pyarrow alone: {statistics.median(imports):.2f} s")
    print(f"read_csv against stored, pair by pair: {statistics.median(a / b for a, b in zip(theirs, ours)):.1f}")
    aims.at_most(f"tables of {N_UNITS:,} units", statistics.median(ours), TABLES_AIM_S, "CPU s")
    aims.at_most(f"nh probes of {N_INSERTIONS} insertions", statistics.median(whole), PROBES_AIM_S, "CPU s")


def _output(code: str, home: Path) -> list[str]:
    command = [sys.executable, "-c", _CLOCK + code, str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _cpu_s(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _make_home(home: Path) -> None:
    """Write a home that was synced: the tables of both releases stored, and no session file anywhere."""
    csv = home / "csv"
    csv.mkdir()
    _write_behavior(csv)
    store = Store(home / "store")
    tables = tables_of_release({name: csv / BEHAVIOR.file(name) for name in TABLES}, BEHAVIOR, "0.5.0", ())
    store_released(store, "allen_vbn", tables, "1")
    of_ibl = simulate_catalogue((N_INSERTIONS + 1) // 2)
    insertions = of_ibl.insertions.head(N_INSERTIONS)
    store_manifest(store, Manifest("ibl", "simulated", of_ibl.sessions, insertions, of_ibl.files), "1")
    (home / "sources.yaml").write_text("".join(f"{name}:\n  read: {{mode: local, root: csv}}\n" for name in _SOURCES))


_SOURCES = ("ibl", "allen_vbn")


def _write_behavior(folder: Path) -> None:
    random = np.random.default_rng(0)
    sessions = pd.DataFrame({"ecephys_session_id": 1_000_000_000 + np.arange(N_SESSIONS)})
    sessions["genotype"] = random.choice(["wt/wt", "Sst-IRES-Cre/wt;Ai32", "Vip-IRES-Cre/wt;Ai32"], N_SESSIONS)
    sessions["experience_level"] = random.choice(["Familiar", "Novel"], N_SESSIONS)
    probes = pd.DataFrame({"ecephys_probe_id": 2_000_000 + np.arange(N_PROBES)})
    probes["ecephys_session_id"] = sessions["ecephys_session_id"].to_numpy()[np.arange(N_PROBES) % N_SESSIONS]
    probes["name"] = [f"probe{'ABCDEF'[one // N_SESSIONS]}" for one in range(N_PROBES)]
    channels = pd.DataFrame({"ecephys_channel_id": 3_000_000 + np.arange(N_CHANNELS)})
    channels["ecephys_probe_id"] = probes["ecephys_probe_id"].to_numpy()[np.arange(N_CHANNELS) * N_PROBES // N_CHANNELS]
    channels["probe_channel_number"] = np.arange(N_CHANNELS) % 384
    channels["structure_acronym"] = random.choice(_STRUCTURES, N_CHANNELS)
    for name in ("anterior_posterior_ccf_coordinate", "dorsal_ventral_ccf_coordinate", "left_right_ccf_coordinate"):
        channels[name] = random.uniform(1000, 9000, N_CHANNELS).round(1)
    channels["probe_horizontal_position"], channels["probe_vertical_position"] = 16, np.arange(N_CHANNELS) % 384 * 10
    units = pd.DataFrame({"unit_id": 5_000_000 + np.arange(N_UNITS)})
    units["ecephys_channel_id"] = np.sort(random.choice(channels["ecephys_channel_id"], N_UNITS))
    for name in _METRICS:
        units[name] = random.lognormal(0, 1, N_UNITS)
    units["local_index"], units["quality"] = np.arange(N_UNITS) % 500, random.choice(["good", "noise"], N_UNITS)
    for name, table in (("ecephys_sessions", sessions), ("probes", probes), ("channels", channels), ("units", units)):
        table.to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
