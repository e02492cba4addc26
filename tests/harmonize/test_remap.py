"""Claims about label remapping and about which labels a mask holds."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.harmonize.remap import as_integers, label_counts, labels_present, remap

RNG = np.random.default_rng(11)
DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64, ">i2"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 5, 3), (8, 6, 4)])
def test_every_dtype_and_memory_order_is_remapped_like_a_dictionary(dtype, shape):
    values = np.array([0, 1, 5, 100], dtype=dtype) if np.dtype(dtype).kind == "u" else np.array([-7, 0, 5, 100], dtype=dtype)
    mask = values[RNG.integers(0, 4, shape)]
    table = {int(value): 11 * k + 3 for k, value in enumerate(values)}
    expected = np.vectorize(lambda value: table[int(value)])(mask)
    for variant in (mask, np.asfortranarray(mask), mask[::-1, :, ::2].copy("K"), mask.transpose(2, 0, 1)):
        want = np.vectorize(lambda value: table[int(value)])(variant)
        np.testing.assert_array_equal(remap(variant, table), want)
    assert label_counts(mask) == {int(v): int(n) for v, n in zip(*np.unique(mask, return_counts=True))}
    assert remap(mask, table).dtype == np.uint8
    assert expected.shape == mask.shape


def test_lung_8_and_lung_10_become_one_lung():
    a, b = np.array([0, 8, 8, 3], np.uint8), np.array([0, 10, 3, 10], np.int16)
    np.testing.assert_array_equal(remap(a, {0: 0, 8: 1, 3: 2}), [0, 1, 1, 2])
    np.testing.assert_array_equal(remap(b, {0: 0, 10: 1, 3: 2}), [0, 1, 2, 1])


def test_a_value_the_map_does_not_list_is_refused_by_name():
    with pytest.raises(BadInput, match="does not list: 4, 9"):
        remap(np.array([0, 1, 4, 9], np.uint8), {0: 0, 1: 1})


def test_unlisted_values_can_be_kept_or_set():
    mask = np.array([[0, 1], [4, 70000]], dtype=np.int32)
    np.testing.assert_array_equal(remap(mask, {1: 2}, unlisted="keep"), [[0, 2], [4, 70000]])
    np.testing.assert_array_equal(remap(mask, {1: 2}, unlisted=0), [[0, 2], [0, 0]])


def test_values_too_far_apart_for_a_table_are_searched():
    mask = np.array([0, -5, 2_000_000_000, 7], dtype=np.int64)
    np.testing.assert_array_equal(remap(mask, {0: 0, -5: 1, 2_000_000_000: 2, 7: 3}), [0, 1, 2, 3])
    with pytest.raises(BadInput, match="2000000000"):
        remap(mask, {0: 0, -5: 1, 7: 3})


def test_a_result_that_does_not_fit_its_dtype_is_refused():
    with pytest.raises(BadInput, match="cannot hold"):
        remap(np.array([1], np.uint8), {1: 300}, dtype=np.uint8)


def test_whole_floats_are_labels_and_others_are_not():
    assert as_integers(np.array([0.0, 2.0, 255.0])).dtype == np.uint8
    assert as_integers(np.array([-1.0, 2.0])).dtype.kind == "i"
    with pytest.raises(BadInput, match=r"0\.5"):
        as_integers(np.array([0.0, 0.5]))
    with pytest.raises(BadInput, match="NaN"):
        as_integers(np.array([0.0, np.nan]))


def test_background_is_listed_first_even_when_absent():
    assert labels_present(np.array([3, -2, 3])) == [0, -2, 3]
    assert label_counts(np.array([], dtype=np.uint8)) == {}
