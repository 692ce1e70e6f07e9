"""The encoder ``gabor-pyramid``: energies of Gabor filters of six sizes and eight orientations, in 4 × 4 cells.

Contains the encoder that needs no weights, a model of complex cells. Move `VERSION` whenever a value changes.

The grey image, 224 px square as `preprocessing` leaves it, is halved three times. At each level it is filtered with
pairs of Gabor filters (scikit-image's `gabor_kernel`, bandwidth one octave, without response to even grey) of 4 and
4√2 px; that is 8 to 45 px of the 224. The energy is the magnitude of a pair (Adelson & Bergen 1985, J Opt Soc Am A
2:284), averaged in each of 16 cells. Visual Coding's screen is some 95° high, so that the filters prefer 0.05 to 0.3
cycles per degree: those of neurons of the mouse's visual cortex (Niell & Stryker 2008, J Neurosci 28:7520).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.embeddings.images.image_encoder import Encode, FloatArray, ImageEncoder, Precision
from nh_platform.embeddings.images.preprocessing import IMAGENET_MEAN, IMAGENET_STD

VERSION = "1"
N_LEVELS = 3
WAVELENGTHS_PX = (4.0, 4.0 * math.sqrt(2.0))
N_ORIENTATIONS = 8
N_CELLS = 4
"""Cells along each side of the image."""
BANDWIDTH_OCTAVES = 1.0
_MARGIN_PX = 16
"""Of the image mirrored at its sides: the filters reach 7 and 10 px."""
_SIGMA_PX = 1.0
"""Of the Gaussian before each halving: an octave below the new sampling, it keeps aliases under a percent."""
_DECIMALS = 6
"""What is kept: single precision has no more, and another processor's transform differs behind it."""


def feature_names() -> list[str]:
    """Return the (784,) names of the features: energies by size, orientation and cell, then the mean grey of each cell.

    Examples
    --------
    >>> names = feature_names()
    >>> len(names), names[0], names[-1]
    (784, 'energy_8.0px_0deg_r0c0', 'grey_r3c3')
    """
    cells = [f"r{row}c{column}" for row in range(N_CELLS) for column in range(N_CELLS)]
    sizes = [wave * 2.0 ** (level + 1) for level in range(N_LEVELS) for wave in WAVELENGTHS_PX]
    angles = [f"{180 * k / N_ORIENTATIONS:g}deg" for k in range(N_ORIENTATIONS)]
    energies = [f"energy_{size:.1f}px_{angle}_{cell}" for size in sizes for angle in angles for cell in cells]
    return [*energies, *(f"grey_{cell}" for cell in cells)]


def gabor_energies(images: FloatArray) -> FloatArray:
    """Return the (n, 784) features of (n, 3, 224, 224) preprocessed images (`feature_names`).

    Energies are in grey levels of 0 to 1, as the mean grey is.
    """
    grey = images[:, 0].astype(np.float32) * np.float32(IMAGENET_STD[0]) + np.float32(IMAGENET_MEAN[0])
    found = []
    level = grey
    for _ in range(N_LEVELS):
        level = _halved(level)
        found.append(_energies(level))
    features = np.concatenate([*found, _in_cells(grey)], axis=1)
    return np.round(features, _DECIMALS).astype(np.float32)


def _halved(images: FloatArray) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(images, _SIGMA_PX, axes=(1, 2), mode="reflect")
    return np.ascontiguousarray(smooth[:, ::2, ::2])


def _energies(images: FloatArray) -> FloatArray:
    """Return the (n, n_wavelengths * n_orientations * n_cells²) energies of one level."""
    from scipy import fft

    padded = np.pad(images, ((0, 0), (_MARGIN_PX, _MARGIN_PX), (_MARGIN_PX, _MARGIN_PX)), mode="reflect")
    spectrum = fft.fft2(padded, axes=(1, 2))
    margin = _MARGIN_PX // 2
    parts = []
    for band in _bands(padded.shape[1]):
        filtered = fft.ifft2(spectrum[:, band.rows[:, None], band.columns[None, :]] * band.kernel, axes=(1, 2))
        parts.append(_in_cells(np.abs(filtered[:, margin:-margin, margin:-margin])))
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class _Band:
    """The half of the frequencies, along each side, around that of a filter: rows, columns, and its transform there.

    A filter of one octave passes nothing outside of it, so that the inverse transform of it alone, a quarter of the
    work, is the response at every second pixel, but for a phase that the magnitude does not have.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    kernel: npt.NDArray[np.complex64]


@functools.cache
def _bands(side: int) -> tuple[_Band, ...]:
    """Return the band of each filter, by wavelength and orientation."""
    from scipy import fft
    from skimage.filters import gabor_kernel

    found = []
    for wave in WAVELENGTHS_PX:
        for k in range(N_ORIENTATIONS):
            angle = math.pi * k / N_ORIENTATIONS
            kernel = gabor_kernel(1.0 / wave, theta=angle, bandwidth=BANDWIDTH_OCTAVES)
            envelope = np.abs(kernel)
            kernel = kernel - envelope * (kernel.sum() / envelope.sum())  # no response to even grey
            # A filter is larger than the smallest image: what reaches beyond its sides is added on the other one.
            laid = np.zeros((side, side), dtype=np.complex128)
            rows, columns = (np.arange(length) - length // 2 for length in kernel.shape)
            np.add.at(laid, (rows[:, None] % side, columns[None, :] % side), kernel)
            spectrum = fft.fft2(laid)
            around = np.roll(np.arange(-(side // 4), side // 2 - side // 4), -(side // 4))
            rows = (around + round(side * math.sin(angle) / wave)) % side
            columns = (around + round(side * math.cos(angle) / wave)) % side
            # A transform of half the length along each side divides by a quarter of the points.
            found.append(_Band(rows, columns, (spectrum[rows[:, None], columns[None, :]] / 4).astype(np.complex64)))
    return tuple(found)


def _in_cells(images: FloatArray) -> FloatArray:
    """Return the (n, n_cells²) means of the cells.

    Summed in float64: kernels of processors add up float32 in other orders, which rounding does not always hide.
    """
    weights = _cell_weights(images.shape[1])
    return np.asarray(weights @ images @ weights.T, dtype=np.float32).reshape(len(images), -1)


@functools.cache
def _cell_weights(side: int) -> FloatArray:
    """Return the (n_cells, side) share of each pixel in the mean of a cell, parted where a cell ends within it."""
    edges = np.linspace(0, side, N_CELLS + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.clip(overlap, 0, None) * N_CELLS / side, dtype=np.float64)


def _open(weights: Path | None, precision: Precision) -> Encode:
    return gabor_energies


GABOR_PYRAMID = ImageEncoder(
    "gabor-pyramid",
    VERSION,
    _open,
    about="784 energies of Gabor filters (6 sizes, 8 orientations, 4 × 4 cells) and mean grey levels; no weights.",
)
