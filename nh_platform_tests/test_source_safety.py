"""No module unpickles, reads YAML by an unsafe loader, or takes an archive apart unchecked; no file is a pickle.

Contains what the source of the package must not do, read from its syntax trees, and the look for pickles in a folder.
Add here another call that runs what it reads.
"""

from __future__ import annotations

import ast
import pickletools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import nh_platform
from nh_platform.simulation import TINY
from nh_platform_tests.homes import make_home, materialize

PACKAGE = Path(nh_platform.__file__).parent
REPOSITORY = PACKAGE.parent
MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
    "pickletools",
}
"""Modules whose reading runs code; none has a use here."""
READERS = {"read_pickle", "to_pickle", "unpack_archive", "extractall", "extract"}
"""Methods by whatever they are called on: pandas' pickles, and archives that name where their members go."""
LOADERS = {"SafeLoader", "CSafeLoader", "SafeDumper"}


def offences(source: str, name: str) -> Iterator[str]:
    """Yield what a module does that may run what it reads, with its line."""
    for node in ast.walk(ast.parse(source)):
        at = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            yield from (f"{at} import {one.name}" for one in node.names if one.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield f"{at} from {node.module}"
        elif isinstance(node, ast.Attribute):
            is_of_yaml = isinstance(node.value, ast.Name) and node.value.id == "yaml"
            if is_of_yaml and node.attr.endswith(("Loader", "Dumper")) and node.attr not in LOADERS:
                yield f"{at} yaml.{node.attr}"
        elif isinstance(node, ast.Call):
            yield from (f"{at} {one}" for one in _call_offences(node))


def _call_offences(call: ast.Call) -> Iterator[str]:
    keywords = {one.arg: ast.unparse(one.value) for one in call.keywords}
    called = ast.unparse(call.func)
    if keywords.get("allow_pickle", "False") != "False":
        yield f"{called}(allow_pickle={keywords['allow_pickle']})"
    if keywords.get("trust_remote_code", "False") != "False":
        yield f"{called}(trust_remote_code={keywords['trust_remote_code']})"
    if called in ("np.load", "numpy.load") and "allow_pickle" not in keywords:
        yield f"{called} does not say allow_pickle=False"
    if called in ("np.save", "numpy.save") and "allow_pickle" not in keywords:
        yield f"{called} does not say allow_pickle=False: it would pickle an array of objects"
    if called == "torch.load" and keywords.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if called in ("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "yaml.full_load_all"):
        yield f"{called}: use nh_platform.session.yaml_files"
    if called.rpartition(".")[2] in READERS and not called.endswith(".str.extract"):
        yield called
    if called in ("eval", "exec", "os.system") or keywords.get("shell", "False") != "False":
        yield f"{called} runs a text"


def test_no_module_runs_what_it_reads() -> None:
    found = [
        offence
        for path in sorted(PACKAGE.rglob("*.py"))
        for offence in offences(path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix())
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load('a.npy')",
        "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
        "import numpy as np\nnp.load('a.npy', allow_pickle=asked)",
        "import pandas as pd\npd.read_pickle('a')",
        "import torch\ntorch.load('a.pt')",
        "import torch\ntorch.load('a.pt', weights_only=False)",
        "import yaml\nyaml.load(text, Loader=yaml.FullLoader)",
        "import yaml\nloader = yaml.UnsafeLoader",
        "import shutil\nshutil.unpack_archive('a.zip')",
        "import zipfile\nzipfile.ZipFile('a').extractall()",
        "model.from_pretrained('a', trust_remote_code=True)",
        "eval(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
    ],
)
def test_an_offence_is_found(text: str) -> None:
    assert list(offences(text, "module.py"))


@pytest.mark.parametrize(
    "text", ["np.load('a', allow_pickle=False)", "torch.load('a', weights_only=True)", "names.str.extract('(a)')"]
)
def test_what_is_safe_passes(text: str) -> None:
    assert list(offences(text, "module.py")) == []


def pickles(folder: Path, names: Iterator[Path] | None = None) -> list[str]:
    """Return the files that are pickles, by their name or by their content."""
    found = []
    for path in sorted(names or folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        if path.suffix in (".pkl", ".pickle", ".p", ".joblib", ".dill") or _is_pickle(path):
            found.append(path.relative_to(folder).as_posix())
    return found


def _is_pickle(path: Path) -> bool:
    content = path.read_bytes()
    # Protocol 2 and later begin so, and end with a full stop; what lies between must be opcodes.
    if not content.startswith(b"\x80") or not content.endswith(b"."):
        return False
    try:
        return sum(1 for _ in pickletools.genops(content)) > 1
    except ValueError:
        return False


def test_the_repository_holds_no_pickle() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    assert pickles(REPOSITORY, (REPOSITORY / name for name in listed.stdout.decode().split("\0") if name)) == []


def test_a_home_that_was_made_holds_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        (made,) = materialize(make_home(tmp_path, ("ibl",), size=TINY), instance, "ibl")
    assert made.success, made.errors
    assert sum(path.is_file() for path in tmp_path.rglob("*")) > 50
    assert pickles(tmp_path) == []


def test_a_pickle_is_found_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00\x8c\x04text\x94.")
    (tmp_path / "b.pkl").write_bytes(b"")
    (tmp_path / "c.dat").write_bytes(b"\x80 is no pickle.")
    assert pickles(tmp_path) == ["a.dat", "b.pkl"]
