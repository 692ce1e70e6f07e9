"""A writer that is killed at any moment leaves the file as it was, or with its review whole; the next one cleans up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from nh_platform.qc.reviews.review_files import read_reviews, review_path
from nh_platform.qc.reviews.review_saving import append_reviews
from nh_platform.store.durable import is_half_written

_KILLS = 8
_WRITE_ON = """
import sys
from pathlib import Path
from nh_platform.qc.reviews.review_saving import append_reviews
number = 0
while True:
    entry = {"unit": f"u{number}", "decision": "fail", "reason": "x" * 2000, "reviewer": sys.argv[2]}
    append_reviews(Path(sys.argv[1]), [{**entry, "date": "2026-01-01"}])
    print(number, flush=True)
    number += 1
"""


def test_nothing_that_was_said_to_be_saved_is_lost_and_no_file_is_broken(tmp_path: Path) -> None:
    path = review_path(tmp_path, "ibl", "s1")
    said = 0
    for kill in range(_KILLS):
        command = [sys.executable, "-c", _WRITE_ON, str(path), f"writer {kill}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()  # it writes by now
            time.sleep(0.03 * (kill + 1))
            writer.kill()
            said += 1 + len(writer.stdout.read().splitlines())
        kept = read_reviews(path).reviews
        assert said <= len(kept) <= said + kill + 1, "a review may be saved and not said any more, no more than that"
    append_reviews(path, [{"unit": "last", "decision": "fail", "reason": "x", "reviewer": "ada", "date": "2026-01-01"}])
    assert not [one for one in path.parent.iterdir() if is_half_written(one.name)]
    assert read_reviews(path).reviews[-1].unit == "last"
