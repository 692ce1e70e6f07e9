"""Tasks of stimuli: which image was shown, whether it changed, and the mean response to what was shown repeatedly.

Contains the tasks of the two Allen sources and of repeated presentations of any source. Add a task as a module here and
its record in `visual_tasks`. Tasks of the Brain-wide Map are `nh_platform.tasks.brain_wide_bench`.
"""

from nh_platform.tasks.visual.visual_tasks import VISUAL_TASKS

__all__ = ["VISUAL_TASKS"]
