"""Stimulus images and their embeddings as notebooks read them.

Contains the sets of a home's sources, the recipes of a home, and stored embeddings. Add here what is read of images. No
embedding is computed here.
"""

from nh_platform.reading.images.image_sets import image_set_names, read_images
from nh_platform.reading.images.stored_embeddings import ImageEmbedding, read_image_embedding

__all__ = ["ImageEmbedding", "image_set_names", "read_image_embedding", "read_images"]
