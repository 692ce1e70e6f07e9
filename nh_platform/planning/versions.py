"""What every asset of a session should be, from the manifest alone, and whether the store holds it already.

Contains the dependency and code version of each step, the expected data versions that follow, and what of a session
is stale or stopped by its gate. This is the one place that says what depends on what and what has to run; the Dagster
assets take their dependencies from here. Nothing here runs a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.history.manifest import SessionFiles
from nh_platform.qc.gate import read_gate
from nh_platform.sources.registry import source_entry
from nh_platform.store import Provenance, Store, UpstreamFile, data_version
from nh_platform.store.provenance import git_commit, recorded_packages


@dataclass(frozen=True)
class Step:
    """One per-session asset.

    Parameters
    ----------
    asset
        Name of the asset.
    code_version
        Moves, in the commit that does it, when the step's results move.
    groups
        Upstream asset groups whose content it reads.
    inputs
        Assets of the same session that it reads.
    parameters
        Names of the parameters that change its result.
    """

    asset: str
    code_version: str
    groups: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...] = ()


STEPS: dict[str, Step] = {
    step.asset: step
    for step in (
        Step("raw_spikes", "1", groups=("spikes",), inputs=()),
        Step("behavior", "1", groups=("behavior",), inputs=()),
        Step(
            "units",
            "2",
            groups=("alignment", "qc"),
            inputs=("raw_spikes",),
            parameters=("metrics", "rulebooks", "reviews"),
        ),
        Step("windows", "1", groups=(), inputs=("raw_spikes", "units", "behavior"), parameters=("presets",)),
        Step(
            "unit_embeddings",
            "2",
            groups=(),
            inputs=("raw_spikes", "units", "behavior", "windows"),
            parameters=("features",),
        ),
    )
}
"""Per-session assets of every source, in an order in which they can run."""

EXTRA_STEPS: dict[str, Step] = {
    step.asset: step
    for step in (
        Step(
            "stimulus_tensors",
            "2",
            groups=(),
            inputs=("raw_spikes", "units", "behavior"),
            parameters=("stimulus_tensors",),
        ),
    )
}
"""Per-session assets that only the sources have which name them; they run after `STEPS`, in this order."""

ALL_STEPS = STEPS | EXTRA_STEPS


def steps_of(source: str) -> dict[str, Step]:
    """Return the per-session assets of a source, in an order in which they can run.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    chosen = source_entry(source).extra_steps
    return STEPS | {name: step for name, step in EXTRA_STEPS.items() if name in chosen}


def definition_version(step: Step, parameters: Mapping[str, str]) -> str:
    """Return the code version that Dagster is told: of the step, and of the rules and settings that it depends on.

    A changed threshold marks every partition of ``units`` and of all below it in the UI, as a change of code does:
    Dagster itself marks an asset only once its input was made anew. Reviews are not in it: they are of one session,
    and an observed asset.

    Parameters
    ----------
    step
        The step.
    parameters
        Value of the parameters that are the same for all sessions of the source.
    """
    own = {name: parameters[name] for name in step.parameters if name in parameters}
    inputs = {name: definition_version(ALL_STEPS[name], parameters) for name in step.inputs}
    if not own and not inputs:
        return step.code_version
    return f"{step.code_version}-{data_version(step.code_version, inputs, own)[:8]}"


def step_record(
    step: Step, files: SessionFiles, input_versions: Mapping[str, str], parameters: Mapping[str, str]
) -> Provenance:
    """Return the record of one step's result.

    Parameters
    ----------
    step
        The step.
    files
        The session's part of the manifest.
    input_versions
        Data version of every asset that the step reads.
    parameters
        Value of every parameter that the step names, as text.
    """
    inputs = {f"upstream/{group}": files.version(group) for group in step.groups}
    inputs |= {name: input_versions[name] for name in step.inputs}
    own = {name: parameters[name] for name in step.parameters}
    upstream = [
        UpstreamFile(collection=row.collection, revision=row.revision, name=row.name, md5=row.md5)
        for group in step.groups
        for row in files.of_group(group).itertuples(index=False)
    ]
    return Provenance(
        asset=step.asset,
        source=files.session.source,
        session_id=files.session.session_id,
        data_version=data_version(step.code_version, inputs, own),
        code_version=step.code_version,
        inputs=inputs,
        parameters=own,
        upstream_files=upstream,
        packages=recorded_packages(),
        git_commit=git_commit(),
    )


def expected_records(files: SessionFiles, parameters: Mapping[str, str]) -> dict[str, Provenance]:
    """Return, for every per-session asset, the record that a fresh result of the whole chain would carry."""
    records: dict[str, Provenance] = {}
    for step in steps_of(files.session.source).values():
        versions = {name: records[name].data_version for name in step.inputs}
        records[step.asset] = step_record(step, files, versions, parameters)
    return records


def expected_versions(source: str, group_versions: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the data version of every asset of a session, from the versions of its upstream groups alone.

    The same values as `expected_records`, without reading which files they are.
    """
    versions: dict[str, str] = {}
    for step in steps_of(source).values():
        inputs = {f"upstream/{group}": group_versions[group] for group in step.groups}
        inputs |= {name: versions[name] for name in step.inputs}
        own = {name: parameters[name] for name in step.parameters}
        versions[step.asset] = data_version(step.code_version, inputs, own)
    return versions


@dataclass(frozen=True)
class Standing:
    """What a session lacks, and what it cannot have.

    Parameters
    ----------
    stale
        Assets that the store lacks or holds in another version and that can be made, in running order.
    stopped
        Assets that it lacks or holds in another version and that the gate stops, in running order: made again they
        would fail again until upstream changes.
    gate
        Why the session cannot be used, as its stored `units` say; empty where it can.
    is_loaded
        Whether anything of it is stored, in whatever version.
    """

    stale: tuple[str, ...]
    stopped: tuple[str, ...]
    gate: tuple[str, ...]
    is_loaded: bool


def session_standing(store: Store, source: str, session_id: str, expected: Mapping[str, str]) -> Standing:
    """Hold what the store has of one session against what it should have.

    Parameters
    ----------
    store
        The store.
    source, session_id
        The session.
    expected
        Data version of every asset, in running order: `expected_versions`.
    """
    stored = {asset: store.data_version(source, session_id, asset) for asset in expected}
    units = store.current(source, session_id, "units")
    return standing(expected, stored, () if units is None else read_gate(units))


def standing(expected: Mapping[str, str], stored: Mapping[str, str | None], gate: tuple[str, ...]) -> Standing:
    """Return what of a session is stale; behind a gate that is current, what the gate stops is not."""
    stale = tuple(asset for asset, version in expected.items() if stored[asset] != version)
    is_loaded = any(version is not None for version in stored.values())
    if not gate or "raw_spikes" in stale or "units" in stale:
        return Standing(stale, (), gate, is_loaded)
    stopped = tuple(asset for asset in stale if "units" in _ancestors(asset))
    return Standing(tuple(asset for asset in stale if asset not in stopped), stopped, gate, is_loaded)


def standing_of(store: Store, expected: Mapping[str, Provenance]) -> Standing:
    """Return `session_standing` of the session whose `expected_records` are given."""
    versions = {asset: record.data_version for asset, record in expected.items()}
    source, session_id = next((record.source, record.session_id) for record in expected.values())
    return session_standing(store, source, session_id, versions)


def stale_assets(store: Store, expected: Mapping[str, Provenance]) -> list[str]:
    """Return the assets of one session that can and should be made, in running order, from `expected_records`."""
    return list(standing_of(store, expected).stale)


def _ancestors(asset: str) -> set[str]:
    found = set(ALL_STEPS[asset].inputs)
    for name in ALL_STEPS[asset].inputs:
        found |= _ancestors(name)
    return found
