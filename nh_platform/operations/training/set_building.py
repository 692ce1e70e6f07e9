"""Training sets built here and now, as one Dagster run each, so that the UI has their lineage and their audit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import StoreError

if TYPE_CHECKING:
    from nh_platform.training_sets.training_set import TrainingSet
    from nh_platform.windows.splits import Finding, PartOfSet


@dataclass(frozen=True)
class BuiltSet:
    """A training set that was built, or would be.

    Parameters
    ----------
    content
        The set.
    leaks
        What the audit found; nothing is stored then.
    number
        Number of its version; None where nothing was stored.
    is_new
        Whether it differs from the version before.
    """

    content: TrainingSet
    leaks: tuple[Finding, ...]
    number: int | None
    is_new: bool


def build_training_set(
    home: Home,
    name: str,
    *,
    dry_run: bool = False,
    only: Mapping[str, Collection[str]] | None = None,
    only_images: Mapping[str, Collection[str]] | None = None,
    skip_damaged: bool = False,
    on_progress: OnProgress = unwatched,
) -> BuiltSet:
    """Build a training set by its recipe, audit it, and store it; with a leak nothing is stored.

    Parameters
    ----------
    home
        The home folder.
    name
        Id of a recipe of the home (``training_sets/<id>.yaml``), or the path of one, which is then copied there.
    dry_run
        Choose, divide and audit, and store nothing.
    only
        Sessions by source that may be chosen, for a set that is made again; all where None.
    only_images
        Image sets by source that join, for the same; those that the recipe means where None.
    skip_damaged
        Build although an earlier version is damaged, and what it tested is not known: to repair it.
    on_progress
        Called for each session.

    Raises
    ------
    ConfigError
        If there is no such recipe, it is refused, or a set of its id was built by another file.
    NhError
        As `nh_platform.training_sets.training_set.make_training_set`.
    """
    from nh_platform.training_sets.auditing import audited, built_parts
    from nh_platform.training_sets.recipe import find_recipe
    from nh_platform.training_sets.stored import stored_set
    from nh_platform.training_sets.training_set import last_set, make_training_set

    with open_home(home) as at:
        recipe = find_recipe(at.platform.settings.home, name)
        before = last_set(at.platform.store, recipe.id)

        def told(done: int, total: int, now: str) -> None:
            on_progress(Progress("sessions", done, total, now))

        content = make_training_set(at.platform, recipe, told, only, only_images)
        earlier = built_parts(at.platform.store, recipe.id, skip_damaged=skip_damaged)
        leaks = tuple(audited(at.platform, content, earlier))
        is_new = before is None or before.digest != content.digest
        if dry_run:
            return BuiltSet(content, leaks, None, is_new)
        if not leaks:
            _keep_recipe(at, name, recipe.id)
        _run(at, content, earlier, has_leaks=bool(leaks))
        number = None if leaks else stored_set(at.platform.store, recipe.id)[0]
        return BuiltSet(content, leaks, number, is_new)


def _keep_recipe(home: OpenHome, name: str, set_id: str) -> None:
    """Copy a recipe that was named by its path into the home, so that the set can be built again by its id.

    Raises
    ------
    StoreError
        If the home has another one of that id.
    """
    from pathlib import Path

    from nh_platform.training_sets.recipe import FOLDER

    given, kept = Path(name), home.platform.settings.home / FOLDER / f"{set_id}.yaml"
    if not name.endswith((".yaml", ".yml")) or given.absolute() == kept.absolute():
        return
    text = given.read_text(encoding="utf-8")
    if kept.exists() and kept.read_text(encoding="utf-8") != text:
        action = f"Give it another id, or change {kept} and build {set_id}."
        raise StoreError(str(given), f"the home has another recipe of the id {set_id}", action)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(text, encoding="utf-8")


def _run(home: OpenHome, content: TrainingSet, earlier: Sequence[PartOfSet], *, has_leaks: bool) -> None:
    """Store a set by a run of Dagster's, which keeps the outcome of the audit; one that leaks fails there."""
    import dagster as dg

    from nh_platform.defs.across_sessions.training_sets import JOB, build_training_set_asset, register_set
    from nh_platform.defs.run_tags import REASON_TAG
    from nh_platform.operations.in_process import errors_of, execute

    asset = build_training_set_asset(home.platform, made=content, earlier=earlier)
    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.assets(asset))
    register_set(home.instance, content.id)
    definition = dg.Definitions(assets=[asset], jobs=[job]).resolve_job_def(JOB)
    result = execute(home, definition, partition_key=content.id, tags={REASON_TAG: "nh train-set build"})
    if not result.success and not has_leaks:
        texts = errors_of(result)
        raise StoreError(f"training set {content.id}", "; ".join(texts) or "its run failed", "See the run in `nh ui`.")
