"""Publishing is whole or not at all, whatever kills it."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import blake3
import pytest

from nh_platform.session import StoreError, UnknownSession
from nh_platform.store import Provenance, Store, data_version, processes
from nh_platform.store.file_hashes import problems
from nh_platform.store.hashing import StoredFile
from nh_platform.store.processes import process_name


def record(version: str = "1") -> Provenance:
    return Provenance(
        asset="units",
        source="ibl",
        session_id="s1",
        data_version=data_version(version, {}, {}),
        code_version=version,
    )


def publish(store: Store, text: str, version: str = "1") -> None:
    with store.publish(record(version)) as folder:
        (folder / "file.txt").write_text(text)


def content(store: Store) -> str:
    return (store.folder("ibl", "s1", "units") / "file.txt").read_text()


def test_what_was_published_is_current_with_its_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    assert content(store) == "one"
    found = store.provenance("ibl", "s1", "units")
    assert found is not None
    assert found.model_copy(update={"files": {}}) == record()
    assert found.files == {"file.txt": StoredFile(blake3=blake3.blake3(b"one").hexdigest(), size=3)}
    assert store.sources() == ["ibl"]
    assert store.sessions("ibl") == ["s1"]


def test_a_new_version_replaces_the_old_one_and_removes_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    old = store.folder("ibl", "s1", "units")
    publish(store, "two", version="2")
    assert content(store) == "two"
    assert not old.exists()


def test_the_same_version_can_be_published_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for text in ("one", "again", "and again"):
        publish(store, text)
        assert content(store) == text
    assert len([p for p in store.asset_folder("ibl", "s1", "units").iterdir() if p.is_dir()]) == 1


def test_bytes_that_are_stored_already_are_not_stored_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    folder = store.folder("ibl", "s1", "units")
    written = (folder / "file.txt").stat().st_mtime_ns
    publish(store, "one")
    assert store.folder("ibl", "s1", "units") == folder
    assert (folder / "file.txt").stat().st_mtime_ns == written


def test_an_error_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    with pytest.raises(RuntimeError, match="boom"), store.publish(record("2")) as folder:
        (folder / "file.txt").write_text("half")
        raise RuntimeError("boom")
    assert content(store) == "one"
    assert [p.name for p in store.asset_folder("ibl", "s1", "units").iterdir() if "staging" in p.name] == []


def test_a_full_disk_is_named_and_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    with pytest.raises(StoreError, match=r"disk is full.*unchanged"), store.publish(record("2")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert content(store) == "one"


def test_a_process_killed_while_writing_leaves_the_old_state(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, "one")
    script = textwrap.dedent(
        f"""
        import os, signal
        from nh_platform.store import Provenance, Store
        record = Provenance.model_validate_json({record("2").model_dump_json()!r})
        with Store({str(tmp_path)!r}).publish(record) as folder:
            (folder / "file.txt").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(store) == "one"
    publish(store, "three", version="3")
    assert content(store) == "three"
    left = [p.name for p in store.asset_folder("ibl", "s1", "units").iterdir() if p.is_dir()]
    assert len(left) == 1, "what the killed process left is removed by the next publication"


def left_of(store: Store, process: str, age_s: float = 0) -> Path:
    """Make the half-written folder that a process of this name left, so many seconds ago."""
    folder = store.asset_folder("ibl", "s1", "units") / f".staging-{process}-0a1b2c3d"
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text("half")
    os.utime(folder, (time.time() - age_s,) * 2)
    return folder


WRITING = """
    import sys
    from nh_platform.store import Provenance, Store
    with Store(sys.argv[1]).publish(Provenance.model_validate_json(sys.argv[2])) as folder:
        (folder / "file.txt").write_text("slow")
        print(folder, flush=True)
        input()
"""


def test_what_a_living_process_is_writing_is_left_alone_and_published_when_it_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path)
    command = [sys.executable, "-c", textwrap.dedent(WRITING), str(tmp_path), record("2").model_dump_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        os.utime(folder, (0, 0))  # however long it takes
        publish(store, "one")
        publish(store, "three", version="3")
        assert (folder / "file.txt").read_text() == "slow"
        process.communicate("\n")
    assert process.returncode == 0
    assert content(store) == "slow"
    assert not folder.exists()


def test_what_an_earlier_process_with_the_same_id_left_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    host, pid, start = process_name().rsplit("-", 2)
    earlier = left_of(store, f"{host}-{pid}-{int(start) - 60_000}")
    own = left_of(store, process_name())
    publish(store, "one")
    assert not earlier.exists()
    assert own.exists()


@pytest.mark.parametrize("process", ["other-host-1-1000", "4194304"], ids=["another machine", "version 0.1"])
def test_what_a_process_that_cannot_be_looked_for_left_is_removed_after_a_week(tmp_path: Path, process: str) -> None:
    store = Store(tmp_path)
    folder = left_of(store, process, age_s=6 * 86400)
    publish(store, "one")
    assert folder.exists()
    os.utime(folder, (time.time() - 8 * 86400,) * 2)
    publish(store, "two", version="2")
    assert not folder.exists()


def _publish_often(root: str, name: str) -> None:
    for number in range(8):
        publish(Store(root), name, version=f"{name}{number}")


def test_two_processes_may_publish_the_same_asset(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_publish_often, args=(str(tmp_path), name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert content(Store(tmp_path)) in ("a", "b")


def test_a_session_that_is_not_there_is_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(UnknownSession, match="nh materialize ibl nope"):
        Store(tmp_path).folder("ibl", "nope", "units")


@pytest.mark.parametrize("bad", ["../x", "", "..", "a/b"])
def test_no_path_leads_out_of_the_store(tmp_path: Path, bad: str) -> None:
    with pytest.raises(StoreError, match="cannot be part of a path"):
        Store(tmp_path).asset_folder("ibl", bad, "units")


def test_data_versions_depend_on_code_inputs_and_parameters_alone() -> None:
    base = data_version("1", {"a": "x", "b": "y"}, {"p": "q"})
    assert base == data_version("1", {"b": "y", "a": "x"}, {"p": "q"})
    assert len({base, data_version("2", {"a": "x", "b": "y"}, {"p": "q"}), data_version("1", {}, {"p": "q"})}) == 3


def _publish_as_another_machine(root: str, host: str) -> None:
    processes._host = lambda: host  # as `socket.gethostname` there says
    store = Store(root)
    for number in range(8):
        with store.publish(record(f"{host}{number}")) as folder:
            for part in range(20):
                (folder / f"{part}.txt").write_text(f"{host}{number}")
                time.sleep(0.001)


def test_two_machines_on_one_volume_do_not_remove_what_the_other_is_writing(tmp_path: Path) -> None:
    """Neither can look for the other's process: what it has half written is left alone, however often one publishes."""
    context = multiprocessing.get_context("spawn")
    machines = [context.Process(target=_publish_as_another_machine, args=(str(tmp_path), host)) for host in "ab"]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(60)
        assert machine.exitcode == 0
    folder = Store(tmp_path).folder("ibl", "s1", "units")
    texts = {path.read_text() for path in folder.glob("*.txt")}
    assert texts in ({"a7"}, {"b7"})
    assert len(list(folder.glob("*.txt"))) == 20
    assert list(problems(folder)) == []
