"""Mutated weights are loaded, or refused with one sentence: no code of theirs runs, nothing crashes, hangs or grows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.rvc.faiss_index import read_index, write_index
from models.rvc.pth_file import read_pth
from models.speaker import ast
from models.voice_file import VoiceInfo, load_voice, save_voice
from models.weights.integrity import WeightsError
from pipeline.errors import SoundError
from pipeline.voices.retrieval import load_index, save_index
from tests.fuzz.trials import run_trials, trial_count
from tests.models.rvc.pth_files import contents, network, write

SAMPLE = 60
SUFFIXES = [".pth", ".index", ".voice.safetensors", ".index.safetensors", ".singers.safetensors"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(6 * 3600)]


def read(path: Path) -> str:
    """What came of loading it as what its name says."""
    torch.set_num_threads(1)
    try:
        match path.name.removeprefix("file"):
            case ".pth":
                read_pth(path)
            case ".index":
                assert np.isfinite(read_index(path, 768)).all()
            case ".voice.safetensors":
                load_voice(path)
            case ".index.safetensors":
                load_index(path)
            case _:
                ast.load(path)
    except (WeightsError, SoundError) as error:
        assert str(error) and "\n" not in str(error)
        return "refused"
    return "loaded"


def test_mutated_weights_are_loaded_or_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"a{suffix}" for suffix in SUFFIXES]
    write(paths[0], contents())
    write_index(paths[1], np.random.default_rng(0).normal(size=(50, 768)).astype(np.float32))
    save_voice(paths[2], network(), VoiceInfo("contentvec-768l12", "imported", median_f0=150.0, steps=0, seconds=60.0))
    save_index(paths[3], torch.randn(20, 64), torch.randn(256))
    ast.save(ast.build(num_hidden_layers=1), paths[4], "tiny")
    outcomes = run_trials(read, [path.read_bytes() for path in paths], SUFFIXES, trial_count(SAMPLE))
    print(outcomes)
    assert outcomes["refused"] and outcomes["loaded"]
