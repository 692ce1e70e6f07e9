"""`nh coords` converts the positions of a table and leaves all else as it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform_tests.cli.commands import nh, rows

TABLE = 'pid,x,y,z,note\n007,-0.002,-0.0024,-0.003,"a, b"\np2,,,,none\np3,nan,0,0,\n'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(TABLE)
    return path


def to_ccf(table: Path, *more: str, code: int = 0) -> Result:
    return nh(table.parent, "coords", "--from", "ibl", "--to", "ccf", "--table", str(table), *more, code=code)


def test_positions_are_converted_and_other_columns_kept_as_written(table: Path) -> None:
    found = to_ccf(table)
    assert found.stdout == 'pid,ap,dv,ml,note\n007,7800.0,3332.0,3739.0,"a, b"\np2,,,,none\np3,,,,\n'


def test_there_and_back_through_standard_input_is_the_table_again(table: Path) -> None:
    there = to_ccf(table).stdout
    back = CliRunner().invoke(app, ["coords", "--from", "ccf", "--to", "ibl", "--table", "-"], input=there)
    assert back.exit_code == 0, back.output
    assert back.stdout == TABLE.replace("nan,0,0", ",,")


def test_ten_thousand_points_equal_iblatlas(tmp_path: Path) -> None:
    from iblatlas.atlas import AllenAtlas

    xyz = np.random.default_rng(4).uniform((-5.7e-3, -7.7e-3, -7.6e-3), (5.6e-3, 5.3e-3, 0.3e-3), size=(10_000, 3))
    pd.DataFrame(xyz, columns=["x", "y", "z"]).to_csv(tmp_path / "xyz.csv", index=False)
    (tmp_path / "ccf.csv").write_text(to_ccf(tmp_path / "xyz.csv").stdout)
    theirs = AllenAtlas(25, mock=True).xyz2ccf(xyz, ccf_order="apdvml")
    assert np.abs(pd.read_csv(tmp_path / "ccf.csv")[["ap", "dv", "ml"]].to_numpy() - theirs).max() <= 1e-6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y,z\n0,0,-0.003,9\n", "line 2 has 4 fields, the line of names 3"),
        ("x,y,z\n0,0\n", "line 2 has 2 fields"),
        ("x, x,y,z\n0,0,0,0\n", "the column 'x' stands twice"),
        ("x,y,z,note,note\n0,0,0,a,b\n", "the column 'note' stands twice"),
        ("x,y,z\n0,0,-0.003\n\nfoo,0,0\n", "line 4, column x: 'foo' is no number"),
        ('x,y,z,note\n0,0,-0.003,"a\nb"\n0,zero,0,c\n', "line 4, column y: 'zero' is no number"),
        ('x,y,z\n0,0,"-0.003\n', "it cannot be read as CSV"),
        ("x,y,z\n0,0,\0\n", "is no number"),
        ("", "columns missing: x, y, z"),
    ],
)
def test_a_table_of_which_something_would_be_lost_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    refused = to_ccf(path, code=1)
    assert refused.stdout == ""
    assert said in " ".join(refused.stderr.split())


def test_a_table_without_rows_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("id,x,y,z\n")
    assert to_ccf(path).stdout == "id,ap,dv,ml\n"


def test_a_point_outside_is_refused_with_bounds_and_resolution_or_printed_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "above.csv"
    path.write_text("id,x,y,z\n1,0,0,0\n2,0,0,0.001\n")
    refused = to_ccf(path, code=1)
    assert refused.stdout == ""
    said = " ".join(refused.stderr.split())
    assert "above.csv: points in the Allen CCF volume: 1 of 2 lie outside; the first, row 1 (from 0)" in said
    assert "dv 0 to 8,000, ml 0 to 11,400 µm (528 × 320 × 456 voxels of 25 µm)" in said
    assert "--outside keep" in said
    assert rows(to_ccf(path, "--outside", "keep"))[1] == {"id": "2", "ap": "5400.0", "dv": "-668.0", "ml": "5739.0"}
    assert rows(to_ccf(path, "--outside", "nan"))[1] == {"id": "2", "ap": "", "dv": "", "ml": ""}


def test_allens_ml_is_mirrored_where_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "allen.csv"
    path.write_text("unit_id,ccf_ap_um,ccf_dv_um,ccf_ml_um\n950911808,7469,1185,7575\n")
    found = nh(tmp_path, "coords", "--from", "ccf", "--to", "ibl", "--table", str(path), "--mirror-ml")
    assert found.stdout == "unit_id,x_m,y_m,z_m\n950911808,-0.001914,-0.002069,-0.000853\n"
    (tmp_path / "ibl.csv").write_text(found.stdout)
    assert rows(to_ccf(tmp_path / "ibl.csv", "--mirror-ml"))[0]["ccf_ml_um"] == "7575.0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("X,y,z\n0,0,0\n", "columns missing: x; it has X, y, z"),
        ("x;y;z\n0;0;0\n", "separated by commas"),
        ("x,y,z,ap\n0,0,0,1\n", "has a column ap already"),
        ("x,y,z\n0,0,0\n0,zero,0\n", "line 3, column y: 'zero' is no number"),
        ("x,y,z\n-2.0,-2.4,-3.0\n", "State x, y, z in metres from bregma"),
        ("x,y,z\ninf,0,0\n", "1 of 1 lie outside"),
    ],
)
def test_a_table_that_cannot_be_converted_is_refused_by_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)
    refused = to_ccf(path, code=1)
    assert said in " ".join(refused.stderr.split())
    assert "odd.csv" in refused.stderr


def test_no_rows_in_no_rows_out_and_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("x,y,z\n")
    assert to_ccf(tmp_path / "none.csv").stdout == "ap,dv,ml\n"
    assert "gone.csv" in to_ccf(tmp_path / "gone.csv", code=1).stderr


def test_one_frame_alone_is_refused(table: Path) -> None:
    refused = nh(table.parent, "coords", "--from", "ibl", "--to", "ibl", "--table", str(table), code=1)
    assert "both are ibl" in refused.stderr
