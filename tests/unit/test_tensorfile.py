"""safetensors files that are not what they should be, and what is said of them."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from paribus import tensorfile

GOOD = save({"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.zeros(0, dtype=np.int64)})


def made(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def one(**changes):
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


def test_a_good_file_is_read(tmp_path):
    found = tensorfile.entries(GOOD)
    assert {name: (e.dtype, e.shape) for name, e in found.items()} == {"w": ("F32", (2, 3)), "n": ("I64", (0,))}
    assert tensorfile.arrays(GOOD)["w"][1, 2] == 5
    (tmp_path / "x").write_bytes(GOOD)
    assert tensorfile.entries_of(tmp_path / "x") == found
    metadata = made({"__metadata__": {"format": "pt"}, **one()}, bytes(8))
    assert list(tensorfile.entries(metadata)) == ["w"]


MALFORMED = {
    "empty": (b"", "no safetensors file"),
    "eight bytes": (bytes(8), "no safetensors file"),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00.", "no safetensors file"),
    "a zip": (b"PK\x03\x04" + bytes(40), "no safetensors file"),
    "HTML": (b"<!doctype html><html></html>", "no safetensors file"),
    "a header longer than the file": (made(one(), bytes(8), length=4000), "is cut"),
    "a header of 11 MB": (made(one(), bytes(8), length=11 << 20), "more than 10485760"),
    "a header of 2^63 bytes": (made(one(), bytes(8), length=1 << 63), "more than 10485760"),
    "no JSON": (made(b"{w}"), "cannot be read"),
    "deep JSON": (made(b'{"a":' * 50_000), "nested too deep"),
    "a name twice": (made(b'{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"F32","shape":[2],'
                          b'"data_offsets":[0,8]}}', bytes(8)), "'w' stands twice"),
    "an unknown type": (made(one(dtype="F31"), bytes(8)), "the dtype 'F31'"),
    "a type that is no text": (made(one(dtype=["F32"]), bytes(8)), "the dtype"),
    "a negative side": (made(one(shape=[-2]), bytes(8)), "no lists of whole numbers"),
    "a fractional side": (made(one(shape=[2.0]), bytes(8)), "no lists of whole numbers"),
    "a true side": (made(one(shape=[True, 2]), bytes(8)), "no lists of whole numbers"),
    "an enormous shape": (made(one(shape=[1 << 40, 1 << 40]), bytes(8)), "which its shape"),
    "another size than its shape": (made(one(shape=[3]), bytes(8)), "which its shape"),
    "offsets backwards": (made(one(data_offsets=[8, 0]), bytes(8)), "which its shape"),
    "three offsets": (made(one(data_offsets=[0, 4, 8]), bytes(8)), "no lists of whole numbers"),
    "a gap": (made(one(data_offsets=[4, 12]), bytes(12)), "leave a gap"),
    "an overlap": (made(one() | {"v": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)), "overlap"),
    "data after the last": (made(one(), bytes(9)), "more than its tensors"),
    "data cut": (made(one(), bytes(7)), "is cut"),
    "an entry that is a list": (made({"w": [1]}), "something else than dtype"),
    "an entry with more": (made({"w": {**one()["w"], "code": "os.system"}}, bytes(8)), "something else than dtype"),
    "metadata that are no texts": (made({"__metadata__": {"a": [1]}, **one()}, bytes(8)), "no texts"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files(name):
    content, words = MALFORMED[name]
    with pytest.raises(ValueError, match="(?s)" + words.replace("(", r"\(")):
        tensorfile.entries(content)
    with pytest.raises(ValueError):
        tensorfile.arrays(content)


def test_no_flipped_bit_of_a_header_makes_another_exception():
    length = 8 + int.from_bytes(GOOD[:8], "little")
    for at in range(length):
        for bit in range(8):
            content = GOOD[:at] + bytes([GOOD[at] ^ (1 << bit)]) + GOOD[at + 1 :]
            try:
                tensorfile.arrays(content)
            except ValueError as error:
                assert str(error)


def test_shapes_are_compared_before_anything_is_read():
    found = tensorfile.entries(GOOD)
    tensorfile.refuse_other_shapes(found, {"w": (2, 3), "n": (0,)})
    for expected, words in (
        ({"w": (3, 2), "n": (0,)}, r"'w' of the shape \(2, 3\); the model's is \(3, 2\)"),
        ({"w": (2, 3), "n": (0,), "b": ()}, "lacks the tensor 'b'"),
        ({"w": (2, 3)}, "a tensor 'n' that the model does not have"),
    ):
        with pytest.raises(ValueError, match=words):
            tensorfile.refuse_other_shapes(found, expected)
    prefixed = tensorfile.entries(save({"model.w": np.zeros(2), "optimizer.0.step": np.zeros(1)}))
    tensorfile.refuse_other_shapes(prefixed, {"w": (2,)}, "model.")


def test_the_first_tensor_that_is_not_finite_is_named():
    import torch

    good = {"a": torch.ones(2), "n": torch.tensor([1])}
    assert tensorfile.not_finite(good) is None
    assert tensorfile.not_finite(good | {"b": torch.tensor([0.0, float("inf")])}) == "b"
