"""The tables of stimulus images: which one a presentation showed, what is embedded, and the images of each set.

Add a column here when every image or embedding gets one more fact. Vectors are arrays beside the tables.
"""

from nh_platform.session.columns import Column, TableSchema

IMAGE_ROWS = TableSchema(
    "image_rows",
    (
        Column("presentation_id", "int64", "1", "Row of `presentations` in `events`"),
        Column("image_set", "string", "-", "Image set, the same for all repeats of a movie; empty where there is none"),
        Column("image_row", "int64", "1", "Row of the image in its set; -1 where no image of a set was shown"),
        Column("onset", "float64", "s", "When it came on: start of the presentation"),
        Column("offset", "float64", "s", "When it went: end of the presentation", nullable=True),
        Column("shows", "string", "-", "shown, blank, omitted, unknown (which image is not stated) or no image"),
    ),
    key=("presentation_id",),
)

IMAGE_EMBEDDINGS = TableSchema(
    "image_embeddings",
    (
        Column("image_set", "string", "-", "Image set, the name of the stimulus"),
        Column("embedding", "string", "-", "Name among those of the set: the encoder, and what is not as by default"),
        Column("encoder", "string", "-", "Encoder, hf:owner/model for a model by its name on the hub"),
        Column("encoder_version", "string", "-", "Version of the encoder's code"),
        Column("preprocessing", "string", "-", "seed-guide or processor, with its version behind @"),
        Column("precision", "string", "-", "float32, or bfloat16 for matrix products in half the bits"),
        Column("form", "string", "-", "shown; warped or unwarped images of Visual Behavior"),
        Column("fill", "string", "-", "What took the place of pixels outside of the picture; empty without any"),
        Column("weights_sha256", "string", "-", "Identity of the weights; empty where the encoder has none"),
        Column("images_version", "string", "-", "Identity of the files that the images were read from"),
        Column("images_sha256", "string", "-", "Identity of the pixels"),
        Column("key", "string", "-", "Identity of the embedding: images, encoder, weights, preprocessing, precision"),
        Column(
            "packages",
            "string",
            "-",
            "Packages that computed it, with their versions; not part of the key, as numbers differ within rounding",
            nullable=True,
        ),
        Column("n_images", "int64", "1", "Images of the set"),
        Column("height", "int64", "px", "Height of the images"),
        Column("width", "int64", "px", "Width of the images"),
        Column("n_features", "int64", "1", "Length of a vector"),
        Column("n_not_finite", "int64", "1", "Images with a number in their vector that is NaN or infinite"),
        Column("n_constant", "int64", "1", "Features that are the same for every image, up to rounding"),
        Column(
            "effective_rank", "float64", "1", "Dimensions that are used evenly (Roy & Vetterli 2007)", nullable=True
        ),
        Column("n_duplicates", "int64", "1", "Images that differ and have the vector of another one"),
        Column("file", "string", "-", "File of the (n_images, n_features) float32 vectors, in numpy's format"),
    ),
    key=("image_set", "embedding"),
)

IMAGE_NAMES = TableSchema(
    "image_names",
    (
        Column("image_set", "string", "-", "Image set"),
        Column("image_row", "int64", "1", "Row of the image in its set"),
        Column("image_name", "string", "-", "Name of the image"),
    ),
    key=("image_set", "image_row"),
)

EMBEDDINGS_FILE, NAMES_FILE = (f"{schema.name}.parquet" for schema in (IMAGE_EMBEDDINGS, IMAGE_NAMES))
"""Files of the asset `image_embeddings`, beside the vectors."""
