"""Operations on a home folder, as functions with typed results: sync, fetch, materialize, backfill, demo.

A notebook calls them (docs/from-python.md), `nh_platform.cli` parses and prints. Add an operation here when a person
can do one more thing. Nothing here prints, nothing parses arguments, and no module loads anything heavy before it is
called. A module is named for its subject, since a package with a function `sync` cannot hold a module `sync`.
"""

from nh_platform.operations.anatomy.coordinate_tables import convert_coordinates
from nh_platform.operations.anatomy.probe_drawing import draw_probes
from nh_platform.operations.backfills.backfill_queue import backfill
from nh_platform.operations.catalogue_sync import sync
from nh_platform.operations.check_history import check_history, rule_history
from nh_platform.operations.doctor_findings import doctor
from nh_platform.operations.embedding.comparing import compare_embeddings
from nh_platform.operations.embedding.described_units import describe_units
from nh_platform.operations.embedding.images import embed_images
from nh_platform.operations.embedding.population import describe_population
from nh_platform.operations.embedding.unit_map import map_units
from nh_platform.operations.exports.card import describe_export
from nh_platform.operations.exports.citing import cite
from nh_platform.operations.exports.pack_export import export_spike_pack
from nh_platform.operations.exports.session_export import export_sessions
from nh_platform.operations.exports.stimulus_export import compare_stimulus, export_pictures, export_stimulus
from nh_platform.operations.files.file_fetch import fetch
from nh_platform.operations.files.recorded import list_files
from nh_platform.operations.held_releases import accept_release, try_release
from nh_platform.operations.home_status import status
from nh_platform.operations.opened_home import open_home
from nh_platform.operations.release_report import report_release
from nh_platform.operations.released_search import probes, released_rows
from nh_platform.operations.reviewing.label_export import export_decisions
from nh_platform.operations.reviewing.label_import import import_labels
from nh_platform.operations.reviewing.review_carrying import carry_reviews
from nh_platform.operations.reviewing.review_entries import add_review, agree_with_review
from nh_platform.operations.reviewing.review_lookups import list_reviews, review_agreement, review_history
from nh_platform.operations.reviewing.review_merging import merge_reviews
from nh_platform.operations.session_runs import materialize
from nh_platform.operations.simulated.demo_home import demo
from nh_platform.operations.source_inventory import inventory
from nh_platform.operations.tasks.task_lookups import list_tasks
from nh_platform.operations.tasks.task_runs import (
    run_task,
    score_predictions,
    task_tables,
    task_targets,
)
from nh_platform.operations.training.set_building import build_training_set
from nh_platform.operations.training.set_comparison import (
    compare_training_sets,
    stored_sets,
    training_set_named,
    verify_training_set,
)
from nh_platform.operations.training.set_locking import lock_training_set
from nh_platform.operations.training.set_reproduction import reproduce_training_set
from nh_platform.operations.upkeep.backup import backup
from nh_platform.operations.upkeep.cleaning import clean
from nh_platform.operations.upkeep.history_move import move_history
from nh_platform.operations.upkeep.locking import lock, locks_of, unlock
from nh_platform.operations.upkeep.migration import migrate
from nh_platform.operations.upkeep.pruning import prune
from nh_platform.operations.upkeep.restoration import restore
from nh_platform.operations.upkeep.run_pruning import prune_runs
from nh_platform.operations.upkeep.verification import verify
from nh_platform.operations.watching.counters import metrics

__all__ = [
    "accept_release",
    "add_review",
    "agree_with_review",
    "backfill",
    "backup",
    "build_training_set",
    "carry_reviews",
    "check_history",
    "cite",
    "clean",
    "compare_embeddings",
    "compare_stimulus",
    "compare_training_sets",
    "convert_coordinates",
    "demo",
    "describe_export",
    "describe_population",
    "describe_units",
    "doctor",
    "draw_probes",
    "embed_images",
    "export_decisions",
    "export_pictures",
    "export_sessions",
    "export_spike_pack",
    "export_stimulus",
    "fetch",
    "import_labels",
    "inventory",
    "list_files",
    "list_reviews",
    "list_tasks",
    "lock",
    "lock_training_set",
    "locks_of",
    "map_units",
    "materialize",
    "merge_reviews",
    "metrics",
    "migrate",
    "move_history",
    "open_home",
    "probes",
    "prune",
    "prune_runs",
    "released_rows",
    "report_release",
    "reproduce_training_set",
    "restore",
    "review_agreement",
    "review_history",
    "rule_history",
    "run_task",
    "score_predictions",
    "status",
    "stored_sets",
    "sync",
    "task_tables",
    "task_targets",
    "training_set_named",
    "try_release",
    "unlock",
    "verify",
    "verify_training_set",
]
