"""Files of separators that were pruned or trained here: they load like any other, and what is wrong is one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lab.separators.trainable import TrainableSeparator
from models.separation.channels import groups, keep, widths
from models.separation.separator_file import KEY, SeparatorInfo, read_info, save_separator
from models.signal import MUSIC_RATE
from models.weights.integrity import WeightsError
from pipeline.separation.registry import open_separator
from tests.lab.separators.stem_songs import small

pytestmark = pytest.mark.usefixtures("one_thread")


def halved(trainable: TrainableSeparator, path: Path) -> None:
    """A file of the separator with half of every group."""
    for name in [group.name for group in groups(trainable.network)]:
        group = next(group for group in groups(trainable.network) if group.name == name)
        keep(trainable.network, group, range(0, group.count, 2))
    trainable.save(trainable.network, path, "for a test")


def nowhere(name: str) -> dict[str, Path]:
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["htdemucs", "mdx23c"])
def test_a_narrowed_separator_loads_like_any_other_and_sounds_as_it_did(name: str, tmp_path: Path) -> None:
    trainable = small(name, tmp_path)
    full = sum(p.numel() for p in trainable.network.parameters())
    whole = tmp_path / "whole.safetensors"
    trainable.save(trainable.network, whole, "")
    path = tmp_path / "smaller.safetensors"
    halved(trainable, path)
    assert sum(tensor.numel() for tensor in load_file(path).values()) < full
    info = read_info(path)
    assert info is not None and info.separator == name and len(info.widths) == len(widths(trainable.network))
    mix = np.random.default_rng(0).normal(0, 0.1, (2, MUSIC_RATE // 4)).astype(np.float32)
    expected = np.concatenate(list(trainable.vocals(trainable.network).vocals([mix])), axis=1)
    separator = open_separator(str(path), nowhere, bf16=False)
    assert (
        separator.model_id.startswith(f"{name}-") and separator.model_id != open_separator(str(whole), nowhere).model_id
    )
    found = np.concatenate(list(separator.vocals([mix])), axis=1)
    np.testing.assert_allclose(found, expected, atol=2e-3 * float(np.abs(expected).max()))


def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    trainable = small("mdx23c", tmp_path)
    trainable.save(trainable.network, path, "")
    state = trainable.network.state_dict()

    def refused(sentence: str) -> None:
        with pytest.raises(WeightsError, match=sentence):
            list(open_separator(str(path), nowhere).vocals([np.ones((2, MUSIC_RATE), np.float32)]))

    save_separator(path, state, SeparatorInfo("mdx23c", {"bottleneck_block.blocks.0.tfc1": 2}))
    refused(r"own\.safetensors does not fit its network: bottleneck_block\.blocks\.0\.tfc1\.2\.weight has the shape")
    save_separator(path, state, SeparatorInfo("mdx23c", {"bottleneck_block.blocks.0.tfc1": 99_999_999}))
    refused("units, which is not from 1 to 12")
    save_separator(path, state, SeparatorInfo("melody"))
    refused("is no separator that `discovervoice prune`")
    for notes in ("[", "[1]", json.dumps({"separator": 3}), json.dumps({"separator": "mdx23c", "widths": [1]})):
        save_file({"a": torch.zeros(1)}, path, {KEY: notes})
        refused("does not say which network it holds")
    save_file({"a": torch.zeros(1)}, path)
    refused("is no separator that `discovervoice prune`")
    path.write_bytes(b"cut")
    refused("own.safetensors is no readable weights file")
    path.unlink()
    refused("There is no file")
    trainable.save(trainable.network, path, "")
    (tmp_path / "own.yaml").unlink()
    refused(r"own\.safetensors needs its config own\.yaml beside it")
