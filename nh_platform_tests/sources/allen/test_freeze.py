"""Allen's sessions chosen by a list, as IBL's by a freeze."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc
from nh_platform.sources.source import Source

WRITERS = {"allen_vc": write_allen_vc, "allen_vbn": write_allen_vbn}


def _source(home: Path, name: str, freeze: str = "") -> Source:
    (home / "sources.yaml").write_text(f"{name}:\n  read: {{root: upstream{freeze}}}\n")
    return Platform(load_settings(home)).source(name)


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_list_of_sessions_restricts_an_allen_source(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / "upstream", 2, 5, size=TINY)
    every = _source(tmp_path, name).manifest()
    chosen, other = sorted(every.session_ids)
    for column in ("session_id", "ecephys_session_id"):
        (tmp_path / "mine.csv").write_text(f"note,{column}\nbest,{chosen}\n")
        manifest = _source(tmp_path, name, ", freeze: mine.csv").manifest()
        assert manifest.session_ids == [chosen]
        assert set(manifest.files["session_id"]) == set(manifest.insertions["session_id"]) == {chosen}
        assert manifest.session(chosen).version("spikes") == every.session(chosen).version("spikes")
        assert manifest.release == f"mine, {every.release}"
        assert manifest.selection.startswith(f"{every.selection}, freeze mine (")
        assert manifest.left_out["session_id"].tolist() == [other]
        assert manifest.behavior_sessions.equals(every.behavior_sessions)


def test_a_list_of_other_sessions_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_allen_vc(tmp_path / "upstream", 1, 5, size=TINY)
    (known,) = _source(tmp_path, "allen_vc").manifest().session_ids
    (tmp_path / "mine.csv").write_text(f"session_id\n{known[:-1]}\n")
    found = rf"freeze mine: none of its 1 session is among the 1 of allen_vc.*Did you mean {known}"
    with pytest.raises(ConfigError, match=found):
        _source(tmp_path, "allen_vc", ", freeze: mine.csv").manifest()
    with pytest.raises(ConfigError, match=r"freeze .*gone\.csv: there is no such file"):
        _source(tmp_path, "allen_vc", ", freeze: gone.csv").manifest()
