"""Images a second of the encoders of images: on this machine's CPUs, and on its GPU where there is one.

Contains one run for each encoder over images of the sizes that the releases have, 118 natural scenes and as many
frames of a movie as ``--frames`` says. Weights are random: speed does not depend on them, and nothing is downloaded.
Models are run where torch and transformers are installed (the extra ``images``); dinov2-base has 12 layers of 768.

Run: ``python benchmarks/bench_image_embeddings.py`` (3 CPU minutes); ``--frames 3600`` on a GPU. The share of a card's
peak is that of dense bfloat16 products as its maker states it, by the number of operations in the model's products;
it is of the model alone, with the way of images and vectors to the card and back, without loading and preprocessing.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from nh_platform.embeddings.images.image_embedding import BATCH_SIZE, embed_images
from nh_platform.embeddings.images.image_encoder import SEED_GUIDE, ImageEncoder, Precision
from nh_platform.embeddings.images.image_encoders import find_image_encoder
from nh_platform.embeddings.images.preprocessing import find_preprocessing
from nh_platform.embeddings.images.recipe import ImageRecipe
from nh_platform.session.image_set import ImageSet

SCENES, FRAME = (118, 918, 1174), (304, 608)
PEAKS_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
"""Dense bfloat16 of the makers' data sheets, by what the card's name holds."""
PARAMETERS_BASE, TOKENS = 85.4e6, 257
"""Weights in the products of dinov2-base (12 · 12 · 768² of its layers, 588 · 768 of its patches), and tokens of an
image of 224 px in patches of 14 px."""
LAYERS, WIDTH = 12, 768


def pictures(name: str, shape: tuple[int, ...]) -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return ImageSet("allen_vc", name, tuple(map(str, range(shape[0]))), pixels)


def run(encoder: ImageEncoder, images: ImageSet, weights: Path | None, precision: Precision) -> tuple[float, float]:
    """Return seconds and CPU seconds of one pass, behind a first batch that is not counted."""
    warm = ImageSet(images.source, images.name, images.image_names[:4], images.pixels[:4])
    recipe = ImageRecipe(precision=precision)
    embed_images(warm, recipe, encoder, weights)
    began, cpu = time.perf_counter(), time.process_time()
    embed_images(images, recipe, encoder, weights)
    return time.perf_counter() - began, time.process_time() - cpu


def alone(encoder: ImageEncoder, images: ImageSet, weights: Path, precision: Precision) -> float:
    """Return the seconds of the model alone: images are prepared before, and a first batch is not counted."""
    encode, prepare = encoder.open(weights, precision), find_preprocessing(SEED_GUIDE).open(weights)
    seconds = 0.0
    for first in range(-BATCH_SIZE, len(images), BATCH_SIZE):
        prepared = prepare(images.pixels[max(first, 0) : max(first, 0) + BATCH_SIZE])
        began = time.perf_counter()
        encode(prepared)  # its vectors come as numpy, so that the card is done
        seconds += time.perf_counter() - began if first >= 0 else 0.0
    return seconds


def models(folder: Path) -> dict[str, Path]:
    """Return folders with random weights of a tiny DINOv2 and of dinov2-base; none without torch."""
    try:
        import torch
        from transformers import Dinov2Config, Dinov2Model
    except ImportError:
        print("torch or transformers is not installed: no model is run")
        return {}
    torch.manual_seed(0)
    tiny = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    for name, sizes in (("tiny DINOv2", tiny), ("dinov2-base", {})):
        config = Dinov2Config(image_size=518, patch_size=14, **sizes)
        Dinov2Model(config).eval().save_pretrained(folder / name)
    return {name: folder / name for name in ("tiny DINOv2", "dinov2-base")}


def share_of_peak(images_a_second: float, card: str) -> str:
    """Return what share of a card's peak a rate of dinov2-base is, in words."""
    peak = next((peak for name, peak in PEAKS_TFLOPS.items() if name in card), None)
    operations = 2 * PARAMETERS_BASE * TOKENS + 4 * LAYERS * TOKENS**2 * WIDTH
    done = images_a_second * operations / 1e12
    return f"{done:.2f} TFLOP/s" + ("" if peak is None else f", {done / peak:.1%} of {peak:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=128, help="frames of the movie; the longer one has 3,600")
    parser.add_argument("--scenes", type=int, default=SCENES[0], help="natural scenes")
    chosen = parser.parse_args()
    sets = [pictures("scenes", (chosen.scenes, *SCENES[1:])), pictures("movie", (chosen.frames, *FRAME))]
    card = ""
    with tempfile.TemporaryDirectory() as folder:
        found = models(Path(folder))
        if found:
            import torch

            card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
            print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
        print(f"{os.cpu_count()} CPUs, card: {card or 'none'}; preprocessing included")
        runs: list[tuple[str, ImageEncoder, Path | None, Precision]] = [
            ("gabor-pyramid", find_image_encoder("gabor-pyramid"), None, "float32")
        ]
        for name, weights in found.items():
            runs += [(name, find_image_encoder("dinov2-base"), weights, one) for one in ("float32", "bfloat16")]
        for name, encoder, weights, precision in runs:
            for images in sets:
                seconds, cpu = run(encoder, images, weights, precision)
                rate = len(images) / seconds
                text = f"{rate:8.1f} images/s, {1e3 * cpu / len(images):7.1f} CPU ms an image"
                if weights is not None:
                    of_model = len(images) / alone(encoder, images, weights, precision)
                    text += f"; model alone {of_model:.1f} images/s"
                    text += f", {share_of_peak(of_model, card)}" if name == "dinov2-base" else ""
                print(f"{name:14} {precision:9} {len(images):5} {images.name:7} {text}")


if __name__ == "__main__":
    main()
