"""Settings: the shipped ones are whole, wrong ones are refused with one sentence."""

from pathlib import Path

import pytest

from lab.errors import RecipeError
from lab.pretrain.config import read_config, shipped
from lab.pretrain.content import ContentConfig
from lab.pretrain.text_map import TextMapConfig
from lab.pretrain.voice import VoiceConfig


def test_shipped_settings_are_read() -> None:
    content, schedule = read_config(shipped("content"), ContentConfig)
    assert content.teacher_layer == 5 and schedule.steps >= 800
    voice, schedule = read_config(shipped("voice"), VoiceConfig)
    assert voice.adversary_from < voice.settle_from < schedule.steps and voice.real_share >= 0.4
    text, schedule = read_config(shipped("text"), TextMapConfig)
    assert text.steps == schedule.steps


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[task]\nbatches = 3", "holds batches; known are"),
        ("[task]\nbatch = 'many'", "batch is wrong"),
        ("[jobs]\n", r"only \[task\] and \[schedule\]"),
        ("[task", "cannot be read as TOML"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RecipeError, match=sentence):
        read_config(tmp_path / "x.toml", ContentConfig)
