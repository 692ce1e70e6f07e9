"""Population state: a few numbers per window that say what many units did together.

Contains the methods (`latent_models`), how well they rebuild what they have not seen (`held_out`), the rates that they
are fitted to (`window_rates`), and the tables of a session (`window_states`). Add a module per method that is fitted in
another way. No file is read or written here.
"""

from nh_platform.embeddings.population.latent_models import METHODS, LatentModel, fit_latents
from nh_platform.embeddings.population.window_states import WINDOW_STATES_VERSION, WindowStates, window_states

__all__ = [
    "METHODS",
    "WINDOW_STATES_VERSION",
    "LatentModel",
    "WindowStates",
    "fit_latents",
    "window_states",
]
