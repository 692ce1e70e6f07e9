"""The map over all sessions: a bounded, stable sample of units, and what is missing of it in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.reports.site.building import build_site
from nh_platform.reports.site.pages.index_page import index_page
from nh_platform.reports.site.pages.unit_map import release_maps
from nh_platform.reports.site.sampled_units import sampled_units
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import write_table
from nh_platform_tests.reports.site.tables import material_of, site_of, units_table

N = 20
FEATURES = ("rate_hz", "isi_cv", "acg_00")


def stored(folder: Path, sessions: dict[str, str]) -> tuple[Store, pd.DataFrame]:
    """Store embeddings of sessions with a reference window each, none where it is empty; and return their units."""
    store, units = Store(folder), []
    for number, (session_id, window) in enumerate(sessions.items()):
        ids = [str(unit) for unit in range(N)]
        units.append(pd.DataFrame({"session_id": session_id, "probe": "p", "unit_id": ids}))
        if not window:
            continue
        values = np.random.default_rng(number).random((N, len(FEATURES))).astype(np.float32)
        table = pd.DataFrame({"unit_id": ids, "probe": "p", "n_spikes": 9, "is_silent": False})
        table[list(FEATURES)] = values
        record = Provenance.make(
            asset=UNIT_EMBEDDINGS.name,
            source="ibl",
            session_id=session_id,
            code_version="1",
            inputs={},
            parameters={"reference_window": window},
        )
        with store.publish(record) as fresh:
            write_table(fresh / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS)
    return store, pd.concat(units, ignore_index=True)


def named(table: pd.DataFrame) -> set[str]:
    return set(table["session_id"] + "/" + table["unit_id"])


def test_a_release_of_few_units_is_taken_whole(tmp_path: Path) -> None:
    store, units = stored(tmp_path, {"a": "start-30s", "b": "start-30s"})
    found = sampled_units(store, "ibl", units)
    assert found.table is not None
    assert named(found.table) == named(units)
    assert found.said == "All 40 units in 2 sessions. Reference window: start-30s."
    assert not found.notes


def test_the_sample_is_bounded_and_a_session_more_changes_few(tmp_path: Path) -> None:
    windows = {f"s{number}": "whole-session" for number in range(6)}
    store, units = stored(tmp_path, windows)
    before = sampled_units(store, "ibl", units[units["session_id"] != "s5"], most=30).table
    found = sampled_units(store, "ibl", units, most=30)
    assert before is not None
    assert found.table is not None
    assert len(found.table) == 30
    assert found.table["session_id"].nunique() == 6
    assert found.said.startswith("A sample of 30 of 120 units in 6 sessions. ")
    assert named(found.table[found.table["session_id"] != "s5"]) < named(before)


def test_sessions_without_and_other_windows_are_said(tmp_path: Path) -> None:
    store, units = stored(tmp_path, {"a": "start-30s", "b": "whole-session", "c": ""})
    found = sampled_units(store, "ibl", units)
    assert "units in 3 sessions, 1 of which without embeddings" in found.said
    assert found.said.endswith("Reference windows: start-30s (1 session), whole-session (1 session).")


def test_damaged_embeddings_are_noted_and_the_others_are_drawn(tmp_path: Path) -> None:
    store, units = stored(tmp_path, {"a": "start-30s", "b": "start-30s"})
    path = store.folder("ibl", "a", UNIT_EMBEDDINGS.name) / "unit_embeddings.parquet"
    path.chmod(0o644)
    path.write_bytes(b"damaged" + path.read_bytes()[7:])
    found = sampled_units(store, "ibl", units)
    assert found.table is not None
    assert set(found.table["session_id"]) == {"b"}
    (note,) = found.notes
    assert note.startswith("session a: its units are not in the map")
    assert "unit_embeddings.parquet" in note


def test_without_any_the_page_says_what_makes_them(tmp_path: Path) -> None:
    store, units = stored(tmp_path, {"a": ""})
    assert "nh materialize ibl --missing" in sampled_units(store, "ibl", units).lacking
    site = site_of(units_table(2))
    (chart,) = release_maps(site.material)
    assert "how units fire is read from spikes" in chart.lacking
    assert chart.lacking in index_page(site)


def test_units_of_two_sessions_with_one_id_have_their_own_region_and_verdict(tmp_path: Path) -> None:
    from dataclasses import replace

    material = material_of(units_table(2, N))
    store, _ = stored(tmp_path, {"pid-00": "whole-session", "pid-01": "whole-session"})
    material = replace(material, sample=sampled_units(store, "ibl", material.units))
    by_region, by_label = release_maps(material)
    counts = {layer.name: len(np.asarray(layer.x)) for layer in by_region.layers}
    assert counts == material.units["region"].value_counts().to_dict()
    good = {layer.name: len(np.asarray(layer.x)) for layer in by_label.layers}
    assert good["good"] == material.units["good"].sum() == pytest.approx(2 * N - good["not good"])
    assert by_label.caption.startswith("All 40 units in 2 sessions. ")
    assert 'data-chart="units-by-label"' in index_page(build_site(material))
