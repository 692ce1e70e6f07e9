"""`nh qc` through the runner: what it prints, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nh_platform.cli.qc.rulebooks import app
from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.qc.rules.explain import explain_unit, find_unit
from nh_platform.qc.rules.quantities import said_of
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook, rulebook_ids
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.tables.units import UNITS
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import read_table, write_table

runner = CliRunner()
TODAY = "2026-03-01"


def run(*arguments: object, code: int = 0) -> list[str]:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output.strip().splitlines()


def refused(*arguments: object) -> Exception:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 1
    assert result.exception is not None
    return result.exception


@pytest.fixture
def units(tmp_path: Path) -> Path:
    table = pd.DataFrame(
        {
            "cluster_id": [0, 1, 2, 3],
            "acronym": ["CA1", "CA1", "VISp", "VISp"],
            "slidingRP_viol": [1.0, 1, 0, 1],
            "noise_cutoff": [1.0, 10, 1, np.nan],
            "amp_median": [60e-6] * 4,
            "label": [1.0, 2 / 3, 2 / 3, 1],
        }
    )
    table.to_parquet(tmp_path / "units.pqt")
    table.to_csv(tmp_path / "units.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("name", ["units.pqt", "units.csv"])
def test_label_counts_units_rules_and_mismatches(units, name) -> None:
    lines = run("label", "--rulebook", "ibl-2022-10", "--units", units / name, "--against", "label")
    assert lines[1:6] == [
        "units: 4",
        "pass: 1",
        "max_confidence: 3 pass, 1 fail  (max_confidence ≥ 90 %; column slidingRP_viol)",
        "noise_cutoff: 2 pass, 2 fail, 1 without value  (noise_cutoff < 5; column noise_cutoff)",
        "amp_median: 4 pass, 0 fail  (amp_median > 50 µV; column amp_median)",
    ]
    assert lines[-1] == "mismatches: 1 of 4"


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_label_writes_verdicts_and_reasons(units, name) -> None:
    run("label", "--rulebook", "ibl-2022-10", "--units", units / "units.pqt", "--out", units / name)
    out = pd.read_parquet(units / name) if name.endswith("parquet") else pd.read_csv(units / name)
    assert out["cluster_id"].tolist() == [0, 1, 2, 3]
    assert out["pass.ibl-2022-10"].tolist() == [True, False, False, False]
    assert out["reason.ibl-2022-10"].tolist()[1] == "noise_cutoff 10 ≥ 5"


def test_label_refuses_what_it_cannot_do(units) -> None:
    file = units / "units.pqt"
    assert "no such column" in str(refused("label", "--rulebook", "ibl-2022-10", "--units", file, "--against", "good"))
    wrong = refused("label", "--rulebook", "allen-vc-default", "--units", file)
    assert isinstance(wrong, ConfigError)
    assert "rule amplitude_cutoff" in str(wrong)


def test_diff_names_regions_and_ends_with_the_count(units) -> None:
    lines = run("diff", "ibl-2022-03", "ibl-2022-10", "--units", units / "units.csv")
    assert lines[-1] == "changed: 1 of 4"
    assert any(line.split() == ["CA1", "2", "1", "0", "1", "1"] for line in lines)
    assert "out: 1" in lines
    assert "either --units or --source" in str(refused("diff", "ibl-2022-03", "ibl-2022-10"))


def test_diff_names_units_with_the_reason_before_and_after_and_writes_them(units) -> None:
    out = units / "changed.csv"
    lines = run("diff", "ibl-2022-03", "ibl-2022-10", "--units", units / "units.csv", "--out", out)
    assert "out  session this table, CA1, unit 1: passes → noise_cutoff 10 ≥ 5" in lines
    assert lines[-2:] == [f"written: {out}, 1 unit", "changed: 1 of 4"]
    (row,) = pd.read_csv(out).to_dict("records")
    assert (row["unit"], row["change"], row["old"], row["new"]) == (1, "out", "passes", "noise_cutoff 10 ≥ 5")
    many = pd.concat([pd.read_csv(units / "units.csv")] * 3, ignore_index=True).assign(cluster_id=range(12))
    many.to_csv(units / "many.csv", index=False)
    shown = run("diff", "ibl-2022-03", "ibl-2022-10", "--units", units / "many.csv", "--rows", 2)
    assert "by unit (3, 2 shown; --rows 0 shows all, --out FILE writes them)" in shown
    assert sum(line.startswith("out  ") for line in shown) == 2
    assert len(run("diff", "ibl-2022-10", "ibl-2022-10", "--units", units / "units.csv")) == 5


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    write_allen_vc(tmp_path / "cache", 1, 7, size=TINY)
    return tmp_path / "cache"


def test_units_csv_of_the_warehouse_is_joined_with_what_lies_beside_it(warehouse, tmp_path: Path) -> None:
    lines = run("label", "--rulebook", "allen-vc-default", "--units", warehouse / "units.csv")
    assert lines[3].startswith(f"joined: channels.csv and probes.csv in {warehouse}: ecephys_probe_id, ")
    assert any(line.endswith("column ecephys_structure_id)") for line in lines)
    assert run("diff", "allen-vc-default", "allen-vc-default", "--units", warehouse / "units.csv")[0] == lines[3]
    alone = tmp_path / "alone" / "units.csv"
    alone.parent.mkdir()
    alone.write_bytes((warehouse / "units.csv").read_bytes())
    error = str(refused("label", "--rulebook", "allen-vc-default", "--units", alone))
    for part in (
        str(alone),
        "ecephys_structure_id",
        f"Put AllenSDK's channels.csv (and probes.csv) into {alone.parent}",
    ):
        assert part in error
    assert "channels.csv" in str(refused("methods", "allen-vc-default", "--units", alone))


def test_rules_are_listed_and_shown() -> None:
    listed = run("rules", "list")
    assert any(line.startswith("ibl-2022-10  [ibl]") for line in listed)
    assert run("rules", "show", "ibl-2022-10")[0] == "# IBL good-unit label (October 2022 and later)"
    metrics = run("rules", "metrics")
    assert any(line.startswith("ibl.noise_cutoff@2022-10  [1]") for line in metrics)


def test_methods_prints_paragraph_and_bibtex(units) -> None:
    lines = run("methods", "ibl-2022-10", "--units", units / "units.csv")
    assert "Of 4 units, 1 (25.0 %) met the criteria." in lines[0]
    assert any(line.startswith("@article{ibl_bwm_2025") for line in lines)
    assert not any("@" in line[:1] for line in run("methods", "ibl-2022-10", "--no-bibtex"))


def test_docs_writes_checks_and_cleans_up(tmp_path: Path) -> None:
    docs, folder = tmp_path / "docs", tmp_path / "docs" / "rulebooks"
    assert run("docs", "--folder", docs, "--check", code=1)[-1] == "14 of 14 pages are out of date"
    assert run("docs", "--folder", docs) == ["14 pages written, 0 removed, 0 were up to date"]
    assert run("docs", "--folder", docs, "--check") == ["0 of 14 pages are out of date"]
    assert (docs / "data-dictionary.md").read_text().startswith("# Data dictionary")
    page = folder / "ibl-2022-10.md"
    page.write_text(page.read_text() + "edited by hand\n")
    (folder / "old.md").write_text((folder / "README.md").read_text())
    (folder / "own.md").write_text("written by a person\n")
    lines = run("docs", "--folder", docs, "--check", code=1)
    assert [line.split("/")[-1] for line in lines[:-1]] == ["ibl-2022-10.md", "old.md"]
    run("docs", "--folder", docs)
    assert not (folder / "old.md").exists()
    assert (folder / "own.md").exists()


def test_the_history_of_a_rule_is_told_and_a_mistyped_rule_is_offered() -> None:
    told = "\n".join(run("rules", "history", "ibl-2022-10", "noise_cutoff"))
    assert told.startswith("ibl-2022-10 noise_cutoff, since 2022-10")
    assert told.index("2026-11-28") < told.index("2022-10-04  International Brain Laboratory")
    assert "0 in, 2,786 out; 137,354 units compared" in " ".join(told.split())
    every = "\n".join(run("rules", "history", "ibl-2022-10"))
    assert "ibl-2022-10 amp_median, since 2022-03\n  no change is recorded" in every
    wrong = refused("rules", "history", "ibl-2022-10", "noise_cutof")
    assert isinstance(wrong, ConfigError)
    assert "Did you mean noise_cutoff?" in str(wrong)


@pytest.fixture
def judged() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "unit_id": ["aa-1", "ab-2"],
            "probe": ["probe00", "probe01"],
            "cluster_id": [12, 12],
            "n_spikes": [1000, 5],
            "acronym": ["CA1", None],
            "beryl": ["CA1", None],
            "atlas_id": [382, 0],
            "review": ["none", "none"],
            "released.slidingRP_viol": [1.0, 0.0],
            "released.noise_cutoff": [7.3, np.nan],
            "released.amp_median": [43e-6, 60e-6],
        }
    )
    verdicts = apply_rulebook(table, load_rulebook("ibl-2022-10"))
    return pd.concat(
        [table, verdicts.columns(), verdicts.columns().rename(columns=lambda n: n.replace("2022-10", "1999"))], axis=1
    )


def test_explain_gives_each_rule_its_value_and_reason(judged) -> None:
    row = find_unit(judged, "probe00/12", "ibl session s")
    none = SessionReviews("ibl", "s")
    text = "\n".join(explain_unit(row, none, TODAY))
    assert "unit aa-1  probe00, cluster 12, 1000 spikes, region CA1" in text
    assert "ibl-2022-10: FAIL, label 0.333  (noise_cutoff 7.3 ≥ 5; amp_median 43 µV ≤ 50 µV)" in text
    said = "half of its spikes are larger than 43 µV"
    assert (
        f"FAIL  amp_median > 50 µV: 43 µV (released.amp_median) — {said}\n        Why this rule: Against units that"
        in text
    )
    assert "pass  max_confidence ≥ 90 %: 1.0 (released.slidingRP_viol)\n" in text
    assert text.count("label: what a rulebook makes of its rules") == 1
    assert "ibl-1999: FAIL" in text
    assert "neither configured nor shipped" in text
    second = "\n".join(explain_unit(find_unit(judged, "ab", "s"), none, TODAY))
    assert "not available (NaN); the unit counts as fail" in second
    assert "region unknown" in second


def test_explain_names_the_recomputed_value_where_it_judged_for_want_of_a_released_one(judged) -> None:
    ours = {"ibl.max_confidence@2022-10": 95.0, "ibl.noise_cutoff@2022-10": 7.3, "ibl.amp_median@2022-10": 43e-6}
    stated = ["released.slidingRP_viol", "released.noise_cutoff", "released.amp_median"]
    kept = judged[[name for name in judged.columns if "2022-10" not in name and "1999" not in name]]
    units = kept.assign(**ours, **{"released.max_confidence": np.nan})
    units.loc[0, stated] = np.nan
    units = pd.concat([units, apply_rulebook(units, load_rulebook("ibl-2022-10")).columns()], axis=1)
    none = SessionReviews("ibl", "s")
    first = "\n".join(explain_unit(find_unit(units, "aa", "s"), none, TODAY))
    assert "amp_median > 50 µV: 43 µV (recomputed.ibl.amp_median@2022-10)" in first
    assert "released." not in first
    second = "\n".join(explain_unit(find_unit(units, "ab", "s"), none, TODAY))
    assert "amp_median > 50 µV: 60 µV (released.amp_median)" in second


def test_explain_says_where_a_value_is_that_units_do_not_have(judged) -> None:
    kept = judged[[name for name in judged.columns if "2022-10" not in name and "1999" not in name]]
    book = load_rulebook("bombcell-2026-10")
    units = pd.concat([kept, apply_rulebook(kept, book, missing="nan").columns()], axis=1)
    none, row = SessionReviews("ibl", "s"), find_unit(units, "aa", "s")
    without = "\n".join(explain_unit(row, none, TODAY))
    assert "----  snr ≥ 5: not available (NaN); the unit is judged without it; units do not wait for it" in without
    assert "see session.signal_to_noise(), where mean_waveforms and noise are made on request\n" in without
    made = "\n".join(explain_unit(row, none, TODAY, not_judged={"spikeinterface.snr@0.105": 4.25}))
    assert "made on request: it is 4.25 and not judged\n" in made
    assert made.count("not judged") == 1, "what is nowhere to be had is not promised"


def test_every_shipped_rule_says_what_a_value_means() -> None:
    for rulebook_id in rulebook_ids():
        for rule in load_rulebook(rulebook_id).rules:
            assert said_of(rule.metric, 0.5), f"{rulebook_id}, {rule.id}: {rule.metric} has no sentence"


@pytest.mark.parametrize(
    ("definition", "value", "sentence"),
    [
        ("ibl.presence_ratio@2022-10", 0.876, "fires in 88 % of the 10 s bins"),
        ("allen.presence_ratio@2019", 0.99, "fires in 99 of the 99 parts of the recording"),
        ("allen.amplitude_cutoff@2019", 0.00030137, "about 0.03 % of its spikes lie below the detection threshold"),
        ("ibl.slidingRP_viol@2022-03", 0.0, "the refractory test finds too many short intervals"),
        ("allen.quality@2019", "noise", "the Allen pipeline judged its waveform noise"),
        ("nh.cv@1", 1.0, ""),
    ],
)
def test_a_value_is_said_in_words(definition: str, value: float | str, sentence: str) -> None:
    assert said_of(definition, value) == sentence


def test_explain_shows_reviews_and_which_are_expired(judged) -> None:
    reviews = parse_reviews(
        "source: ibl\nsession: s\nreviews:\n"
        "  - {unit: aa-1, decision: pass, reason: fine, reviewer: ada, date: 2026-01-01, expiry: 2026-03-01}\n",
        "f",
        "ibl",
        "s",
    )
    row = find_unit(judged, "aa-1", "s")
    text = "\n".join(explain_unit(row, reviews, TODAY))
    assert "reviews (quorum 2): pending: pass by ada; 1 of 2 reviewers needed" in text
    later = "\n".join(explain_unit(row, reviews, "2026-03-02"))
    assert "reviews (quorum 2): expired: no review counts on 2026-03-02: pass by ada, to 2026-03-01" in later
    none = SessionReviews("ibl", "s")
    assert "reviews (" not in "\n".join(explain_unit(find_unit(judged, "ab-2", "s"), none, TODAY))


def test_explain_shows_the_rules_and_reviews_of_a_rulebook_of_ones_own(home, judged) -> None:
    text = RULEBOOK_DIR.joinpath("ibl-2022-10.yaml").read_text(encoding="utf-8")
    own = text.replace("id: ibl-2022-10\n", "id: ibl-1999\n").replace("review_quorum: 2", "review_quorum: 1")
    (home / "rules.yaml").write_text(own, encoding="utf-8")
    (home / "sources.yaml").write_text("ibl: {rulebook: rules.yaml}\n", encoding="utf-8")
    rulebooks = {"ibl-1999": load_rulebook(home / "rules.yaml")}
    row = find_unit(judged, "aa-1", "s")
    lines = explain_unit(row, SessionReviews("ibl", "s"), TODAY, rulebooks)
    assert "neither configured nor shipped" not in "\n".join(lines)
    assert sum(line.startswith("  FAIL  amp_median > 50 µV: 43 µV (released.amp_median)") for line in lines) == 2

    store = Store(home / "store")
    folder = store.folder("ibl", "session-1", "units")
    table = read_table(folder / "units.parquet")
    renamed = table.rename(columns=lambda name: name.replace("2022-10", "1999"))
    record = store.provenance("ibl", "session-1", "units").model_copy(update={"data_version": "3" * 64})
    with store.publish(record) as new:
        write_table(new / "units.parquet", renamed, UNITS)
    shown = "\n".join(run("explain", "ibl", "session-1", "aa-1"))
    assert "FAIL  noise_cutoff < 5: 7.3" in shown
    assert "reviews (quorum 1): counted: pass by ada: fine" in shown


@pytest.mark.parametrize("name", ["a", "zz", "probe02/12", ""])
def test_a_unit_that_is_not_one_is_refused(judged, name) -> None:
    with pytest.raises(UnknownSession, match="of its 2 units match"):
        find_unit(judged, name, "s")


@pytest.fixture
def home(judged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a home folder whose store has the units of two sessions, and one review."""
    store = Store(tmp_path / "store")
    table = judged[[name for name in judged.columns if "1999" not in name]]
    table = table.assign(channel=0, histology="alf", **{"released.slidingRP_viol": 1.0, "released.amp_median": 6e-5})
    for number in (1, 2):
        session = f"session-{number}"
        record = Provenance(
            asset="units", source="ibl", session_id=session, data_version=str(number) * 64, code_version="1"
        )
        with store.publish(record) as folder:
            write_table(folder / "units.parquet", UNITS.conform(table), UNITS)
            (folder / "summary.json").write_text("{}")
    reviews = tmp_path / "reviews" / "ibl"
    reviews.mkdir(parents=True)
    (reviews / "session-1.yaml").write_text(
        "source: ibl\nsession: session-1\nreviews:\n"
        "  - {unit: aa-1, decision: pass, reason: fine, reviewer: ada, date: 2026-01-01}\n"
    )
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.delenv("NH_REVIEWS", raising=False)
    return tmp_path


def test_explain_reads_the_store_and_the_reviews(home) -> None:
    text = "\n".join(run("explain", "ibl", "session-1", "probe00/12"))
    assert "ibl-2022-10: FAIL" in text
    assert "reviews (quorum 2): pending: pass by ada" in text
    assert "reviews (" not in "\n".join(run("explain", "ibl", "session-2", "aa-1"))
    assert run("explain", "ibl", "session-2", "aa-1")[0].startswith("unit aa-1")
    assert isinstance(refused("explain", "ibl", "session-3", "aa-1"), UnknownSession)
    assert "2 sessions begin with it: session-1, session-2" in str(refused("explain", "ibl", "session", "aa-1"))
    assert isinstance(refused("explain", "ibl", "session-1", "nobody"), UnknownSession)


def test_diff_of_a_source_reads_every_stored_session(home) -> None:
    lines = run("diff", "ibl-2022-03", "ibl-2022-10", "--source", "ibl")
    assert lines[-1] == "changed: 2 of 4"
    assert any(line.split() == ["session-1", "1", "0", "0", "1", "1"] for line in lines)
    assert any(line.split() == ["CA1", "2", "0", "0", "2", "2"] for line in lines)


def test_diff_of_recomputed_values_works_or_says_why_not(home) -> None:
    recomputed = {
        "ibl.max_confidence@2022-10": 95.0,
        "ibl.noise_cutoff@2022-10": 7.0,
        "ibl.amp_median@2022-10": 6e-5,
    }
    older = {"ibl.slidingRP_viol@2022-03": 1.0, "ibl.noise_cutoff@2022-03": 7.0}

    def publish(session, **columns) -> None:
        store = Store(home / "store")
        record = store.provenance("ibl", session, "units")
        table = read_table(store.folder("ibl", session, "units") / "units.parquet").assign(**columns)
        changed = record.model_copy(update={"data_version": f"{len(columns)}{record.data_version[1:]}"})
        with store.publish(changed) as folder:
            write_table(folder / "units.parquet", table, UNITS)

    arguments = ("diff", "ibl-2022-03", "ibl-2022-10", "--source", "ibl", "--use", "recomputed")
    for session in ("session-1", "session-2"):
        publish(session, **recomputed)
    error = refused(*arguments)
    assert "these units were made without ibl.slidingRP_viol@2022-03" in str(error)
    assert "also_rulebooks" in error.action
    publish("session-1", **older)
    lines = run(*arguments)
    assert lines[0].startswith("1 of 2 sessions were made without ibl.slidingRP_viol@2022-03: not available there")
    assert lines[-1] == "changed: 2 of 4"
    publish("session-2", **older)
    assert run(*arguments)[-1] == "changed: 4 of 4"


def test_the_commands_load_without_dagster() -> None:
    code = "import sys, nh_platform.cli.qc.rulebooks; sys.exit('dagster' in sys.modules or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
