"""A whole cover of a real song: length, loudness, label, pitch, figures, pictures."""

import base64
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
import pytest

from models.content import student
from models.signal import Floats32
from models.voice_file import load_voice, save_voice
from pipeline.covers import preview
from pipeline.covers.cover import CoverInput, CoverOptions, CoverReport, make_cover
from pipeline.covers.cover_figures import compare_pitch, sdr
from pipeline.covers.cover_measures import CoverMeasures, measure_cover
from pipeline.covers.parts import CoverPart, PartFile, parts_of, write_part
from pipeline.covers.voice_message import write_voice_message
from pipeline.errors import TooLong, VoiceOutdated
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import SONG, STEM, decode
from pipeline.sound.loudness import LoudnessMeter, true_peak
from tests.pipeline.covers.stereo_figures import correlation, log_spectral_distance, thirds


def of(
    song: Path,
    voice: tuple[Path, Path],
    cache: Path,
    out: Path,
    song_name: str = "song",
    voice_name: str = "v",
    options: CoverOptions = CoverOptions(),
) -> CoverInput:
    model, index = voice
    return CoverInput(
        song=song,
        song_name=song_name,
        model=model,
        index=index,
        voice_name=voice_name,
        cache_dir=cache,
        out_dir=out,
        options=options,
    )


@dataclass(frozen=True)
class Heard:
    """A preview, and the stage that had been reported last when it came."""

    path: Path
    stage: str


@pytest.fixture(scope="module")
def previews() -> list[Heard]:
    return []


@pytest.fixture(scope="module")
def reports() -> list[tuple[str, float]]:
    """The stages and fractions that the cover, and what measured it, told."""
    return []


@pytest.fixture(scope="module")
def cover(
    models: ModelPool,
    song: Path,
    voice_files: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
    previews: list[Heard],
    reports: list[tuple[str, float]],
) -> CoverReport:
    folder = tmp_path_factory.mktemp("cover")
    with patch.multiple(preview, SECONDS=4, LEAST_SONG=8.0):
        return make_cover(
            of(song, voice_files, folder / "cache", folder, "노래", "목소리"),
            models,
            lambda *progress: reports.append(progress),
            lambda path: previews.append(Heard(path, reports[-1][0])),
        )


@pytest.fixture(scope="module")
def measures(
    models: ModelPool,
    song: Path,
    voice_files: tuple[Path, Path],
    cover: CoverReport,
    tmp_path_factory: pytest.TempPathFactory,
    reports: list[tuple[str, float]],
) -> CoverMeasures:
    folder = tmp_path_factory.mktemp("measures")
    wanted = of(song, voice_files, folder, folder, "노래", "목소리")
    return measure_cover(wanted, cover, models, lambda *progress: reports.append(progress))


def read(path: Path) -> Floats32:
    return decode(path, 44100, channels=2, limits=SONG, name=path.name)


def stem(path: Path) -> Floats32:
    return decode(path, 44100, channels=2, limits=STEM, name=path.name)


def test_the_cover_is_as_long_and_as_loud_as_the_song(cover: CoverReport, song: Path) -> None:
    mixed, original = read(cover.cover), read(song)
    assert abs(mixed.shape[1] - original.shape[1]) <= 0.03 * 44100
    meter = LoudnessMeter(44100, 2)
    meter.add(mixed)
    assert meter.integrated() == pytest.approx(cover.mix.lufs, abs=0.05)
    assert meter.integrated() == pytest.approx(cover.stems.lufs, abs=1.1)  # the limiter takes 5 dB
    assert true_peak(mixed, 44100) <= 0.0
    assert np.abs(mixed).max() < 1.0


def test_the_instrumental_is_in_the_cover(cover: CoverReport) -> None:
    assert cover.stems.instrumental is not None
    mixed, instrumental, converted = read(cover.cover), stem(cover.stems.instrumental), stem(cover.converted)
    n = min(mixed.shape[1], instrumental.shape[1], converted.shape[1])
    total = instrumental[:, :n] + converted[:, :n]
    gain = float((mixed[:, :n] * total).sum() / (total**2).sum())
    assert sdr(total * gain, mixed[:, :n]) > 10  # limiter and codec are what is left


def balance(mixed: Floats32, converted: Floats32, instrumental: Floats32) -> float:
    """DB of the converted vocals in a mix over the instrumental in it, each by its gain; all (channels, samples)."""
    n = min(mixed.shape[1], converted.shape[1], instrumental.shape[1])
    added = np.stack([one[:, :n].ravel() for one in (converted, instrumental)], axis=1)
    vocals, music = np.linalg.lstsq(added, mixed[:, :n].ravel(), rcond=None)[0]
    return float(20 * np.log10(vocals / music))


@pytest.mark.parametrize("level", [6, -6])
def test_vocals_are_louder_or_softer_as_asked_and_the_cover_as_loud_as_before(
    models: ModelPool, song: Path, voice_files: tuple[Path, Path], cover: CoverReport, tmp_path: Path, level: int
) -> None:
    cache = cover.stems.vocals.parents[2]
    moved = make_cover(of(song, voice_files, cache, tmp_path, options=CoverOptions(vocal_level=level)), models)
    assert cover.stems.instrumental is not None
    vocals, instrumental = stem(cover.converted), stem(cover.stems.instrumental)
    before, after = (balance(read(one.cover), vocals, instrumental) for one in (cover, moved))
    assert before == pytest.approx(0.0, abs=1.0) and after - before == pytest.approx(level, abs=1.0)
    assert moved.mix.lufs == pytest.approx(cover.mix.lufs, abs=1.1)  # the limiter takes more of what is louder
    assert moved.mix.true_peak_db <= 0.0
    part = read(write_part(CoverPart.VOCALS, of(song, voice_files, cache, tmp_path), moved).path)
    whole = read(moved.cover)
    n = min(part.shape[1], whole.shape[1])
    rest = whole[:, :n] - part[:, :n]
    assert balance(whole, part, rest) == pytest.approx(0.0, abs=0.5)  # the part is what is in the cover


@pytest.fixture(scope="module")
def parts(
    song: Path, voice_files: tuple[Path, Path], cover: CoverReport, tmp_path_factory: pytest.TempPathFactory
) -> dict[CoverPart, PartFile]:
    folder = tmp_path_factory.mktemp("parts")
    options = CoverOptions(max_bytes=10_000_000)
    wanted = of(song, voice_files, folder, folder, "노래", "목소리", options)
    return {part: write_part(part, wanted, cover) for part in parts_of(cover)}


def test_vocals_and_instrumental_sum_to_the_cover(cover: CoverReport, parts: dict[CoverPart, PartFile]) -> None:
    assert cover.instrumental
    vocals, instrumental = read(parts[CoverPart.VOCALS].path), read(parts[CoverPart.INSTRUMENTAL].path)
    exact = stem(cover.converted) + stem(cover.instrumental)
    mixed, n = read(cover.cover), min(vocals.shape[1], instrumental.shape[1], exact.shape[1])
    total = vocals[:, :n] + instrumental[:, :n]
    for whole, least in ((exact, 18.0), (mixed, 15.0)):  # Opus; and MP3, and a limiter that takes 5 dB
        gain = float((whole[:, :n] * total).sum() / (total**2).sum())
        distance = sdr(total * gain, whole[:, :n])
        print(f"{distance:.1f} dB")
        assert distance > least
    assert max(np.abs(vocals).max(), np.abs(instrumental).max()) < 1.0
    assert abs(n - mixed.shape[1]) <= 0.03 * 44100


def test_the_voice_message_is_the_cover_as_discord_takes_it(
    cover: CoverReport, parts: dict[CoverPart, PartFile]
) -> None:
    message = parts[CoverPart.VOICE_MESSAGE]
    with av.open(str(message.path)) as file:
        stream = file.streams.audio[0]
        assert (stream.codec_context.name, stream.layout.nb_channels, stream.rate) == ("opus", 1, 48000)
        assert "AI-generated" in (file.metadata | stream.metadata)["comment"]
    mono, mixed = decode(message.path, 44100, channels=1, limits=SONG, name="x"), read(cover.cover).mean(axis=0)
    assert len(mono) == pytest.approx(len(mixed), abs=0.03 * 44100)
    points = np.frombuffer(base64.b64decode(message.waveform), np.uint8)
    heights = [np.abs(part).max() for part in np.array_split(mixed, len(points))]
    assert len(points) == 109 and points.max() == 255
    assert np.corrcoef(points, heights)[0, 1] > 0.99


def test_a_long_songs_voice_message_fits_its_waveform_and_its_file(cover: CoverReport, tmp_path: Path) -> None:
    path = tmp_path / "m.ogg"
    waveform = write_voice_message(cover.cover, path, cover.mix.seconds * 3, 160_000, {})
    assert len(base64.b64decode(waveform)) == 256
    assert path.stat().st_size < 160_000 / 3
    with pytest.raises(TooLong):
        write_voice_message(cover.cover, tmp_path / "n.ogg", 3600.0, 1_000_000, {})


def test_the_converted_vocals_have_the_sources_air(cover: CoverReport) -> None:
    source, converted = (stem(path) for path in (cover.stems.vocals, cover.converted))
    assert converted.shape == source.shape
    distance = log_spectral_distance(converted, source)
    print(f"{distance:.1f} dB above 11 kHz")
    assert distance <= 6


def test_the_converted_vocals_have_the_sources_width(cover: CoverReport) -> None:
    """An octave below the source: its bands are compared in thirds of an octave from 300 Hz on."""
    was, now = (thirds(stem(path), low=300) for path in (cover.stems.vocals, cover.converted))
    away = [abs(correlation(now[centre]) - correlation(was[centre])) for centre in was.keys() & now.keys()]
    print(f"correlation of left and right: {np.mean(away):.2f} away in the mean, {np.max(away):.2f} at most")
    assert np.mean(away) < 0.12


def test_sung_seconds_are_heard_before_the_song_is_separated(cover: CoverReport, previews: list[Heard]) -> None:
    [heard] = previews
    sound = read(heard.path)
    assert heard.stage == "separating" and sound.shape[1] == pytest.approx(4 * 44100, abs=2000)
    mixed, n = read(cover.cover), 4 * 44100
    starts = [mixed[:, second * 44100 :][:, :n] for second in range(6)]
    *others, best = sorted(sdr(sound[:, :n], part) for part in starts)
    whole = max(starts, key=lambda part: sdr(sound[:, :n], part))
    assert best > 1.5 and max(others) < -1.5  # these seconds of the cover, the voice with other noise
    assert 20 * np.log10(np.std(sound) / np.std(whole)) == pytest.approx(0.0, abs=1.5)
    with av.open(str(heard.path)) as file:
        assert "AI-generated" in file.metadata["comment"]


def test_a_song_that_was_separated_before_is_heard_in_part_before_the_rest_is_sung(
    models: ModelPool, song: Path, voice_files: tuple[Path, Path], cover: CoverReport, tmp_path: Path
) -> None:
    cache = cover.stems.vocals.parents[2]
    wanted = of(song, voice_files, cache, tmp_path)
    stages: list[str] = []
    heard: list[Heard] = []
    with patch.multiple(preview, SECONDS=4, LEAST_SONG=8.0):
        another = make_cover(
            wanted,
            models,
            lambda stage, _: stages.append(stage),
            lambda path: heard.append(Heard(path, ", ".join(stages))),
        )
    assert [early.stage for early in heard] == ["converting"]
    sound, mixed, n = read(heard[0].path), read(another.cover), 4 * 44100
    *others, best = sorted(sdr(mixed[:, second * 44100 :][:, :n], sound[:, :n]) for second in range(6))
    print(f"the preview is these seconds of the cover to {best:.1f} dB, and of others to {max(others):.1f} dB")
    assert best > 9.0 and max(others) < 0.0


def test_the_cover_says_that_a_machine_made_it(cover: CoverReport) -> None:
    with av.open(str(cover.cover)) as file:
        assert "AI-generated" in file.metadata["comment"]
        assert "AI cover" in file.metadata["title"]


def test_the_converted_pitch_is_the_songs_in_the_voices_octave(
    cover: CoverReport, measures: CoverMeasures, models: ModelPool
) -> None:
    assert cover.key_shift == -12  # the song lies an octave above the voice's 150 Hz
    assert measures.figures.f0_correlation > 0.7
    pair = [decode(path, 16000, channels=1, limits=STEM, name="x") for path in (cover.stems.vocals, cover.converted)]
    correlation, _, f1, _ = compare_pitch(pair[0], pair[1], cover.key_shift, models)
    assert correlation == pytest.approx(measures.figures.f0_correlation, abs=0.1)
    assert f1 > 0.7


def test_figures_are_there_and_name_their_models(measures: CoverMeasures) -> None:
    figures = measures.figures
    assert 1 <= figures.mos_cover <= 5 and 1 <= figures.mos_source <= 5
    assert -1 <= figures.cosine_cover <= 1
    assert figures.mos_source > figures.mos_cover  # an untrained voice does not sound like a singer
    assert all([figures.speaker_model, figures.mos_model, figures.pitch_model])


def test_the_picture_is_a_png_of_readable_size(measures: CoverMeasures) -> None:
    data = measures.picture.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG") and width == 780 and height >= 400


def test_a_small_limit_gives_a_file_that_fits_and_an_asked_key_shift_is_kept(
    models: ModelPool, song: Path, voice_files: tuple[Path, Path], cover: CoverReport, tmp_path: Path
) -> None:
    cache = cover.stems.vocals.parents[2]
    options = CoverOptions(max_bytes=120_000, key_shift=-7)
    small = make_cover(of(song, voice_files, cache, tmp_path, options=options), models)
    assert small.cover.stat().st_size <= 120_000
    assert read(small.cover).shape[1] == pytest.approx(read(cover.cover).shape[1], abs=2000)
    assert small.key_shift == -7
    assert not list(tmp_path.glob("*.part"))


def test_a_voice_on_s24_still_sings(
    models: ModelPool, song: Path, s24_voice_files: tuple[Path, Path], cover: CoverReport, tmp_path: Path
) -> None:
    wanted = of(song, s24_voice_files, cover.stems.vocals.parents[2], tmp_path)
    sung = make_cover(wanted, models)
    assert (sung.voice, sung.content) == ("RVC v2 s24, 24 kHz", student.NAME) != (cover.voice, cover.content)
    assert measure_cover(wanted, sung, models).figures.f0_correlation > 0.95
    assert read(sung.cover).shape[1] == pytest.approx(read(cover.cover).shape[1], abs=2000)


def test_a_voice_of_another_content_encoder_is_refused(
    models: ModelPool, song: Path, voice_files: tuple[Path, Path], cover: CoverReport, tmp_path: Path
) -> None:
    network, info = load_voice(voice_files[0])
    save_voice(tmp_path / "old.safetensors", network, replace(info, content_model="an older encoder"))
    cache = cover.stems.vocals.parents[2]
    with pytest.raises(VoiceOutdated, match="Train it again"):
        make_cover(of(song, (tmp_path / "old.safetensors", voice_files[1]), cache, tmp_path), models)


def test_every_stage_is_reported_from_its_beginning(
    cover: CoverReport, measures: CoverMeasures, reports: list[tuple[str, float]]
) -> None:
    stages = list(dict.fromkeys(stage for stage, _ in reports))
    assert stages == ["reading", "separating", "listening", "converting", "mixing", "measuring"]
    first = {stage: next(fraction for s, fraction in reports if s == stage) for stage in stages}
    assert {stage: f for stage, f in first.items() if f > 0.05} == {}
