"""A DINOv2 of two layers, initialised at random and saved, for the tests of encoders with weights.

Add here what several tests need of a model. torch and transformers are imported when it is made.
"""

from __future__ import annotations

from pathlib import Path

WIDTH = 32


def save_tiny_dinov2(folder: Path, seed: int = 0) -> Path:
    """Write the model and its image processor into a folder, as the hub has them, and return it."""
    import torch
    from transformers import Dinov2Config, Dinov2Model
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    torch.manual_seed(seed)
    config = Dinov2Config(hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, image_size=518, patch_size=14)
    Dinov2Model(config).eval().save_pretrained(folder)
    # As preprocessor_config.json of facebook/dinov2-base states it.
    BitImageProcessorPil(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        resample=3,
        do_convert_rgb=True,
    ).save_pretrained(folder)
    return folder
