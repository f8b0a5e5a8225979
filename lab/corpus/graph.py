"""Read and rewire an ONNX model without the `onnx` package: its constants; an inner tensor as an input or an output.

Only the protobuf wire format is read: a model is a row of fields, each a number, a wire type and a value (onnx.proto:
ModelProto.graph = 7; GraphProto.node = 1, input = 11, output = 12; NodeProto.output = 2; ValueInfoProto.name = 1,
type = 2; TypeProto.tensor_type = 1; Tensor.elem_type = 1; GraphProto.initializer = 5; TensorProto.dims = 1,
data_type = 2, float_data = 4, int32_data = 5, name = 8, raw_data = 9). What is not touched is copied byte by byte.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

GRAPH = 7
NODE, INPUT, OUTPUT = 1, 11, 12
NODE_OUTPUT = 2
NAME, TYPE, TENSOR_TYPE, ELEMENT_TYPE, FLOAT = 1, 2, 1, 1, 1
INITIALIZER, DIMS, DATA_TYPE, FLOAT_DATA, INT32_DATA, TENSOR_NAME, RAW_DATA = 5, 1, 2, 4, 5, 8, 9
DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def rewired(model: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """`model` with the float tensors `inputs` as inputs; with `outputs`, those are its only outputs.

    Nodes that computed an input are left without a use, so that the runtime drops them. Raises ValueError: no such
    tensor, or no such model.
    """
    parts: list[bytes] = []
    for number, raw, value in _fields(memoryview(model)):
        parts.append(_field(number, _graph(value, inputs, outputs)) if number == GRAPH else bytes(raw))
    return b"".join(parts)


def initializers(model: bytes) -> dict[str, NDArray[np.generic]]:
    """Every constant of a model by its name. Raises ValueError: no such model."""
    tensors: dict[str, NDArray[np.generic]] = {}
    for number, _, value in _fields(memoryview(model)):
        if number == GRAPH:
            stored = [_tensor(tensor) for field, _, tensor in _fields(value) if field == INITIALIZER]
            tensors |= {name: array for name, array in stored if array is not None}
    return tensors


def _tensor(tensor: memoryview) -> tuple[str, NDArray[np.generic] | None]:
    """Name and value; None where it is of a type that is not read here."""
    shape: list[int] = []
    kind, name, raw = 0, "", None
    for number, whole, value in _fields(tensor):
        if number == DIMS:
            packed = whole[0] & 7 == LENGTH
            shape += _varints(value) if packed else [_read_varint(value, 0)[0]]
        elif number == DATA_TYPE:
            kind = _read_varint(value, 0)[0]
        elif number == TENSOR_NAME:
            name = bytes(value).decode()
        elif number in (RAW_DATA, FLOAT_DATA):
            raw = bytes(value)
        elif number == INT32_DATA and kind in DTYPES:
            raw = np.array(_varints(value), np.int64).astype(DTYPES[kind]).tobytes()
    if raw is None or kind not in DTYPES:
        return name, None
    return name, np.frombuffer(raw, DTYPES[kind]).reshape(shape)


def _varints(data: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(data):
        number, at = _read_varint(data, at)
        numbers.append(number)
    return numbers


def _graph(graph: memoryview, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    wanted = {name.encode() for name in inputs}
    computed: set[bytes] = set()
    parts: list[bytes] = []
    for number, raw, value in _fields(graph):
        if number == OUTPUT and outputs:
            continue
        if number != NODE:
            parts.append(bytes(raw))
            continue
        names = {bytes(v) for n, _, v in _fields(value) if n == NODE_OUTPUT}
        computed |= names
        parts.append(_field(NODE, _renamed(value, wanted)) if names & wanted else bytes(raw))
    if missing := sorted((wanted | {name.encode() for name in outputs}) - computed):
        raise ValueError(f"the model holds no tensor {missing[0].decode()}")
    parts += [_field(INPUT, _value_info(name)) for name in inputs]
    parts += [_field(OUTPUT, _value_info(name)) for name in outputs]
    return b"".join(parts)


def _renamed(node: memoryview, wanted: set[bytes]) -> bytes:
    return b"".join(
        _field(number, bytes(value) + b"/unused") if number == NODE_OUTPUT and bytes(value) in wanted else bytes(raw)
        for number, raw, value in _fields(node)
    )


def _value_info(name: str) -> bytes:
    element = _varint(ELEMENT_TYPE << 3 | VARINT) + _varint(FLOAT)
    return _field(NAME, name.encode()) + _field(TYPE, _field(TENSOR_TYPE, element))


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | LENGTH) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("no ONNX model: it breaks off")
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, the whole field and its value, of every field of a message."""
    at = 0
    while at < len(data):
        start = at
        key, at = _read_varint(data, at)
        begin = at
        if key & 7 == VARINT:
            _, at = _read_varint(data, at)
        elif key & 7 == LENGTH:
            size, begin = _read_varint(data, at)
            at = begin + size
        elif key & 7 in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if key & 7 == EIGHT_BYTES else 4
        else:
            raise ValueError("no ONNX model: an unknown wire type")
        if at > len(data):
            raise ValueError("no ONNX model: it breaks off")
        yield key >> 3, data[start:at], data[begin:at]
