"""A cover is the same whatever the level of its song and the sign of its channels; where nobody sings there is none."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.covers.cover import CoverInput, CoverReport, make_cover
from pipeline.covers.stems import features_of
from pipeline.errors import NoVoice
from pipeline.listening.features import extract
from pipeline.listening.notes import read_voice
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Selection
from pipeline.sound.decode import SONG, STEM, decode
from pipeline.sound.encode import encode
from pipeline.voices.retrieval import load_index, save_index

Made = tuple[CoverReport, Floats32, int]


class Studio:
    def __init__(self, models: ModelPool, voice: tuple[Path, Path], folder: Path) -> None:
        self.models, self.voice, self.folder = models, voice, folder

    def __call__(self, name: str, sound: Floats32) -> Made:
        """The cover, its converted vocals, and the song's voiced frames."""
        out = self.folder / name
        out.mkdir(exist_ok=True)
        encode(out / f"{name}.wav", sound, MUSIC_RATE)
        model, index = self.voice
        cover = make_cover(
            CoverInput(
                song=out / f"{name}.wav",
                song_name=f"{name}.wav",
                model=model,
                index=index,
                voice_name="v",
                cache_dir=out / "cache",
                out_dir=out,
            ),
            self.models,
        )
        converted = decode(cover.converted, MUSIC_RATE, channels=2, limits=STEM, name="converted")
        return cover, converted, int(features_of(cover.stems, self.models).voiced.sum())


@pytest.fixture(scope="module")
def voice(
    voice_files: tuple[Path, Path], notes: list[Path], models: ModelPool, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Its index is of a person's notes: random numbers are all equally far, and the nearest mean nothing."""
    model, drawn = voice_files
    index = tmp_path_factory.mktemp("index") / "voice.index.safetensors"
    spoken = [read_voice(note, SPEECH_RATE, note.name)[: 8 * SPEECH_RATE] for note in notes[:2]]
    heard = [extract(wav, models.text, models.pitch).content for wav in spoken]
    save_index(index, torch.from_numpy(np.concatenate(heard)), load_index(drawn)[1])
    return model, index


@pytest.fixture(scope="module")
def studio(voice: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(ModelPool(selection=Selection(precision="float32")), voice, tmp_path_factory.mktemp("levels"))


@pytest.fixture(scope="module")
def either(request: pytest.FixtureRequest, studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """In both precisions that `auto` may take; a processor that does not multiply bfloat16 rounds to it too."""
    if request.param == "float32":
        return studio
    models = ModelPool(selection=Selection(precision="float32"))
    models.bf16 = True
    return Studio(models, studio.voice, tmp_path_factory.mktemp("rough"))


@pytest.fixture(scope="module")
def excerpt(song: Path) -> Floats32:
    sound = decode(song, MUSIC_RATE, channels=2, limits=SONG, name="song")[:, 2 * MUSIC_RATE : 6 * MUSIC_RATE]
    return np.asarray(sound / np.abs(sound).max(), np.float32)


@pytest.fixture(scope="module")
def reference(either: Studio, excerpt: Floats32) -> Made:
    return either("reference", excerpt)


@pytest.mark.parametrize(
    ("either", "decibels"), [("float32", -50), ("float32", 14), ("bfloat16", -50)], indirect=["either"]
)
def test_the_level_of_the_song_changes_nothing_but_the_gain(
    either: Studio, excerpt: Floats32, reference: Made, decibels: int
) -> None:
    cover, converted, voiced = either(f"level{decibels}", excerpt * np.float32(10 ** (decibels / 20)))
    was, converted_was, voiced_was = reference
    alike = np.corrcoef(converted.ravel(), converted_was.ravel())[0, 1]
    print(f"{decibels} dB: correlation {alike:.5f}")
    assert alike > 0.999
    level = 20 * np.log10(np.linalg.norm(converted) / np.linalg.norm(converted_was))
    assert level == pytest.approx(0, abs=0.3)  # its instrumental is the same too: the balance stays
    assert voiced == pytest.approx(voiced_was, rel=0.01) and cover.key_shift == was.key_shift
    above = max(0, decibels)
    assert cover.scaled_db == pytest.approx(above, abs=0.5)
    assert cover.mix.lufs == pytest.approx(was.mix.lufs + decibels - above, abs=0.3)
    mixed, mixed_was = (decode(made.cover, MUSIC_RATE, channels=2, limits=STEM, name="mix") for made in (cover, was))
    assert np.corrcoef(mixed.ravel(), mixed_was.ravel())[0, 1] > 0.999
    assert cover.mix.true_peak_db <= 0


def test_an_inverted_channel_is_sung_as_loud(studio: Studio, excerpt: Floats32) -> None:
    left = excerpt[0]
    _, same, voiced = studio("same", np.stack([left, left]))
    _, inverted, voiced_too = studio("inverted", np.stack([left, -left]))
    assert np.linalg.norm(inverted) == pytest.approx(np.linalg.norm(same), rel=0.05)
    assert np.corrcoef(inverted[0], inverted[1])[0, 1] < -0.95 and voiced_too == pytest.approx(voiced, rel=0.05)


@pytest.mark.parametrize("what", ["a chord", "silence", "hiss", "a saw"])
def test_where_nobody_sings_there_is_one_sentence_and_no_cover(studio: Studio, what: str) -> None:
    time = np.arange(5 * MUSIC_RATE) / MUSIC_RATE
    chord = 0.1 * sum(np.sin(2 * np.pi * hertz * time) for hertz in (130.8, 164.8, 196.0, 261.6))
    hiss = np.random.default_rng(0).normal(0, 0.05, len(time))
    saw = 0.3 * (2 * (220 * time % 1) - 1)  # the separator takes it for vocals, and the tracker hears its pitch
    sound = {"a chord": chord, "silence": np.zeros(len(time)), "hiss": hiss, "a saw": saw}[what]
    name = what.replace(" ", "-")
    with pytest.raises(NoVoice, match=f"No voice was heard in {name}.wav"):
        studio(name, np.stack([sound, sound]).astype(np.float32))
    assert not list((studio.folder / name).glob("cover.*"))
