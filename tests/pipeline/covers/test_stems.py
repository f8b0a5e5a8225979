"""Stems on disk: they sum to the mix, are made once, and nothing half-made is ever found."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from files.atomic import DRAFT, atomic_write, drafts
from models.separation import spleeter
from models.signal import Floats32
from pipeline.covers import stems as module
from pipeline.covers.presence import check_voice
from pipeline.covers.stem_file import LEVEL
from pipeline.covers.stems import FORM, features_of, stems_of
from pipeline.errors import NotAudio
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role, Selection
from pipeline.sound.clean import cleaned
from pipeline.sound.decode import SONG, STEM, decode
from pipeline.sound.loudness import LoudnessMeter
from tests.models.separation.separator_files import write_mdx23c


def read(path: Path) -> Floats32:
    return decode(path, 44100, channels=2, limits=STEM, name=path.name)


def heard(song: Path) -> Floats32:
    """Without the rumble that nobody hears."""
    return np.concatenate(list(cleaned([decode(song, 44100, channels=2, limits=SONG, name="song")], 44100)), axis=1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_stems_sum_to_the_mix(models: ModelPool, song: Path, cache: Path) -> None:
    separated = stems_of(song, "song", models, cache)
    mix = heard(song)
    total = (read(separated.vocals) + read(separated.instrumental)) / LEVEL
    assert np.abs(total).max() == pytest.approx(1, abs=1e-4)
    assert np.abs(total / separated.gain - mix).max() < 2**-19
    assert separated.seconds == pytest.approx(mix.shape[1] / 44100)
    meter = LoudnessMeter(44100, 2)
    meter.add(mix)
    assert separated.lufs == pytest.approx(meter.integrated(), abs=0.02)


def test_the_peaks_of_stems_are_those_of_their_files_and_a_card_of_another_version_is_read(
    models: ModelPool, song: Path, cache: Path
) -> None:
    separated = stems_of(song, "song", models, cache)
    for path in (separated.vocals, separated.instrumental):
        assert separated.peaks[path.stem] == pytest.approx(np.abs(read(path)).max(), abs=2**-22)
    card = separated.vocals.with_name("stems.json")
    told = json.loads(card.read_text())
    del told["peaks"]
    card.write_text(json.dumps(told | {"of_a_later_version": 1}))
    other = stems_of(song, "song", models, cache)
    assert other.peaks == {} and other.gain == separated.gain


def never(mix: Iterable[Floats32]) -> Iterator[Floats32]:
    raise AssertionError("The vocals were to be read from the cache.")


def test_a_second_cover_reads_stems_and_features_from_the_cache(
    models: ModelPool, song: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = features_of(stems_of(song, "song", models, cache), models)
    monkeypatch.setattr(models, "separator", replace(models.separator, vocals=never))
    monkeypatch.setattr(module, "extract_stream", None)
    again = features_of(stems_of(song, "song", models, cache), models)
    np.testing.assert_array_equal(again.f0, first.f0)


def test_a_song_that_was_heard_before_loads_no_encoder(models: ModelPool, song: Path, cache: Path) -> None:
    separated = stems_of(song, "song", models, cache)
    features = features_of(separated, models)
    check_voice(separated, features, models, "song")
    fresh = ModelPool("cpu")
    again = features_of(separated, fresh)
    check_voice(separated, again, fresh, "song")
    np.testing.assert_array_equal(again.content, features.content)
    assert "text" not in vars(fresh)
    assert fresh.names()[Role.CONTENT] == fresh.encoder_card(models.text.model_id).name == models.text.name
    assert fresh.encoder_card(models.content.model_id).name == models.content.name


def test_another_separator_has_stems_of_its_own(models: ModelPool, short_song: Path, tmp_path: Path) -> None:
    """A small MDX23C with weights of no meaning: what is sung is noise, but it is all of the mix."""
    files = write_mdx23c(tmp_path)
    chosen = ModelPool("cpu", Selection(separator="mdx23c"))
    chosen.locate = lambda name: files  # type: ignore[assignment]
    separated, embedded = (stems_of(short_song, "song", pool, tmp_path / "cache") for pool in (chosen, models))
    assert separated.vocals.parent.name == chosen.separator.model_id != embedded.vocals.parent.name
    mix = heard(short_song)
    vocals, instrumental = read(separated.vocals), read(separated.instrumental)
    assert vocals.shape == mix.shape and np.abs(vocals).max() > 0.001
    inside = (np.abs(vocals) < 0.99) & (np.abs(instrumental) < 0.99)  # such noise can leave full scale
    assert inside.mean() > 0.9
    assert np.abs((vocals + instrumental) / LEVEL / separated.gain - mix)[inside].max() < 2**-19
    assert chosen.names()[Role.SEPARATOR].startswith("MDX23C (")


def test_a_crash_in_the_middle_leaves_nothing_that_would_be_taken(
    models: ModelPool, short_song: Path, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def die(stage: str, fraction: float) -> None:
        if stage == "separating":
            raise Killed

    with pytest.raises(Killed):
        stems_of(short_song, "song", models, tmp_path, die)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stems_of(short_song, "song", models, tmp_path).vocals.exists()


def test_what_a_killed_separation_left_goes_and_what_another_worker_writes_stays(
    models: ModelPool, short_song: Path, tmp_path: Path
) -> None:
    folder = tmp_path / FORM / models.separator.model_id
    folder.mkdir(parents=True)
    left = folder / f".vocals.flac.0123456789ab{DRAFT}"
    left.write_bytes(b"half")
    with atomic_write(folder / "vocals.flac") as file:
        (living,) = (path for path in drafts(folder) if path != left)
        separated = stems_of(short_song, "song", models, tmp_path)
        assert not left.exists() and living.exists()
        file.write(separated.vocals.read_bytes())
    assert not list(drafts(folder)) and read(separated.vocals).any()


def test_what_is_no_song_leaves_nothing(models: ModelPool, tmp_path: Path) -> None:
    text = tmp_path / "x.mp3"
    text.write_text("this is no sound at all" * 100)
    with pytest.raises(NotAudio):
        stems_of(text, "노래 {name}.mp3", models, tmp_path / "cache")
    assert not (tmp_path / "cache" / spleeter.MODEL_ID).exists()
