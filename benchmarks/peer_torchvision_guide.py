"""The guide's preprocessing for DINOv2 by torchvision, in torchvision's own environment.

``peer_torchvision_guide.py IN.npz OUT.npz``: images by name, (height, width) uint8 each; (3, 224, 224) float32 of each.

Wheels of torchvision are built against torch with CUDA, and beside the one for CPUs their compiled operators do not
load; two of them must be declared before torchvision is imported. The transforms of PIL images use none.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

try:
    from torchvision import transforms
except RuntimeError:
    _declared = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        _declared.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in [one for one in sys.modules if one.startswith("torchvision")]:
        del sys.modules[name]
    from torchvision import transforms
from PIL import Image


def main() -> None:
    transform = transforms.Compose(
        [
            transforms.Resize(224),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ]
    )
    made = {}
    with np.load(sys.argv[1]) as given:
        for name in given.files:
            rgb = np.stack([given[name]] * 3, axis=-1).astype(np.uint8)
            made[name] = transform(Image.fromarray(rgb)).numpy()
    np.savez(sys.argv[2], **made)


if __name__ == "__main__":
    main()
