"""What notes and checks at the door cost: their share of a session's CPU seconds, from upstream files to embeddings.

Contains one run per source that makes every asset of a session of the size of a real insertion and times, within it,
the functions that find and note what is implausible, damaged, short, long, NaN, unsorted or outside of the recorded
time. Add a function to `DOOR` when the door learns to look at one more thing.

Run: ``python -m benchmarks.bench_door`` (3 minutes, 2 GB); ``--size demo`` for a small session.
"""

from __future__ import annotations

from benchmarks.aims import Aims
from benchmarks.chain_shares import asked_for, one_session, share_of

AIM_PERCENT = 3.0
DOOR = (
    "nh_platform.session.recorded_time:find_recorded_time",
    "nh_platform.session.recorded_time:spikes_of_recording",
    "nh_platform.session.recording:unknown_values",
    "nh_platform.qc.gate:gate_of",
    "nh_platform.qc.plausibility:unusable_probes",
    "nh_platform.qc.plausibility:implausible_volts",
    "nh_platform.windows.counts.binning:check_sorted",
    "nh_platform.windows.presentations.faulty_rows:faulty_rows",
    "nh_platform.sources.ibl.session.trials:_within_trials",
    "nh_platform.sources.ibl.session.verified_files:OpenFiles.in_time_order",
    "nh_platform.sources.allen.nwb.stimulus_presentations:_timed",
    "nh_platform.exports.stimulus.signals_at_bins:gap_notes",
)
"""Functions of the door, ``module:name`` or ``module:class.name``."""


def main() -> None:
    asked, aims = asked_for(__doc__), Aims()
    for source in asked.source:
        with one_session(source, asked.size) as (plan, session_id):
            share = share_of(plan, session_id, DOOR, f"{source}, size {asked.size}, at the door")
        aims.at_most(f"{source}: notes and checks at the door", share, AIM_PERCENT, "% of CPU")
    aims.finish()


if __name__ == "__main__":
    main()
