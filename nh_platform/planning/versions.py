"""Versions that the assets of a session should have, from the manifest and the configuration alone.

Contains the one computation of a data version: planning, records beside the files, and Dagster's code versions all
take it from here. Add here what identifies an asset. Whether the store holds that version is `staleness`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.assets.record import (
    CATALOGUE,
    REVIEWED_INTERVALS,
    REVIEWS,
    SHOWN_REVIEWS,
    Parameters,
    SessionAsset,
    SourceAsset,
)
from nh_platform.assets.registry import ancestors, asset_package, session_assets
from nh_platform.history.catalogue_facts import catalogue_versions
from nh_platform.history.manifest import SessionFiles
from nh_platform.home.platform import Platform
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.store import Provenance, UpstreamFile, data_version
from nh_platform.store.names import SOURCE_WIDE

NOT_HAD = "files not had"
"""Parameter of what was made without files that upstream lists: which."""


@dataclass(frozen=True)
class ExpectedAsset:
    """Inputs, parameters and version that one asset of one session should have.

    Parameters
    ----------
    asset
        The asset.
    inputs
        Version of every input, upstream groups as ``upstream/<group>``.
    parameters
        Value of every parameter, as text.
    data_version
        The identity that follows.
    """

    asset: SessionAsset
    inputs: Mapping[str, str]
    parameters: Parameters
    data_version: str

    def record(
        self,
        files: SessionFiles,
        notes: tuple[str, ...] = (),
        not_had: tuple[str, ...] = (),
        origins: tuple[str, ...] = (),
    ) -> Provenance:
        """Return the record that is kept beside the result.

        What was made without files that are listed has another data version than what is expected: it is stale, and so
        is what reads it, until it is made of all of them.
        """
        stated = ["collection", "revision", "name", "md5"]
        upstream = [
            UpstreamFile(**row)
            for group in self.asset.groups
            for row in files.of_group(group)[stated].to_dict("records")
        ]
        return Provenance.make(
            asset=self.asset.name,
            source=files.source,
            session_id=files.session_id,
            code_version=self.asset.code_version,
            inputs=self.inputs,
            parameters={**self.parameters, **({NOT_HAD: ", ".join(not_had)} if not_had else {})},
            upstream_files=upstream,
            left_out=notes,
            origins=origins,
        )


class SourcePlan:
    """Assets that every session of a source should hold, with what is the same for all of them looked up once.

    Parameters
    ----------
    platform
        The platform.
    source
        Name of the source.
    session_id
        The one session that is asked for; any may be where empty. What the catalogue states is read of it alone.

    Attributes
    ----------
    assets
        Per-session assets by name, in running order.
    problems
        Why assets of installed packages are left out: one whose parameters cannot be told, with what reads it.

    Raises
    ------
    ConfigError
        If there is no such source, or its configuration names what does not exist.
    """

    def __init__(self, platform: Platform, source: str, session_id: str = "") -> None:
        self.platform, self.source, self._session_id = platform, source, session_id
        served = session_assets(source, platform.config(source).also_assets)
        self._parameters: dict[str, Parameters] = {}
        broken: dict[str, ConfigError] = {}
        for name, asset in served.items():
            package = asset_package(name)
            if package is None:
                self._parameters[name] = asset.parameters(platform, source)
                continue
            try:
                self._parameters[name] = _as_texts(asset.parameters(platform, source))
            except Exception as error:  # noqa: BLE001 - the function is a lab's; the other assets go on
                broken[name] = _without_parameters(source, asset, package, error)
        self.problems = tuple(broken.values())
        self.assets = {
            name: asset for name, asset in served.items() if broken.keys().isdisjoint({name, *ancestors(served, name)})
        }

    def asset(self, name: str) -> SessionAsset:
        """Return one of `assets`.

        Raises
        ------
        ConfigError
            If the source has none of that name, or it is left out; the text says why.
        """
        if name not in self.assets:
            left_out = "; ".join(f"{problem.thing} {problem.found}" for problem in self.problems)
            found = f"{self.source} has no such per-session asset" + (
                f", or it is left out: {left_out}" * bool(left_out)
            )
            raise ConfigError(f"asset {name!r}", found, f"Use: {', '.join(self.assets)}.")
        return self.assets[name]

    def parameters(self, asset: SessionAsset, session_id: str) -> dict[str, str]:
        """Return the value of every parameter that changes an asset of a session.

        Raises
        ------
        ConfigError
            If the reviews of the session cannot be read.
        """
        parameters = dict(self._parameters[asset.name])
        if asset.reads_reviews:
            parameters[REVIEWS] = self.platform.reviews_version(self.source, session_id)
        if asset.reads_reviewed_intervals:
            parameters[REVIEWED_INTERVALS] = self.platform.reviewed_intervals_version(self.source, session_id)
        if asset.shows_reviews:
            parameters[SHOWN_REVIEWS] = self.platform.reviews_content(self.source, session_id)
        if asset.reads_catalogue:
            parameters[CATALOGUE] = self._catalogue.get(session_id, "")
        return parameters

    @functools.cached_property
    def _catalogue(self) -> Mapping[str, str]:
        """Version of what the catalogue states by session; of a source that was never synced nothing is stated."""
        try:
            if self._session_id:
                return catalogue_versions(self.platform.session_part(self.source, self._session_id))
            return catalogue_versions(self.platform.manifest(self.source))
        except UnknownSession:
            return {}

    def expect(
        self, asset: SessionAsset, session_id: str, group_versions: Mapping[str, str], inputs: Mapping[str, str]
    ) -> ExpectedAsset:
        """Return what one asset should be made from, given the versions of what it reads.

        Parameters
        ----------
        asset, session_id
            Which asset.
        group_versions
            Content version of every group of upstream files, by name.
        inputs
            Data version of the assets of the session, by name; at least of those that it reads.
        """
        stated = {f"upstream/{group}": group_versions[group] for group in asset.groups}
        stated |= {name: inputs[name] for name in asset.inputs}
        own = self.parameters(asset, session_id)
        return ExpectedAsset(asset, stated, own, data_version(asset.code_version, stated, own))

    def expected(self, session_id: str, group_versions: Mapping[str, str]) -> dict[str, ExpectedAsset]:
        """Return what every asset of a session should be made from, in running order."""
        found: dict[str, ExpectedAsset] = {}
        for name, asset in self.assets.items():
            versions = {one: expected.data_version for one, expected in found.items()}
            found[name] = self.expect(asset, session_id, group_versions, versions)
        return found

    def expected_of(self, files: SessionFiles) -> dict[str, ExpectedAsset]:
        """Return the same as `expected` for one session of the manifest."""
        groups = {group for asset in self.assets.values() for group in asset.groups}
        return self.expected(files.session_id, {group: files.version(group) for group in groups})

    def definition_version(self, name: str) -> str:
        """Return the code version that Dagster is told: of the asset, and of the rules and settings that it depends on.

        A changed threshold marks every partition of ``units`` and of all below it in the UI, as a change of code does:
        Dagster itself marks an asset only once its input was made anew. Reviews are not in it: they are of one session,
        and an observed asset.
        """
        asset = self.assets[name]
        own = self._parameters[name]
        inputs = {one: self.definition_version(one) for one in asset.inputs}
        if not own and not inputs:
            return asset.code_version
        return f"{asset.code_version}-{data_version(asset.code_version, inputs, own)[:8]}"


def _as_texts(parameters: Parameters) -> Parameters:
    """Return what a lab's function returned, where it is texts by name."""
    if not isinstance(parameters, Mapping) or not all(
        isinstance(one, str) for pair in parameters.items() for one in pair
    ):
        raise TypeError(f"expected texts by name, found {parameters!r:.200}")
    return parameters


def _without_parameters(source: str, asset: SessionAsset, package: str, error: Exception) -> ConfigError:
    found = f"its parameters for {source} cannot be told: {type(error).__name__}: {error}"
    return ConfigError(
        f"asset {asset.name} of package {package}", " ".join(found.split()), "Correct or uninstall the package."
    )


def expected_source_asset(platform: Platform, source: str, asset: SourceAsset) -> Provenance:
    """Return the record that an asset across sessions, made of what the store has now, would carry."""
    return Provenance.make(
        asset=asset.name,
        source=source,
        session_id=SOURCE_WIDE,
        code_version=asset.code_version,
        inputs=asset.inputs(platform, source),
        parameters=asset.parameters(platform, source),
    )
