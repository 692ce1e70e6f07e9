"""The asset `session_report`: the page that a reviewer opens, in one file.

Change here what the page is made from. What it says is `nh_platform.reports.session_page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, Parameters, SessionAsset
from nh_platform.home.platform import Platform
from nh_platform.reports.session_page.stored import PAGE_FILE
from nh_platform.session.tables.embeddings import POPULATION_FITS, UNIT_EMBEDDINGS, WINDOW_EMBEDDINGS
from nh_platform.session.tables.report import REPORT_FIGURES

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.inclusion import Inclusion
    from nh_platform.qc.rules.rulebook_model import Rulebook
    from nh_platform.reports.session_page.content import Link
    from nh_platform.reports.session_page.material import PageMaterial
    from nh_platform.reports.session_page.session_figures.embedding_maps import Population

FIGURES_FILE = "report_figures.parquet"
_MB = 1e6


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the rulebooks of units and of sessions, where links lead, and the page's scripts and styles."""
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reports.page.page_code import page_code_version

    books = [load_rulebook(name) for name in platform.config(source).rulebooks]
    return {
        "rulebooks": ";".join(f"{book.id}={book.wording_version()}" for book in books),
        "session rulebooks": ";".join(f"{book.id}={book.wording_version()}" for book in _session_rulebooks(source)),
        "address of the UI": platform.settings.ui_address,
        "scripts and styles": page_code_version("nh_platform.reports.session_page"),
    }


def make(inputs: SessionInputs) -> AssetResult:
    """Draw every unit and the session from what is stored."""
    from nh_platform.reports.session_page.building import build_session_page, figures_table
    from nh_platform.reports.session_page.rendering import render_session_page
    from nh_platform.store.codecs.parquet import write_table

    material = page_material(inputs)
    page = build_session_page(material)
    figures = figures_table(page)
    html = render_session_page(page).encode()

    def write(folder: Path) -> None:
        (folder / PAGE_FILE).write_bytes(html)
        write_table(folder / FIGURES_FILE, figures, REPORT_FIGURES)

    lacking = figures[~figures["drawn"]]
    return AssetResult(
        write=write,
        rows=len(figures),
        columns=REPORT_FIGURES.columns,
        shown={
            "units": len(material.units),
            "page, MB": round(len(html) / _MB, 3),
            "figures drawn": int(figures["drawn"].sum()),
            "figures lacking": lacking[["figure", "lacking"]].to_dict("records"),
            "reviews": len(material.reviews.reviews),
        },
    )


def page_material(inputs: SessionInputs) -> PageMaterial:
    """Read everything that the page of a session is made from."""
    from nh_platform.history.catalogue_facts import first_release
    from nh_platform.qc.metrics.histogram_file import read_histograms
    from nh_platform.qc.reviews.resorted.proposals import without_carried
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import column_meanings
    from nh_platform.reports.session_page.material import PageMaterial
    from nh_platform.store.codecs.parquet import read_table
    from nh_platform.store.codecs.recording_files import read_carried, read_reviewed_unit_intervals
    from nh_platform.store.codecs.waveform_files import read_waveforms
    from nh_platform.windows.unit_valid_time import intervals_by_unit

    stored, entry = inputs.stored, inputs.config.entry
    units_folder = stored.folder("units")
    has_noise = "noise" in stored.by_asset
    events, units = inputs.events(), inputs.units()
    channels, recording = read_table(units_folder / "channels.parquet"), inputs.recording()
    return PageMaterial(
        session=inputs.files.session,
        recording=recording,
        events=events,
        signals=inputs.signals(),
        units=units,
        channels=channels,
        histograms=read_histograms(units_folder),
        meanings=column_meanings(entry),
        rulebooks=[load_rulebook(name) for name in inputs.config.rulebooks],
        reviews=without_carried(read_reviews(inputs.reviews_file), read_carried(units_folder)),
        today=inputs.platform.today,
        unit_intervals=intervals_by_unit(read_reviewed_unit_intervals(units_folder)),
        source_title=entry.title,
        release=first_release(inputs.files),
        stated_events=entry.events,
        counterparts=entry.counterparts,
        upstream_label=entry.upstream_label,
        waveforms_offered="mean_waveforms" in entry.assets_on_request,
        noise_offered="noise" in entry.assets_on_request,
        inclusions=_inclusions(inputs, events.tables, units, channels["probe"]),
        links=_links(inputs, dict(zip(recording.probes["probe"], recording.probes["revision"]))),
        versions=stored.versions,
        notes={name: one.record.left_out for name, one in stored.by_asset.items()},
        waveforms=read_waveforms(stored.folder("mean_waveforms")) if "mean_waveforms" in stored.by_asset else None,
        unit_embeddings=_unit_embeddings(inputs),
        population=_population(inputs),
        reference_window=_reference_window(inputs),
        noise=read_table(stored.folder("noise") / "noise_channels.parquet") if has_noise else None,
    )


def _unit_embeddings(inputs: SessionInputs) -> pd.DataFrame | None:
    from nh_platform.store.codecs.parquet import read_table

    if UNIT_EMBEDDINGS.name not in inputs.stored.by_asset:
        return None
    return read_table(inputs.stored.folder(UNIT_EMBEDDINGS.name) / f"{UNIT_EMBEDDINGS.name}.parquet")


def _reference_window(inputs: SessionInputs) -> str:
    from nh_platform.embeddings.units.reference_windows import UsedWindow

    made = UNIT_EMBEDDINGS.name in inputs.stored.by_asset
    return UsedWindow.read(inputs.stored.folder(UNIT_EMBEDDINGS.name)).id if made else ""


def _population(inputs: SessionInputs) -> Population | None:
    from nh_platform.reports.session_page.session_figures.embedding_maps import Population
    from nh_platform.store.codecs.parquet import read_table

    if WINDOW_EMBEDDINGS.name not in inputs.stored.by_asset:
        return None
    folder = inputs.stored.folder(WINDOW_EMBEDDINGS.name)
    windows, fits = (read_table(folder / f"{schema.name}.parquet") for schema in (WINDOW_EMBEDDINGS, POPULATION_FITS))
    return Population.of(windows, fits)


def _session_rulebooks(source: str) -> list[Rulebook]:
    """Return the shipped rulebooks with rules about sessions or insertions of a source."""
    from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids

    books = (load_rulebook(name) for name in rulebook_ids())
    return [
        book
        for book in books
        if source in book.sources and any(rule.scope in ("session", "probe") for rule in book.session)
    ]


def _inclusions(
    inputs: SessionInputs, tables: Mapping[str, pd.DataFrame], units: pd.DataFrame, channel_probes: pd.Series
) -> list[tuple[Rulebook, Inclusion]]:
    from nh_platform.qc.inclusion import StoredFacts, inclusion_of
    from nh_platform.session.tables.events import TRIALS
    from nh_platform.store.codecs.parquet import read_table

    stored = inputs.stored
    noise = read_table(stored.folder("noise") / "noise_probes.parquet") if "noise" in stored.by_asset else None
    made = StoredFacts(tables.get(TRIALS.name), True, units, channel_probes, noise)
    return [(book, inclusion_of(inputs.files, book, made)) for book in _session_rulebooks(inputs.source)]


def _links(inputs: SessionInputs, revisions: Mapping[str, str]) -> list[Link]:
    """Return where the session is in Dagster's pages, and each insertion in the release's public viewer.

    Parameters
    ----------
    inputs
        Of the session.
    revisions
        Revision of the sorting by probe.
    """
    from urllib.parse import quote

    from nh_platform.reports.session_page.content import Link

    base, entry = inputs.platform.settings.ui_address, inputs.config.entry
    partition = quote(inputs.session_id, safe="")
    links = [
        Link(f"{asset} in Dagster", f"{base}/assets/{inputs.source}/{asset}?view=partitions&partition={partition}")
        for asset in ("units", ASSET.name)
    ]
    if entry.viewer:
        for row in inputs.files.insertions.sort_values("probe").to_dict("records"):
            if row["probe"] in revisions:
                revision = quote(str(revisions[row["probe"]] or "original"), safe="")
                insertion = quote(str(row["insertion_id"]), safe="")
                address = entry.viewer.format(insertion_id=insertion, revision=revision)
                links.append(Link(f"{row['probe']} in the viewer of the {entry.organisation}", address))
    return links


ASSET = SessionAsset(
    name="session_report",
    code_version="7",
    description=(
        "The page that a reviewer opens, in one file that needs nothing beside itself: verdicts and reasons, every "
        "unit with its figures and each rule's value against its threshold, reviews, and figures of the session."
    ),
    kinds=frozenset({"html", "parquet"}),
    tables=((REPORT_FIGURES, FIGURES_FILE),),
    make=make,
    inputs=("raw_spikes", "events", "signals", "units"),
    inputs_where_made=("mean_waveforms", "noise", "unit_embeddings", "window_embeddings"),
    groups=("alignment", "qc"),
    parameters=parameters,
    reads_reviews=True,
    shows_reviews=True,
    reads_reviewed_intervals=True,
    reads_catalogue=True,
    memory_per_spike_byte=1.75,
)
