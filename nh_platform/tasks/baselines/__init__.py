"""Linear baselines of benchmark tasks: logistic regression of classes, ridge of values, Poisson regression of counts.

Each is scikit-learn's model on a reduced design. Add a baseline here for a kind of target that has none, with what its
seed decides. A baseline that beats others is a model, and belongs to whoever trains it.
"""

from nh_platform.tasks.baselines.fitting import Baseline, Model, NoFit
from nh_platform.tasks.baselines.linear_models import BASELINES, baseline_of

__all__ = ["BASELINES", "Baseline", "Model", "NoFit", "baseline_of"]
