"""What every asset of a session should be, from the manifest alone, and whether the store holds it already.

Contains the dependency and code version of each step, and the expected data versions that follow. This is the one
place that says what depends on what; the Dagster assets take their dependencies from here. Nothing here runs a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.defs.registry import source_entry
from nh_platform.sources.catalog import SessionFiles
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
            "1",
            groups=("alignment", "qc"),
            inputs=("raw_spikes",),
            parameters=("metrics", "rulebooks", "reviews"),
        ),
        Step("windows", "1", groups=(), inputs=("raw_spikes", "units", "behavior"), parameters=("presets",)),
        Step("unit_embeddings", "1", groups=(), inputs=("raw_spikes", "units", "windows"), parameters=("features",)),
    )
}
"""Per-session assets of every source, in an order in which they can run."""

EXTRA_STEPS: dict[str, Step] = {
    step.asset: step
    for step in (
        Step(
            "stimulus_tensors",
            "1",
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


def stale_assets(store: Store, expected: Mapping[str, Provenance]) -> list[str]:
    """Return the assets of one session that the store lacks or holds in another version, in running order."""
    stale = []
    for asset, record in expected.items():
        stored = store.provenance(record.source, record.session_id, asset)
        if stored is None or stored.data_version != record.data_version:
            stale.append(asset)
    return stale
