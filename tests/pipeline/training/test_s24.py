"""Training from s24, the base before h24: whoever chose it goes on as before."""

from dataclasses import replace
from pathlib import Path

import pytest

from models.content import student
from models.rvc import S24, Synthesizer
from models.rvc.voice_base import NAME, load_base
from models.voice_file import load_voice
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.training.base import TrainOptions
from pipeline.training.train import train_voice
from pipeline.voices.retrieval import load_index


@pytest.mark.slow
@pytest.mark.usefixtures("little_voice")
def test_only_its_decoder_learns(models: ModelPool, brief_notes: list[Path], tmp_path: Path) -> None:
    chosen = ModelPool(selection=replace(models.selection, voice_base="s24"))
    options = TrainOptions(steps=2, measure_steps=2, seconds=300)
    trained = train_voice([Note(path, path.name) for path in brief_notes], chosen, tmp_path, options)
    voice, info = load_voice(trained.model)
    assert isinstance(voice, Synthesizer) and info.base == NAME and info.content_model == student.MODEL_ID
    shipped = load_base(info.content_model).network.state_dict()
    state = voice.state_dict()
    changed = {key.partition(".")[0] for key in state if not state[key].equal(shipped[key].half().float())}
    assert changed == {"dec", "emb_g"}  # whose voice it is; how words and notes are read stays the base's
    assert load_index(trained.index)[0].shape[1] == S24.content_dim
