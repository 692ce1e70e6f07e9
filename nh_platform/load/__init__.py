"""Training data: windows of stored sessions one by one and in batches, read from mapped spikes.

`WindowSet` chooses windows and reads one; `Batches` gives them in batches that a seed decides. Add here what a training
loop reads. What sessions and windows are is `nh_platform.reading`; nothing is written but a vocabulary.
"""

from nh_platform.load.batch import Batch
from nh_platform.load.batches import Batches
from nh_platform.load.sample import Sample
from nh_platform.load.vocabulary import Vocabulary
from nh_platform.load.window_set import NoSuchWindow, WindowSet

__all__ = ["Batch", "Batches", "NoSuchWindow", "Sample", "Vocabulary", "WindowSet"]
