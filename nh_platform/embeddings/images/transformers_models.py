"""Vision models of transformers as encoders: DINOv2 in three sizes, and any other by its name.

Contains the opening of a model and of its image processor from a folder; torch and transformers are imported there
alone (the extra ``images``). Which folder it is, and what identifies it, is `weights`.

The vector of an image is the model's pooled output: of DINOv2 the class token behind the last normalisation. A model
without one gives its first token. Nothing is filled in at random: weights that lack a tensor of the model are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.images.image_encoder import (
    PROCESSOR,
    SEED_GUIDE,
    Encode,
    FloatArray,
    ImageEncoder,
    Precision,
)
from nh_platform.session import ConfigError

VERSION = "1"
HUB_PREFIX = "hf:"
DINOV2_WIDTHS = {"small": 384, "base": 768, "large": 1024}
"""Length of the vector of each size (Oquab et al. 2023, arXiv 2304.07193, table 1)."""
BFLOAT16_TOLERANCE = 0.02
"""Largest relative distance ``|a - b| / |b|`` of a vector in ``bfloat16`` from that in ``float32`` that counts as the
same. bfloat16 keeps 8 binary digits; matrix products alone are made in it, and sums in float32."""


def open_model(weights: Path | None, precision: Precision) -> Encode:
    """Return the function that encodes (n, 3, height, width) images by the model in a folder, on a GPU if there is one.

    Raises
    ------
    ConfigError
        If torch or transformers are not installed, or the folder holds no whole model that can be read.
    """
    if weights is None:
        raise ConfigError("model of images", "its weights are not stated", "Give --weights.")
    torch, transformers = _imported()
    try:
        # Neither pickled weights nor code that lies beside them: both run what is in them.
        model, found = transformers.AutoModel.from_pretrained(
            str(weights), local_files_only=True, output_loading_info=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:
        raise _unreadable(weights, error) from error
    # transformers fills in at random what the file lacks, and goes on.
    lacking = sorted({*found["missing_keys"], *(str(one[0]) for one in found["mismatched_keys"])})
    if lacking:
        raise ConfigError(
            f"weights {weights.name}",
            f"they lack {len(lacking)} tensors of the model, first {lacking[0]}",
            f"Get them again, whole: {how_to_get(weights.name)}",
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.eval().to(device)

    def encode(images: FloatArray) -> npt.NDArray[np.floating]:
        before = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False  # float32 means float32 on a GPU too
        try:
            half = precision == "bfloat16"
            with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=half):
                pooled = _pooled(model(pixel_values=torch.from_numpy(np.ascontiguousarray(images)).to(device)))
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            shape = " × ".join(map(str, images.shape))
            raise ConfigError(
                f"model {weights.name}",
                f"it cannot embed images of shape {shape} on {device}: {text:.300}",
                "Use --preprocessing processor, which makes images as the model takes them, or another model.",
            ) from error
        finally:
            torch.backends.cudnn.allow_tf32 = before
        return np.asarray(pooled.float().cpu().numpy(), dtype=np.float32)

    return encode


def open_processor(weights: Path | None) -> Any:
    """Return the image processor in the folder of a model.

    It is the one that computes with PIL and numpy, which is transformers' own choice where torchvision is not
    installed: values do not depend on what else is installed.

    Raises
    ------
    ConfigError
        If transformers is not installed, or there is no processor in the folder.
    """
    if weights is None:
        action = "Use --preprocessing seed-guide, or an encoder with weights."
        raise ConfigError("preprocessing processor", "it comes with a model, and the encoder has no weights", action)
    _, transformers = _imported()
    try:
        return transformers.AutoImageProcessor.from_pretrained(
            str(weights), local_files_only=True, backend="pil", trust_remote_code=False
        )
    except Exception as error:
        raise _unreadable(weights, error, "preprocessor_config.json") from error


def how_to_get(name: str) -> str:
    """Return how weights are had, in a sentence."""
    return f"`hf download {name} --local-dir FOLDER`, then `--weights FOLDER`."


def transformers_encoder(name: str, weights: str, about: str) -> ImageEncoder:
    """Return the encoder of a model by its name on the hub."""
    return ImageEncoder(name, VERSION, open_model, weights, (SEED_GUIDE, PROCESSOR), about)


DINOV2 = tuple(
    transformers_encoder(
        f"dinov2-{size}",
        f"facebook/dinov2-{size}",
        f"{width} numbers: the class token of DINOv2 {size} (Oquab et al. 2023); needs the extra images and weights.",
    )
    for size, width in DINOV2_WIDTHS.items()
)
"""The three sizes of DINOv2."""


def _pooled(output: Any) -> Any:
    pooled = getattr(output, "pooler_output", None)
    if pooled is None:
        return output.last_hidden_state[:, 0]
    return pooled.flatten(1)  # of a convolutional network it is (n, width, 1, 1)


def _imported() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ConfigError(
            "encoder with weights",
            f"{error.name or 'torch'} is not installed",
            "Run `pip install torch transformers`, or use --encoder gabor-pyramid, which needs neither.",
        ) from error
    transformers.utils.logging.disable_progress_bar()
    return torch, transformers


def _unreadable(weights: Path, error: Exception, file: str = "") -> ConfigError:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    what = f"{file} of {weights.name}" if file else f"weights {weights.name}"
    return ConfigError(what, f"they cannot be read: {text:.300}", f"Get them again: {how_to_get('OWNER/NAME')}")
