"""Training sets: a versioned selection of sessions, units and windows, divided and audited, over stored files.

`open_training_set` is what training code calls. Add here what is chosen, divided or summed up for training; nothing of
a session is copied into a set, and no asset is made here.
"""

from nh_platform.session.lazy_names import lazy_names

__getattr__ = lazy_names(
    __name__,
    {"OpenTrainingSet": "opened", "Recipe": "recipe", "TrainingSet": "training_set", "open_training_set": "opened"},
)
