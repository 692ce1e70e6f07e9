"""Deterministic sessions with known ground truth, written in the upstream formats.

Offers the writers of the simulated sources and what changes a release afterwards. The same seed gives the same bytes,
whatever the clock, the folder or the number of threads. Add a writer here when a new source gets a simulation. Only
`cli`, tests and benchmarks import this package.
"""

from nh_platform.simulation.allen.allen_cache import write_allen_vc
from nh_platform.simulation.allen.behavior.cloud_release import write_allen_vbn
from nh_platform.simulation.ibl.alf_tree import write_ibl
from nh_platform.simulation.ibl.release_changes import (
    add_revision,
    add_session,
    patch_wheel,
    remove_session,
    set_dataset_qc,
)
from nh_platform.simulation.simulated_session import SimulatedSession
from nh_platform.simulation.size import BENCHMARK, DEMO, GRADED, SIZES, TINY, SimulationSize

__all__ = [
    "BENCHMARK",
    "DEMO",
    "GRADED",
    "SIZES",
    "TINY",
    "SimulatedSession",
    "SimulationSize",
    "add_revision",
    "add_session",
    "patch_wheel",
    "remove_session",
    "set_dataset_qc",
    "write_allen_vbn",
    "write_allen_vc",
    "write_ibl",
]
