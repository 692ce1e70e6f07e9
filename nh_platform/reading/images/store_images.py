"""What an opened store offers of stimulus images: sets of pixels, and the vectors that are stored of them.

Contains the part of `OpenedStore` that reads images. Add here what is asked of images for a whole source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.reading.images.stored_embeddings import ImageEmbedding
    from nh_platform.session.image_set import ImageSet
    from nh_platform.store import Store


class StoreImages:
    """Images of the sources of a store."""

    store: Store

    def images(self, source: str, image_set: str, *, form: str = "", fill: str = "grey") -> ImageSet:
        """Return the images of a stimulus set: pixels of all of them, with their names, in the order of their rows.

        They are read from upstream's files of the home; those that are not at hand are fetched where the source's mode
        allows it.

        Parameters
        ----------
        source
            ``allen_vc`` or ``allen_vbn``.
        image_set
            ``natural_scenes`` (118, 918, 1174), ``natural_movie_one`` (900, 304, 608) or ``natural_movie_three`` (3600,
            304, 608) of Visual Coding; of Visual Behavior the stimulus name of the presentations.
        form
            Of Visual Behavior ``warped``, as on the monitor and the default, or ``unwarped``.
        fill
            What takes the place of pixels outside of an unwarped picture: ``grey`` (127, the screen between images),
            ``black``, ``white``, ``mean`` (of the image), or ``nan`` for float images as in the file.

        Raises
        ------
        ConfigError
            If the source has no images, or no such set, form or fill, or the store lies in no home.
        BadUpstreamData
            If the files are missing or damaged; the text says how to get them.

        Examples
        --------
        >>> from nh_platform import open_store  # doctest: +SKIP
        >>> open_store("data/demo").images("allen_vc", "natural_scenes").pixels.shape  # doctest: +SKIP
        (118, 114, 146)
        """
        from nh_platform.reading.images.image_sets import home_platform, read_images

        return read_images(home_platform(self.store), source, image_set, form, fill)

    def image_embedding(self, source: str, image_set: str, name: str = "gabor-pyramid") -> ImageEmbedding:
        """Return the vectors of the images of a set, (n_images, n_features) float32, in the order of their rows.

        Parameters
        ----------
        source, image_set
            As in `images`.
        name
            Which embedding of it; `image_embeddings` lists those that are stored.

        Raises
        ------
        StoreError
            If none was made.
        ConfigError
            If there is no such set or embedding; the text names those there are, and how one is made.
        """
        from nh_platform.reading.images.stored_embeddings import read_image_embedding

        return read_image_embedding(self.store, source, image_set, name)

    def image_embeddings(self, source: str) -> pd.DataFrame:
        """Return one row per stored embedding of images of a source, schema `IMAGE_EMBEDDINGS`.

        Raises
        ------
        StoreError
            If none was made.
        """
        from nh_platform.reading.images.stored_embeddings import image_embeddings_table

        return image_embeddings_table(self.store, source)
