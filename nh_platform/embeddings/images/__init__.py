"""Embeddings of stimulus images: one vector for each image of a set, by an encoder and a preprocessing that are named.

Contains encoders (`image_encoders`), preprocessings, weights, and which image each presentation showed. Add an encoder
by a module here, or bring one by a package of your own. Nothing here reads an upstream file or writes one.
"""

from nh_platform.embeddings.images.image_embedding import embed_images
from nh_platform.embeddings.images.image_encoder import ImageEncoder
from nh_platform.embeddings.images.image_rows import image_rows
from nh_platform.embeddings.images.recipe import ImageRecipe

__all__ = ["ImageEncoder", "ImageRecipe", "embed_images", "image_rows"]
