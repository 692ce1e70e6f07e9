"""Home folders with simulated sessions, for tests that need the whole platform.

Add here what several test folders do with a home. What one test alone needs stands in that test.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.assets.registry import ancestors
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.side_by_side.planned_runs import SessionOutcome
from nh_platform.planning.versions import SourcePlan
from nh_platform.simulation import TINY, SimulationSize, write_allen_vbn, write_allen_vc, write_ibl

SEED = 7
WRITERS = {"ibl": write_ibl, "allen_vc": write_allen_vc, "allen_vbn": write_allen_vbn}


def make_home(
    folder: Path, sources: Sequence[str] = ("ibl", "allen_vc"), n_sessions: int = 1, size: SimulationSize = TINY
) -> Platform:
    """Write simulated upstream data of ``sources`` below ``folder`` and return the platform of that home."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for source in sources:
        WRITERS[source](folder / "upstream" / source, n_sessions, SEED, size=size)
        lines += [f"{source}:", f"  read: {{mode: local, root: upstream/{source}}}"]
    (folder / "sources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Platform(load_settings(folder))


def materialize(
    platform: Platform,
    instance: dg.DagsterInstance,
    source: str,
    session_ids: Sequence[str] = (),
    *,
    only_stale: bool = True,
    assets: Sequence[str] = (),
) -> tuple[SessionOutcome, ...]:
    """Sync a source and run its sessions as `nh materialize` does; assets that are named, with what they read."""
    home, made = OpenHome(platform, instance), SourcePlan(platform, source).assets
    needed = {one for name in assets if name in made for one in ancestors(made, name)}
    assets = (*assets, *(name for name in made if name in needed.difference(assets)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operations.sync(home, source)
        done = operations.materialize(home, source, session_ids or None, assets=assets, only_stale=only_stale)
    return done.outcomes


def set_aside(reviews: Path, source: str, session_id: str) -> None:
    """Write into a folder of reviews that two readers set a session aside."""
    entry = "  - {{whole_session: true, decision: fail, reason: seizures, reviewer: {}, date: 2026-01-01}}\n"
    text = f"source: {source}\nsession: '{session_id}'\nreviews:\n{entry.format('ada')}{entry.format('bea')}"
    (reviews / source).mkdir(parents=True, exist_ok=True)
    (reviews / source / f"{session_id}.yaml").write_text(text, encoding="utf-8")


def home_with_unit_interval(folder: Path, interval: tuple[float, float], agreed: str = "probe00/0") -> Platform:
    """Return a home of IBL where two reviewers agree that one unit is invalid in an interval (s).

    One of them alone says it of ``probe00/1`` too, which does not count.
    """
    assets = ("raw_spikes", "events", "units")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("NH_REVIEWS", "")
        platform = make_home(folder, ("ibl",))
        materialize(platform, instance, "ibl", assets=assets)
        home, session_id = platform.settings.home, platform.manifest("ibl").session_ids[0]
        for unit in (agreed, "probe00/1"):
            review = {"unit": unit, "interval": interval, "decision": "fail", "reason": "drifts in", "reviewer": "ada"}
            first = operations.add_review(home, "ibl", session_id, review)
            if unit == agreed:
                operations.agree_with_review(home, "ibl", session_id, first.added[0].id, "bea")
        materialize(platform, instance, "ibl", assets=assets)
    return platform
