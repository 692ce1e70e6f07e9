"""Registry of the encoders of images: the platform's own, those of installed packages, any model by its name.

Add here how an encoder is found. What one is, is `image_encoder`.
"""

from __future__ import annotations

import re

from nh_platform.embeddings.images.gabor_pyramid import GABOR_PYRAMID
from nh_platform.embeddings.images.image_encoder import ENTRY_POINTS, ImageEncoder
from nh_platform.embeddings.images.transformers_models import DINOV2, HUB_PREFIX, transformers_encoder
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.installed import Installed, load

OWN = {encoder.name: encoder for encoder in (GABOR_PYRAMID, *DINOV2)}
"""The platform's own encoders by name, the default first."""


def installed_image_encoders() -> Installed:
    """Return the encoders of images that installed packages bring."""
    return load(ENTRY_POINTS, ImageEncoder, frozenset(OWN))


def known_image_encoders() -> dict[str, ImageEncoder]:
    """Return the encoders by name: the platform's own, then those of installed packages."""
    return OWN | installed_image_encoders().found


def find_image_encoder(name: str) -> ImageEncoder:
    """Return an encoder by its name, or ``hf:owner/model`` for any vision model of the Hugging Face hub.

    Raises
    ------
    ConfigError
        If there is none; the text names those there are.

    Examples
    --------
    >>> find_image_encoder("hf:google/vit-base-patch16-224").weights
    'google/vit-base-patch16-224'
    """
    if name.startswith(HUB_PREFIX):
        model = name.removeprefix(HUB_PREFIX)
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model):
            raise ConfigError(f"image encoder {name!r}", "it names no model of the hub", "Write hf:owner/model.")
        return transformers_encoder(name, model, f"The pooled output of {model}.")
    known = known_image_encoders()
    if name not in known:
        action = f"Use one of {', '.join(known)}, or hf:OWNER/MODEL.{close_matches(name, known)}"
        raise ConfigError(f"image encoder {name!r}", "there is no such encoder", action)
    return known[name]
