"""The asset `session_report`: the page that a reviewer opens, in one file.

Change here what the page is made from. What it says is `nh_platform.reports.session_page`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset
from nh_platform.session.tables.report import REPORT_FIGURES

PAGE_FILE = "report.html"
FIGURES_FILE = "report_figures.parquet"


def make(inputs: SessionInputs) -> AssetResult:
    """Draw every unit and the session from what is stored."""
    from nh_platform.qc.metrics.histogram_file import read_histograms
    from nh_platform.qc.reviews.resorted.proposals import without_carried
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import column_meanings
    from nh_platform.reports.session_page.building import build_session_page, figures_table
    from nh_platform.reports.session_page.material import PageMaterial
    from nh_platform.reports.session_page.rendering import render_session_page
    from nh_platform.store.codecs.parquet import read_table, write_table
    from nh_platform.store.codecs.recording_files import read_carried
    from nh_platform.store.codecs.waveform_files import read_waveforms

    stored = inputs.stored
    units_folder = stored.folder("units")
    material = PageMaterial(
        session=inputs.files.session,
        recording=inputs.recording(),
        events=inputs.events(),
        signals=inputs.signals(),
        units=inputs.units(),
        channels=read_table(units_folder / "channels.parquet"),
        histograms=read_histograms(units_folder),
        meanings=column_meanings(inputs.config.entry),
        rulebooks=[load_rulebook(name) for name in inputs.config.rulebooks],
        reviews=without_carried(read_reviews(inputs.reviews_file), read_carried(units_folder)),
        today=inputs.platform.today,
        versions=stored.versions,
        notes={name: one.record.left_out for name, one in stored.by_asset.items()},
        waveforms=read_waveforms(stored.folder("mean_waveforms")) if "mean_waveforms" in stored.by_asset else None,
        noise=read_table(stored.folder("noise") / "noise_channels.parquet") if "noise" in stored.by_asset else None,
    )
    page = build_session_page(material)
    figures = figures_table(page)
    html = render_session_page(page)

    def write(folder: Path) -> None:
        (folder / PAGE_FILE).write_text(html, encoding="utf-8")
        write_table(folder / FIGURES_FILE, figures, REPORT_FIGURES)

    return AssetResult(
        write=write,
        rows=len(material.units),
        columns=REPORT_FIGURES.columns,
        shown={"units": len(material.units), "bytes of the page": len(html.encode())},
    )


ASSET = SessionAsset(
    name="session_report",
    code_version="1",
    description=(
        "The page that a reviewer opens, in one file that needs nothing beside itself: verdicts and reasons, every "
        "unit with its figures and each rule's value against its threshold, reviews, and figures of the session."
    ),
    kinds=frozenset({"html", "parquet"}),
    tables=((REPORT_FIGURES, FIGURES_FILE),),
    make=make,
    inputs=("raw_spikes", "events", "signals", "units"),
    inputs_where_made=("mean_waveforms", "noise"),
    reads_reviews=True,
    reads_reviewed_intervals=True,
)
