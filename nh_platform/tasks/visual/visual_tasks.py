"""The records of the visual tasks.

Add a task here. Which tasks there are beside these is `nh_platform.tasks.named_tasks`; what each makes stands in its
module.
"""

from __future__ import annotations

from nh_platform.tasks.lacking import says_what_lacks
from nh_platform.tasks.task import Task
from nh_platform.tasks.visual import image_change, scene_identity
from nh_platform.tasks.visual.psth_forecast import forecast_table, repeats, task_data

VISUAL_TASKS: tuple[Task, ...] = (
    Task(
        name=scene_identity.NAME,
        title="Which of 118 natural images was shown, from the spikes of its 250 ms",
        kind="classes",
        metrics=("bacc", "f1", "ap"),
        make=says_what_lacks(scene_identity.scene_identity),
        sources=("allen_vc",),
        references=("Allen Brain Observatory, Visual Coding Neuropixels, stimulus natural_scenes",),
    ),
    Task(
        name=image_change.NAME,
        title="Whether the image changed at a flash of the change detection task, from the spikes of its 250 ms",
        kind="classes",
        metrics=("bacc", "f1", "ap"),
        make=says_what_lacks(image_change.image_change),
        sources=("allen_vbn",),
        references=("Allen Brain Observatory, Visual Behavior Neuropixels, change detection task",),
    ),
    Task(
        name=repeats.NAME,
        title="The mean response of every unit to a repeated stimulus, from the repeats that train alone",
        kind="counts",
        metrics=("poisson_d2", "bps"),
        make=says_what_lacks(task_data.forecast_data),
        references=(
            "Sahani & Linden, NIPS 15 (2003)",
            "Hsu, Borst & Theunissen, Network 15 (2004) 91-109",
            "Schoppe et al., Front. Comput. Neurosci. 10 (2016) 10",
        ),
        table=says_what_lacks(forecast_table),
    ),
)
