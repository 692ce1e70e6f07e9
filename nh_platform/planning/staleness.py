"""Staleness of a session's assets, and what its gate stops: the store held against what it should have.

This is the one place that decides it, for commands, sensor and checks alike. Nothing here makes an asset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nh_platform.assets.record import SessionAsset
from nh_platform.assets.registry import ancestors
from nh_platform.history.manifest import SessionFiles
from nh_platform.planning.versions import ExpectedAsset, SourcePlan
from nh_platform.qc.gate import read_gate
from nh_platform.session import DamagedFile
from nh_platform.store import Store


@dataclass(frozen=True)
class Standing:
    """Assets that a session lacks, and those that it cannot have.

    Parameters
    ----------
    stale
        Assets that the store lacks or holds in another version and that can be made, in running order.
    stopped
        Assets that it lacks or holds in another version and that the gate stops, in running order: made again they
        would fail again until upstream changes.
    gate
        Why the session cannot be used, as its stored gate says; empty where it can.
    is_loaded
        Whether anything of it is stored, in whatever version.
    damaged
        What is known to be damaged, by asset: a text for each file. These assets are stale.
    """

    stale: tuple[str, ...]
    stopped: tuple[str, ...]
    gate: tuple[str, ...]
    is_loaded: bool
    damaged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def standing_of(plan: SourcePlan, files: SessionFiles) -> Standing:
    """Return what of one session of the manifest is stale; as of `session_standing`."""
    session = files.session
    return session_standing(plan.platform.store, session.source, session.session_id, plan.expected_of(files))


def session_standing(store: Store, source: str, session_id: str, expected: Mapping[str, ExpectedAsset]) -> Standing:
    """Return what of one session is stale.

    Parameters
    ----------
    store, source, session_id
        Where, and which session.
    expected
        What every asset should be made from, in running order.

    Raises
    ------
    StoreError
        If something of it cannot be read now, for a reason that says nothing of its bytes: made anew for that, a whole
        release would be computed for want of a permission.
    """
    gates = [name for name, one in expected.items() if one.asset.is_gate]
    gate = stored_gate(store, source, session_id, gates)  # first: it may find damage
    states = {asset: store.state(source, session_id, asset) for asset in expected}
    for state in states.values():
        if state.unreadable is not None:
            raise state.unreadable
    stored = {asset: None if state.damage else state.data_version for asset, state in states.items()}
    damaged = {asset: state.damage for asset, state in states.items() if state.damage}
    found = standing(expected, stored, gate)
    return replace(found, is_loaded=found.is_loaded or bool(damaged), damaged=damaged)


def gates_above(assets: Mapping[str, SessionAsset], name: str) -> frozenset[str]:
    """Return the gates that stop an asset: those among everything that it reads, directly or through others."""
    return frozenset(one for one in ancestors(assets, name) if assets[one].is_gate)


def stored_gate(store: Store, source: str, session_id: str, assets: Iterable[str]) -> tuple[str, ...]:
    """Return why a session cannot be used, as the stored gates among some assets say; empty where it can.

    A gate that is damaged says nothing: its asset is stale, and whoever reads it is refused.
    """
    problems: list[str] = []
    for asset in assets:
        folder = store.usable(source, session_id, asset)
        try:
            problems += () if folder is None else read_gate(folder).problems
        except (DamagedFile, FileNotFoundError):  # noted beside it, or replaced meanwhile
            continue
    return tuple(problems)


def standing(
    expected: Mapping[str, ExpectedAsset], stored: Mapping[str, str | None], gate: tuple[str, ...]
) -> Standing:
    """Return what of a session is stale; behind a gate that is current, what the gate stops is not."""
    stale = tuple(name for name, one in expected.items() if stored[name] != one.data_version)
    is_loaded = any(version is not None for version in stored.values())
    assets: dict[str, SessionAsset] = {name: one.asset for name, one in expected.items()}
    gates = {name for name, asset in assets.items() if asset.is_gate}
    in_front = gates.union(*(ancestors(assets, name) for name in gates))
    if not gate or not in_front.isdisjoint(stale):
        return Standing(stale, (), gate, is_loaded)
    stopped = tuple(name for name in stale if gates_above(assets, name))
    return Standing(tuple(name for name in stale if name not in stopped), stopped, gate, is_loaded)
