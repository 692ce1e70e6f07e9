"""Making an asset: its inputs resolved once and held to, the result published whole with its record, or nothing.

Contains the one recipe of per-session assets and that of assets across sessions. Add here what must hold for every
asset that is made. What an asset is made of stands in its own file; Dagster's view of it is `nh_platform.defs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nh_platform.assets.inputs import TRIES, InputReplaced, SessionInputs, resolve_inputs
from nh_platform.assets.record import AssetResult, Parameters, SourceAsset
from nh_platform.home.platform import Platform
from nh_platform.planning.staleness import gates_above, stored_gate
from nh_platform.planning.versions import SourcePlan, expected_source_asset
from nh_platform.session import BadUpstreamData, DamagedFile, NhError
from nh_platform.store import Provenance
from nh_platform.store.names import SOURCE_WIDE


@dataclass(frozen=True)
class MadeAsset:
    """An asset that was made and published.

    Parameters
    ----------
    result
        What was made.
    record
        The record beside it.
    folder
        Where it lies.
    """

    result: AssetResult
    record: Provenance
    folder: Path


def make_session_asset(platform: Platform, source: str, session_id: str, name: str) -> MadeAsset:
    """Make one asset of one session and publish it.

    It is begun anew, at most `TRIES` times in all, where what it reads was replaced meanwhile.

    Raises
    ------
    NhError
        With the thing, what was found and what to do, where upstream data or the store cannot be used.
    """
    for _ in range(TRIES - 1):
        try:
            return _make_once(platform, source, session_id, name)
        except InputReplaced:
            continue
    return _make_once(platform, source, session_id, name)


def _make_once(platform: Platform, source: str, session_id: str, name: str) -> MadeAsset:
    plan = SourcePlan(platform, source, session_id)
    asset = plan.asset(name)
    files = platform.session_files(source, session_id)
    stored = resolve_inputs(platform.store, source, session_id, asset)
    groups = {group: files.version(group) for group in asset.groups}
    expected = plan.expect(asset, session_id, groups, stored.versions)
    inputs = SessionInputs(platform, files, stored)
    try:
        _refuse_gated(plan, session_id, name)
        result = asset.make(inputs)
        record = expected.record(files, result.notes, result.not_had, result.origins)
        with platform.store.publish(record) as folder:
            if result.write is not None:
                result.write(folder)
            stored.require_current()
            now = SourcePlan(platform, source, session_id)
            if changed := _differing(expected.parameters, now.parameters(now.asset(name), session_id)):
                raise InputReplaced(
                    f"{source} session {session_id}",
                    f"parameters of {name} changed while it was made: {', '.join(changed)}; nothing was published",
                    "Materialize the session again.",
                )
    except InputReplaced:
        raise
    except (NhError, OSError):
        stored.require_current()  # files that are missing because their version was replaced
        raise
    return MadeAsset(result, record, platform.store.folder(source, session_id, name))


def _differing(before: Parameters, now: Parameters) -> list[str]:
    """Return the names of the parameters that differ, sorted."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _refuse_gated(plan: SourcePlan, session_id: str, name: str) -> None:
    """Stop where a gate found the data unusable: a blocking check only stops the run that it is in."""
    problems = stored_gate(plan.platform.store, plan.source, session_id, gates_above(plan.assets, name))
    if problems:
        raise BadUpstreamData(
            f"{plan.source} session {session_id}",
            f"it is gated: {'; '.join(problems)}",
            "Correct the upstream data or wait for the next release, then materialize raw_spikes again.",
        )


def make_source_asset(platform: Platform, source: str, asset: SourceAsset) -> MadeAsset:
    """Make one asset across sessions of what the store has now, and publish it.

    Raises
    ------
    InputReplaced
        If a session was made or removed meanwhile, at the last of `TRIES` tries.
    DamagedFile
        If something that all sessions share is damaged; a session whose asset is damaged is left out with a note.
    NhError
        Where the source was never synced or a stored table cannot be read.
    """
    attempt, known = 0, _damaged_inputs(platform, source, asset)
    while True:
        record = expected_source_asset(platform, source, asset)
        try:
            with platform.store.publish(record) as folder:
                result = asset.make(platform, source, folder)
                if expected_source_asset(platform, source, asset).data_version != record.data_version:
                    raise InputReplaced(
                        f"{source} {asset.name}",
                        "sessions were made while it was joined; nothing was published",
                        "Wait for the runs, then run `nh inventory` again.",
                    )
            break
        except InputReplaced:
            attempt += 1
            if attempt == TRIES:
                raise
        except DamagedFile:
            # It is noted, so that its session is left out now; a damaged file that cannot be noted ends it.
            now = _damaged_inputs(platform, source, asset)
            if now == known:
                raise
            known = now
    result = replace(result, notes=(*result.notes, *_damaged_inputs(platform, source, asset)))
    return MadeAsset(result, record, platform.store.folder(source, SOURCE_WIDE, asset.name))


def _damaged_inputs(platform: Platform, source: str, asset: SourceAsset) -> tuple[str, ...]:
    """Return a note for every session that is left out because what is read of it is known to be damaged."""
    notes = []
    for session_id in platform.store.sessions(source):
        found = [text for name in asset.reads for text in platform.store.state(source, session_id, name).damage]
        if found:
            command = f"nh verify {source} {session_id} --repair"
            notes.append(f"session {session_id}: left out, it is damaged ({found[0]}); run `{command}`")
    return tuple(notes)
