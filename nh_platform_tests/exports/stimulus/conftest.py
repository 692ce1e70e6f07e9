"""Two simulated Visual Coding sessions, one of each type, and the stimulus files made of them.

Add a fixture here when two modules of this folder share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.exports.stimulus import StoredTensors, plan_tensors, write_stimulus_files, write_tensors
from nh_platform.exports.stimulus.unit_choice import tensor_good_units
from nh_platform.qc.unit_table import build_units
from nh_platform.session import RawRecording
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.windows.presentations.conventions import MODES
from nh_platform_tests.behavior import Behavior, read_behavior

RULEBOOK = "allen-vc-default"
STRUCTURES = ("CA3", "VISa", "VISp")
"""Units elsewhere count as units without a structure: xarray takes 0.05 s to open a group."""


@dataclass(frozen=True)
class Made:
    """One session read, and the folder of its tensors."""

    session_id: str
    recording: RawRecording
    behavior: Behavior
    units: pd.DataFrame
    tensors: Path


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make AllenSDK's cache folder with both sessions."""
    folder = tmp_path_factory.mktemp("visual_coding")
    write_allen_vc(folder, 2, seed=11, size=TINY)
    return folder


def make_tensors(root: Path, folder: Path) -> list[Made]:
    """Read the sessions of a cache folder and write their tensors in both modes into ``folder``."""
    source = AllenVisualCodingSource(AllenVcSettings(root=root))
    manifest = source.manifest()
    out = []
    for session_id in manifest.session_ids:
        files = manifest.session(session_id)
        recording, behavior = source.read_spikes(files), read_behavior(source, files)
        annotation = source.read_annotation(files, recording.units, recording.channels)
        missing = folder / "no_reviews.yaml"
        units = build_units(recording, annotation, rulebooks=(RULEBOOK,), reviews_file=missing).table
        units["acronym"] = units["acronym"].where(units["acronym"].isin(STRUCTURES), None)
        plans = [plan_tensors(*behavior.parts, units, tensor_good_units(units, mode, RULEBOOK), mode) for mode in MODES]
        target = folder / session_id
        target.mkdir()
        write_tensors(target, recording.spikes, *behavior.parts, plans)
        out.append(Made(session_id, recording, behavior, units, target))
    return out


@pytest.fixture(scope="package")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """Read both sessions and write their tensors in both modes."""
    return make_tensors(root, tmp_path_factory.mktemp("tensors"))


@pytest.fixture(scope="package")
def files(root: Path, made: list[Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files of all sessions in both modes."""
    folder = tmp_path_factory.mktemp("stimulus_files")
    project = project_tables(root)
    for mode in MODES:
        stored = [StoredTensors(m.tensors, m.session_id, mode) for m in made]
        write_stimulus_files(folder / mode, stored, mode, project)
    return folder


def project_tables(root: Path) -> ProjectTables:
    """Return upstream's tables of every session of a cache folder."""
    source = AllenVisualCodingSource(AllenVcSettings(root=root))
    manifest = source.manifest()
    return source.project_tables([manifest.session(session_id) for session_id in manifest.session_ids])
