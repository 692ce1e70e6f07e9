"""Environments of the peer libraries that benchmarks and parity tests compare with.

Contains the pinned peers and the one way to run a script in a peer's own environment. Add a peer here when a
comparison needs one. The platform never imports a peer, and this module never imports the platform; a peer that
reads what the platform hands over has it beside (`WITH_PLATFORM`).

``python benchmarks/peers.py ibllib`` makes the environment if it is missing and prints its interpreter. Environments
lie outside the repository, in ``$NH_PEERS`` (default ``~/.cache/nh_peers``), one folder per peer.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

PEERS: dict[str, tuple[str, ...]] = {
    "elephant": (
        "elephant==1.2.1",
        "neo==0.14.6",
        "quantities==0.16.4",
        "numpy==2.4.6",
        "scipy==1.17.1",
    ),
    "ibl_bwb_eval": (
        "torch==2.13.0",
        "torchmetrics==1.9.0",
        "safetensors==0.8.0",
        "scikit-learn==1.9.1",
        "rich==15.0.0",
        "scipy==1.17.1",
        "numpy==2.4.6",
    ),
    "ibllib": ("ibllib==4.1.0", "slidingRP==1.1.1"),
    "nwb": ("pynwb==4.2.0", "nwbinspector==0.7.2", "pynapple==0.11.4", "dandi==0.81.0"),
    "readers": ("pynapple==0.11.4", "spikeinterface==0.105.3"),
    "spikeinterface": ("spikeinterface==0.105.3", "numba==0.68.1", "scipy==1.17.1", "pandas==2.3.3"),
    "table_readers": ("polars==2.1.0", "duckdb==2.0.0", "pandas==2.3.3", "pyarrow==26.0.1", "mlcroissant==1.1.1"),
    "torch_brain": ("torch==2.13.0", "torch-brain==0.2.1"),
    "torchvision": ("torch==2.13.0", "torchvision==0.28.0", "numpy==2.4.6", "pillow==13.0.0"),
}
"""Pinned packages of each peer environment. slidingRP decides IBL's labels, so it is pinned beside ibllib."""

WITHOUT_DEPENDENCIES: dict[str, tuple[str, ...]] = {"ibl_bwb_eval": ("ibl-bwb-eval==0.1.0",)}
"""What is installed last, over the packages above: the scorer pins torch 2.10.0 and numpy 2.2.6, and needs neither."""

WITH_PIP = frozenset({"ibl_bwb_eval", "torch_brain", "torchvision"})
"""Peers that pip installs: uv resolves torch with CUDA, which is gigabytes that no comparison here needs."""

WITH_PLATFORM = frozenset({"readers"})
"""Peers beside which the platform itself is imported, from the working tree, on the versions of its lock."""

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"

PYTHON = "3.11"


def peer_python(name: str) -> Path:
    """Return the interpreter of the peer environment ``name``, made with uv on first use.

    Raises
    ------
    KeyError
        If there is no such peer.
    RuntimeError
        If the environment cannot be made; the text has the output of uv or pip.
    """
    packages, last = PEERS[name], WITHOUT_DEPENDENCIES.get(name, ())
    folder = Path(os.environ.get("NH_PEERS", Path.home() / ".cache" / "nh_peers")) / name
    python = folder / "bin" / "python"
    done = folder / "nh_packages.txt"
    wanted = "\n".join(packages + last)
    if name in WITH_PLATFORM:
        wanted += "".join(f"\n{one.name} {hashlib.sha256(one.read_bytes()).hexdigest()}" for one in (LOCK, PROJECT))
    if not (done.is_file() and done.read_text() == wanted):
        _uv("venv", "--clear", "--quiet", "--python", PYTHON, str(folder))
        if name in WITH_PLATFORM:
            # The package itself for its entry points, by which sources are found; its code is taken from here.
            _uv("pip", "install", "--quiet", "--python", str(python), "--no-deps", "-r", str(LOCK), str(ROOT))
        if name in WITH_PIP:
            install = ("pip", "--python", str(python), "install", "--quiet")
            _run(*install, *packages)
            if last:
                _run(*install, "--no-deps", *last)
        else:
            _uv("pip", "install", "--quiet", "--python", str(python), *packages)
        done.write_text(wanted)
    return python


def run_in_peer(name: str, script: Path, *arguments: str | Path, timeout_s: float = 3600) -> str:
    """Run ``script`` with the peer's interpreter on one thread and return what it printed.

    Raises
    ------
    RuntimeError
        If the script fails; the text has the end of its error output.
    """
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    command = [str(peer_python(name)), str(script), *map(str, arguments)]
    # A virtual environment of the caller must not leak into the peer.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")} | one_thread
    if name in WITH_PLATFORM:
        environment["PYTHONPATH"] = str(ROOT)
    # No word of the harness comes: a script that takes turns ends when it has written what it found.
    given = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": timeout_s}
    done = subprocess.run(command, env=environment, check=False, **given)
    if done.returncode != 0:
        raise RuntimeError(f"{script.name} failed in the environment of {name}:\n{done.stderr[-4000:]}")
    return done.stdout


def _uv(*arguments: str) -> None:
    _run("uv", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stderr[-4000:]}")


if __name__ == "__main__":
    print(peer_python(sys.argv[1]))
