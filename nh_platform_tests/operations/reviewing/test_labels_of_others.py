"""Labels of four tools come into a home, become columns, are explained, go out again, and disappear with their file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.operations.reviewing.review_carrying import remember_reviewed
from nh_platform.qc.reviews.curators.label_exporting import to_curation
from nh_platform.qc.reviews.evidence import TRAINS, evidence_folder
from nh_platform.qc.reviews.resorted.fingerprints import read_fingerprints, to_text
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=("raw_spikes", "events", "units"))
    return platform


@pytest.fixture
def platform(made: Platform) -> Iterator[Platform]:
    yield made
    shutil.rmtree(made.settings.reviews, ignore_errors=True)


@pytest.fixture
def session(platform: Platform) -> str:
    return platform.manifest("ibl").session_ids[0]


def _units(platform: Platform, session: str) -> pd.DataFrame:
    folder = platform.store.current("ibl", session, "units")
    assert folder is not None
    return read_table(folder / "units.parquet")


def _of_probe(units: pd.DataFrame) -> pd.DataFrame:
    return units[units["probe"] == "probe00"].reset_index(drop=True)


def _files(folder: Path, units: pd.DataFrame) -> dict[str, tuple[Path, str]]:
    """Write a file of each tool for the units of probe00, by curator; cluster ids as each tool writes them."""
    own = _of_probe(units)
    good = own["released.label"] >= 1
    clusters = own["cluster_id"].tolist()
    word = np.where(good, "good", np.where(np.arange(len(own)) % 2 == 0, "mua", "noise"))
    (folder / "cluster_group.tsv").write_text(
        "cluster_id\tgroup\n" + "".join(f"{c}\t{w}\n" for c, w in zip(clusters, word))
    )
    curation = {
        "format_version": "2",
        "unit_ids": [str(cluster) for cluster in clusters],
        "label_definitions": {
            "quality": {"label_options": ["good", "noise", "MUA"], "exclusive": True},
            "putative_type": {"label_options": ["excitatory", "inhibitory"], "exclusive": False},
        },
        "manual_labels": [
            {"unit_id": str(c), "quality": ["good" if w == "good" else "MUA"], "putative_type": ["excitatory"]}
            for c, w in zip(clusters, word)
        ],
        "removed": [str(clusters[-1])],
        "merges": [],
        "splits": [],
    }
    (folder / "curation.json").write_text(json.dumps(curation))
    bombcell = pd.DataFrame(
        {
            "phy_clusterID": [float(cluster) for cluster in clusters],
            "nSpikes": own["n_spikes"].astype(float),
            "bc_unitType": np.where(good, "GOOD", np.where(word == "noise", "NOISE", "MUA")),
        }
    )
    bombcell.to_csv(folder / "templates._bc_qMetrics.csv")
    model = pd.DataFrame(
        {"unitrefine_label": np.where(good, "sua", "mua"), "unitrefine_probability": np.linspace(0.5, 1, len(own))},
        index=clusters,
    )
    model.to_csv(folder / "unitrefine.csv")
    return {
        "anna": (folder / "cluster_group.tsv", "group"),
        "ben": (folder / "curation.json", "quality"),
        "bombcell": (folder / "templates._bc_qMetrics.csv", "bc_unitType"),
        "unitrefine": (folder / "unitrefine.csv", "unitrefine_label"),
    }


def test_labels_of_phy_spikeinterface_bombcell_and_unitrefine_are_imported_and_compared(
    platform: Platform, session: str, tmp_path: Path
) -> None:
    units = _units(platform, session)
    own = _of_probe(units)
    n_good = int((own["released.label"] >= 1).sum())
    for number, (curator, (file, label_set)) in enumerate(_files(tmp_path, units).items()):
        arguments = ("review", "import", str(file), "ibl", session[:6], "--curator", curator, "--probe", "probe00")
        printed = nh(platform.settings.home, *arguments, "--dry-run").output
        assert f"labels of {len(own)} of {len(own)} units by {curator}" in printed
        assert "nothing was written" in printed
        for against in ("released label", "rulebook ibl-2022-10"):
            assert against in printed
        done = operations.import_labels(platform.settings.home, file, "ibl", session, curator, probe="probe00")
        table = done.agreement[done.agreement["label_set"] == label_set].set_index("against")
        assert len(table) >= 2 + number
        released = table.loc["released label"]
        assert (released["units"], released["both_good"], released["agreement"]) == (len(own), n_good, 1.0)
        assert released["kappa"] == pytest.approx(1.0)
        again = operations.import_labels(platform.settings.home, file, "ibl", session, curator, probe="probe00")
        assert not again.is_changed
    assert "anna group" in table.index
    assert "holds these labels already" in nh(platform.settings.home, *arguments).output


def test_labels_are_columns_of_the_next_units_are_explained_and_go_with_their_file(
    platform: Platform, session: str, tmp_path: Path
) -> None:
    version = platform.reviews_version("ibl", session)
    units = _units(platform, session)
    for curator, (file, _) in _files(tmp_path, units).items():
        operations.import_labels(platform.settings.home, file, "ibl", session, curator, probe="probe00")
    assert platform.reviews_version("ibl", session) != version
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=("units",))
        assert outcome.made == ("units",)
        labelled = _units(platform, session)
        columns = [name for name in labelled if name.startswith("curated.")]
        assert columns == [
            "curated.anna.group",
            "curated.ben.putative_type.excitatory",
            "curated.ben.putative_type.inhibitory",
            "curated.ben.quality",
            "curated.ben.removed",
            "curated.bombcell.bc_unitType",
            "curated.unitrefine.unitrefine_label",
            "curated.unitrefine.unitrefine_probability",
        ]
        on_probe = labelled["probe"] == "probe00"
        assert labelled.loc[on_probe, "curated.anna.group"].notna().all()
        assert labelled.loc[~on_probe, columns].isna().all().all()
        pd.testing.assert_series_equal(labelled["pass.ibl-2022-10"], units["pass.ibl-2022-10"])
        printed = nh(platform.settings.home, "qc", "explain", "ibl", session, "probe00/2").output
        assert f"anna: group {labelled['curated.anna.group'][2]}" in printed
        shutil.rmtree(evidence_folder(platform.reviews_file("ibl", session)))
        assert platform.reviews_version("ibl", session) == version
        materialize(platform, instance, "ibl", assets=("units",))
    pd.testing.assert_frame_equal(_units(platform, session), units)


def test_decisions_go_out_and_come_back_the_same(platform: Platform, session: str, tmp_path: Path) -> None:
    home, units = platform.settings.home, _units(platform, session)
    passed = dict(zip(units["unit_id"], units["pass.ibl-2022-10"]))
    nh(home, "review", "export", "ibl", session, "--out", str(tmp_path / "ours.json"), "--remove-failed")
    back = operations.import_labels(home, tmp_path / "ours.json", "ibl", session, "export")
    said = {row.label: row.units for row in back.counts.itertuples() if row.label_set == "quality"}
    assert said == {"good": sum(passed.values()), "MUA": len(passed) - sum(passed.values())}
    ours = back.agreement.set_index(["label_set", "against"]).loc[("quality", "rulebook ibl-2022-10")]
    assert (ours["units"], ours["agreement"]) == (len(units), 1.0)
    done = operations.export_decisions(home, "ibl", session, tmp_path / "phy", "phy", fail_as="noise")
    assert [path.relative_to(tmp_path).as_posix() for path in done.written] == [
        "phy/probe00/cluster_group.tsv",
        "phy/probe01/cluster_group.tsv",
    ]
    for probe in ("probe00", "probe01"):
        file = tmp_path / "phy" / probe / "cluster_group.tsv"
        back = operations.import_labels(home, file, "ibl", session, "phy", probe=probe)
        assert back.agreement.set_index("against").loc["rulebook ibl-2022-10", "agreement"] == 1.0
    by_cluster = operations.export_decisions(home, "ibl", session, tmp_path, "spikeinterface", by_cluster=True)
    assert [path.name for path in by_cluster.written] == ["probe00.json", "probe01.json"]
    assert json.loads(by_cluster.written[0].read_text())["unit_ids"] == _of_probe(units)["cluster_id"].tolist()


def test_an_export_does_not_replace_what_a_person_labelled(platform: Platform, session: str, tmp_path: Path) -> None:
    home, theirs = platform.settings.home, tmp_path / "probe00" / "cluster_group.tsv"
    theirs.parent.mkdir()
    theirs.write_text("cluster_id\tgroup\n0\tgood\n")
    arguments = ("review", "export", "ibl", session, "--format", "phy", "--out", str(tmp_path))
    assert "holds something else" in nh(home, *arguments, code=1).output
    assert theirs.read_text() == "cluster_id\tgroup\n0\tgood\n"
    assert not (tmp_path / "probe01").exists()
    nh(home, *arguments, "--overwrite", "--probe", "probe00")
    nh(home, *arguments, "--probe", "probe00")
    assert len(theirs.read_text().splitlines()) == 13
    with pytest.raises(ConfigError, match="ending in"):
        operations.export_decisions(home, "ibl", session, tmp_path / "x", "spikeinterface")
    with pytest.raises(ConfigError, match="they were by ibl-2022-10"):
        to_curation(_units(platform, session), "other")
    with pytest.raises(UnknownSession):
        operations.export_decisions(home, "ibl", "nothing", tmp_path / "x.json", "spikeinterface")


def test_what_cannot_be_imported_is_said_and_nothing_is_written(
    platform: Platform, session: str, tmp_path: Path
) -> None:
    home, file = platform.settings.home, tmp_path / "cluster_group.tsv"
    file.write_text("cluster_id\tgroup\n0\tgood\n999\tmua\n")
    arguments = ("review", "import", str(file), "ibl", session, "--curator")
    assert "State the probe" in nh(home, *arguments, "anna", code=1).output
    assert "999 (the first is line 3)" in nh(home, *arguments, "anna", "--probe", "probe00", code=1).output
    assert "For example anna" in nh(home, *arguments, "Anna!", "--probe", "probe00", code=1).output
    assert "it is not a day" in nh(home, *arguments, "anna", "--date", "May", code=1).output
    assert not (home / "reviews" / "ibl").exists()
    printed = nh(home, *arguments, "anna", "--probe", "probe00", "--skip-unknown").output
    assert "note: 1 ids are no unit" in printed
    text = (home / "reviews" / "ibl" / session / "labels" / "anna.yaml").read_text()
    assert '"unknown": ["999"]' in text


def _review(platform: Platform, session: str, unit: str, reviewer: str) -> None:
    file = platform.reviews_file("ibl", session)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_text(f"source: ibl\nsession: {session}\nreviews:\n")
    with file.open("a") as stream:
        entry = f"{{unit: {unit}, decision: fail, reason: two neurons, reviewer: {reviewer}, date: 2026-03-01}}"
        stream.write(f"  - {entry}\n")


def _resort(platform: Platform, session: str, swapped: dict[str, str]) -> None:
    """Rewrite what was kept of reviewed trains as if an earlier sorting had had them under other ids."""
    from dataclasses import replace

    path = platform.settings.reviews / "ibl" / session / TRAINS
    known = read_fingerprints(path)
    by_unit = {one.unit: one for one in known}
    earlier = [replace(by_unit[spikes], unit=unit, reviews=by_unit[unit].reviews) for unit, spikes in swapped.items()]
    path.write_text(to_text([replace(one, sorting="earlier") for one in earlier]))


def test_reviews_after_a_resort_do_not_count_are_proposed_and_count_once_reviewers_agree(
    platform: Platform, session: str
) -> None:
    home, units = platform.settings.home, _units(platform, session)
    good = units.loc[units["pass.ibl-2022-10"] & (units["n_spikes"] > 500), "unit_id"].tolist()[:2]
    with dg.DagsterInstance.ephemeral() as instance:
        _review(platform, session, good[0], "ada")
        _review(platform, session, good[0], "bea")
        assert remember_reviewed(platform, "ibl", session) == 1
        assert remember_reviewed(platform, "ibl", session) == 0
        for reviewer in ("ada", "bea"):  # a command keeps the spikes by itself
            said = ("--decision", "fail", "--reason", "two neurons", "--reviewer", reviewer)
            nh(home, "review", "add", "ibl", session, "--unit", good[1], *said)
        assert remember_reviewed(platform, "ibl", session) == 0
        kept = read_fingerprints(platform.settings.reviews / "ibl" / session / TRAINS)
        assert sorted((one.unit, len(one.reviews)) for one in kept) == sorted((unit, 2) for unit in good)
        materialize(platform, instance, "ibl", assets=("units",))
        reviewed = _units(platform, session).set_index("unit_id")
        assert reviewed.loc[good, "review"].tolist() == ["fail", "fail"]
        _resort(platform, session, {good[0]: good[1], good[1]: good[0]})
        materialize(platform, instance, "ibl", assets=("units",))
        again = _units(platform, session).set_index("unit_id")
        assert again.loc[good, "review"].tolist() == ["none", "none"]
        assert again.loc[good, "pass.ibl-2022-10"].tolist() == [True, True]
        printed = nh(home, "qc", "explain", "ibl", session, good[0]).output
        assert "review proposed, not counted: fail by ada" in printed
        assert f"of unit {good[1]} (agreement 1.00)" in printed
        assert f"which unit {good[1]} has now" in printed
        states = {one["about"]: one["state"] for one in rows(nh(home, "review", "list", "ibl", "--format", "csv"))}
        assert states == {f"unit {unit}": "proposed" for unit in good}
        listed = rows(nh(home, "review", "carry", "ibl", session, "--format", "csv"))
        assert {(one["state"], one["reviewed unit"], one["unit now"], one["agreed"]) for one in listed} == {
            ("proposed", good[0], good[1], "-"),
            ("proposed", good[1], good[0], "-"),
        }
        before = platform.reviews_file("ibl", session).read_bytes()
        diff = nh(home, "review", "carry", "ibl", session, "--agree-as", "ada", "--dry-run").output
        assert "+" in diff
        assert f"carried over from review {listed[0]['review']}" in diff
        assert platform.reviews_file("ibl", session).read_bytes() == before
        for reviewer in ("ada", "cyd"):
            nh(home, "review", "carry", "ibl", session, "--agree-as", reviewer, "--unit", good[0])
        nothing = nh(home, "review", "carry", "ibl", session, "--agree-as", "ada", "--unit", good[0])
        assert "nothing is proposed that ada has not agreed with" in nothing.output
        said = read_reviews(platform.reviews_file("ibl", session))
        assert [(one.reviewer, one.unit_ids, one.decision) for one in said.reviews[4:]] == [
            ("ada", (good[0],), "fail"),
            ("cyd", (good[0],), "fail"),
        ]
        materialize(platform, instance, "ibl", assets=("units",))
        agreed = _units(platform, session).set_index("unit_id")
        assert agreed.loc[good, "review"].tolist() == ["fail", "none"]
        carried = operations.carry_reviews(home, "ibl", session)
        assert {one.taken_up_by for one in carried.reviews if one.unit == good[0]} == {("ada", "cyd")}


def test_reviews_of_units_that_are_gone_and_were_never_kept_are_named(platform: Platform, session: str) -> None:
    units = _units(platform, session)
    _review(platform, session, "gone-since-long", "ada")
    _review(platform, session, str(units["unit_id"][2]), "ada")
    dry = operations.carry_reviews(platform.settings.home, "ibl", session, dry_run=True)
    assert (dry.remembered, dry.untied) == (1, ("gone-since-long",))
    assert not evidence_folder(platform.reviews_file("ibl", session)).exists()
    printed = nh(platform.settings.home, "review", "carry", "ibl", session, "--matched").output
    assert "spikes of 1 reviewed unit kept now" in printed
    assert "1 same, 0 proposed, 0 orphans" in printed
    assert "nothing of their spikes kept: gone-since-long" in printed
    with pytest.raises(ConfigError, match="no review is proposed for it"):
        operations.carry_reviews(
            platform.settings.home, "ibl", session, agree_as="ada", units=[str(units["unit_id"][3])]
        )
