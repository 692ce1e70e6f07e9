"""Counts come back the same from every form, and the order of bits and rows is as stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nh_platform.session import ConfigError
from nh_platform.windows.counts.binning import binarise
from nh_platform.windows.counts.count_forms import check_form, joined, pack, sparse

COUNTS = arrays(
    np.uint8,
    array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=20),
    elements=st.sampled_from([0, 0, 0, 1, 2, 255]),
)


def sparse_by_hand(counts) -> tuple[list[int], list[int], list[int]]:
    """Compare every value with 0, row by row."""
    indptr, indices, data = [0], [], []
    for row in counts.reshape(len(counts), -1).tolist() if counts.size else [[]] * len(counts):
        for place, value in enumerate(row):
            if value:
                indices.append(place)
                data.append(value)
        indptr.append(len(data))
    return indptr, indices, data


def bits_by_hand(row) -> list[int]:
    """Set bit k % 8 of byte k // 8 for every bin with a spike."""
    found = [0] * -(-len(row) // 8)
    for k, value in enumerate(row):
        found[k // 8] |= (1 << k % 8) if value else 0
    return found


def test_sparse_rows_are_windows_and_columns_are_unit_times_bins() -> None:
    counts = np.zeros((3, 2, 4), dtype=np.uint8)
    counts[0, 1, 0], counts[0, 0, 3], counts[2, 1, 3] = 7, 1, 255
    found = sparse(counts)
    assert found.indptr.tolist() == [0, 2, 2, 3]
    assert found.indices.tolist() == [3, 4, 7]
    assert found.data.tolist() == [1, 7, 255]
    assert (found.indptr.dtype, found.indices.dtype, found.data.dtype) == (np.int32, np.int32, np.uint8)
    matrix = found.to_scipy()
    assert matrix.shape == (3, 8)
    assert matrix.has_canonical_format
    assert np.array_equal(matrix.toarray().reshape(3, 2, 4), counts)


def test_bin_0_is_the_lowest_bit_of_the_first_byte() -> None:
    counts = np.zeros((1, 10), dtype=np.uint8)
    counts[0, [0, 7, 8]] = 1, 200, 3
    found = pack(counts)
    assert found.bits.tolist() == [[0b1000_0001, 0b0000_0001]]
    assert (found.shape, found.nbytes) == ((1, 10), 2)
    assert found.unpack().tolist() == [[1, 0, 0, 0, 0, 0, 0, 1, 1, 0]]


@given(COUNTS)
def test_sparse_counts_are_those_of_a_plain_loop_and_come_back(counts) -> None:
    found = sparse(counts)
    assert (found.indptr.tolist(), found.indices.tolist(), found.data.tolist()) == sparse_by_hand(counts)
    assert np.array_equal(found.dense(), counts)
    assert found.dense().dtype == np.uint8
    assert found.dense().shape == counts.shape
    assert found.is_smaller == (found.nbytes < counts.nbytes)


@given(COUNTS)
def test_packed_bits_are_those_of_a_plain_loop_and_come_back(counts) -> None:
    found = pack(counts)
    flat = counts.reshape(int(np.prod(counts.shape[:-1])), counts.shape[-1])
    bits = found.bits.reshape(len(flat), found.bits.shape[-1])
    assert [row.tolist() for row in bits] == [bits_by_hand(row.tolist()) for row in flat]
    assert found.shape == counts.shape
    assert np.array_equal(found.unpack(), binarise(counts))


@given(COUNTS, st.integers(1, 7))
def test_parts_joined_are_the_whole(counts, size) -> None:
    parts = [sparse(counts[first : first + size]) for first in range(0, max(len(counts), 1), size)]
    whole, found = sparse(counts), joined(parts)
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    assert found.shape == whole.shape


def test_a_view_with_strides_gives_the_same_as_its_copy() -> None:
    counts = np.random.default_rng(0).poisson(0.3, (6, 5, 8)).astype(np.uint8)
    view = counts[::2, :, 1::3]
    assert np.array_equal(sparse(view).dense(), view)
    assert np.array_equal(pack(view).unpack(), binarise(view.copy()))


def test_sparse_is_smaller_below_a_fifth_of_filled_bins() -> None:
    """An entry takes five bytes, a bin of the counts one."""
    counts = np.zeros((10, 1000), dtype=np.uint8)
    counts[:, :150] = 1
    assert sparse(counts).is_smaller
    counts[:, :250] = 1
    assert not sparse(counts).is_smaller


def test_a_form_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"form 'binarised' of counts.*counts, binary, packed, csr.*mean binary"):
        check_form("binarised")
