"""The constants of an ONNX model, read without the `onnx` package, in every way that they are stored."""

import struct

import numpy as np
import pytest

from lab.corpus.graph import initializers
from lab.networks.hibari import Hibari


def number(value: int) -> bytes:
    """A varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(which: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(which << 3) + number(value)
    return number(which << 3 | 2) + number(len(value)) + value


def model(*tensors: bytes) -> bytes:
    """Protobuf of a model whose graph has these initializers, and a node before them."""
    return field(1, 8) + field(7, field(1, field(2, b"y")) + b"".join(field(5, tensor) for tensor in tensors))


def test_raw_values_have_their_shape_and_type() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    signed = np.array([-3, 0, 127], np.int8)
    read = initializers(
        model(
            field(1, 2) + field(1, 3) + field(2, 1) + field(8, b"floats") + field(9, values.tobytes()),
            field(1, 3) + field(2, 3) + field(8, b"bytes") + field(9, signed.tobytes()),
            field(2, 7) + field(8, b"whole") + field(9, struct.pack("<q", -5)),
        )
    )
    assert read.keys() == {"floats", "bytes", "whole"}
    np.testing.assert_array_equal(read["floats"], values)
    np.testing.assert_array_equal(read["bytes"], signed)
    assert read["floats"].dtype == np.float32 and read["bytes"].dtype == np.int8
    assert read["whole"].shape == () and read["whole"] == -5


def test_packed_dimensions_and_typed_values_are_read_too() -> None:
    floats = np.array([0.5, -1.5], np.float32)
    read = initializers(
        model(
            field(1, number(2)) + field(2, 1) + field(8, b"floats") + field(4, floats.tobytes()),
            field(1, number(2) + number(1)) + field(2, 2) + field(8, b"bytes") + field(5, number(7) + number(200)),
        )
    )
    np.testing.assert_array_equal(read["floats"], floats)
    np.testing.assert_array_equal(read["bytes"], np.array([[7], [200]], np.uint8))


def test_a_type_that_is_not_read_is_left_out() -> None:
    read = initializers(
        model(field(1, 1) + field(2, 9) + field(8, b"truth") + field(9, b"\x01"), field(2, 1) + field(8, b"nothing"))
    )
    assert read == {}


def test_what_is_cut_is_no_model() -> None:
    whole = model(field(1, 1) + field(2, 1) + field(8, b"x") + field(9, b"\0\0\0\0"))
    for size in (3, len(whole) - 1):
        with pytest.raises(ValueError, match="no ONNX model"):
            initializers(whole[:size])


def test_a_packages_model_is_read_whole() -> None:
    weights = Hibari().weights
    assert weights["m.dec_in.weight"].shape == (256, 130, 7)
    assert weights["/head/Transpose_output_0_quantized"].shape == (256, 3005)
    assert weights["/head/Transpose_output_0_quantized"].dtype in (np.int8, np.uint8)
    assert sum(value.size for value in weights.values()) > 6_000_000
