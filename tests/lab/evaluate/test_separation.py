"""Separation on known vocals: figures that are known beforehand, weights, layouts, and what cannot be used."""

import json
import math
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.errors import TracksError
from lab.evaluate.separation import evaluate_separation, fit, recipe_of
from lab.evaluate.tracks import Track, list_tracks
from models.signal import MUSIC_RATE, Floats32
from models.weights.integrity import packaged
from pipeline.errors import SoundError
from pipeline.pool.model_pool import ModelPool
from pipeline.separation.registry import Separator

FALCON = packaged("stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4")
CLEAN = 6  # s; a click follows


def write(path: Path, sound: Floats32) -> None:
    """16-bit WAV (2, n)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(MUSIC_RATE)
        file.writeframes((sound * 32767).round().astype("<i2").T.tobytes())


def noise(seed: int, seconds: float, level: float = 0.1) -> Floats32:
    return np.random.default_rng(seed).normal(0, level, (2, round(seconds * MUSIC_RATE))).astype(np.float32)


def track(folder: Path, name: str, seed: int, seconds: float = 2.5) -> None:
    """Vocals at −20 dB, which pause for the second second, over something 6 dB louder."""
    vocals = noise(seed, seconds)
    vocals[:, MUSIC_RATE : 2 * MUSIC_RATE] = 0
    write(folder / name / "vocals.wav", vocals)
    write(folder / name / "mixture.wav", vocals + noise(seed + 100, seconds, 0.2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(3):
        track(tmp_path / "musdb" / "test", f"Somebody - Song {seed}", seed)
    track(tmp_path / "musdb" / "train", "Somebody - Learnt", 9)
    return tmp_path / "musdb"


def scaled(name: str, gain: float) -> Separator:
    """Takes the mix, or a part of it, for the vocals."""

    def vocals(mix: Iterable[Floats32]) -> Iterator[Floats32]:
        return (block * np.float32(gain) for block in mix)

    return Separator(name, f"{name}-1", vocals)


def test_figures_are_those_that_are_known(folder: Path, tmp_path: Path) -> None:
    """The mix as its own vocals: all error is the instrumental, 6 dB above the vocals while they sound."""
    scores = evaluate_separation(list_tracks(folder), [scaled("all", 1.0), scaled("nothing", 0.0)], tmp_path / "out")
    assert [score.name for score in scores] == [f"Somebody - Song {n}" for n in range(3)]
    first = scores[0]
    assert first.seconds == pytest.approx(2.5)
    sounding = 10 * math.log10(1.5 / 2.5)  # of the track's time
    assert first.vocals_sdr == [pytest.approx(-6.02 + sounding, abs=0.1), pytest.approx(0, abs=1e-6)]
    assert first.museval_median == [None, None]  # where an estimate is silent, museval has no figure
    assert first.instrumental_sdr == [pytest.approx(0, abs=1e-6), pytest.approx(6.02 - sounding, abs=0.1)]


def test_the_median_is_musevals(tmp_path: Path) -> None:
    """Vocals pause in the third second, are alone from the fifth to the seventh, and half a second is left at the end.

    museval 0.4.1 said 10.42473888: `metrics.bss_eval(references, estimates, window=44100, hop=44100,
    compute_permutation=False, filters_len=512, framewise_filters=False, bsseval_sources_version=False)`, its median
    over the seconds that are not NaN. Over all seconds with vocals it would be 20.0.
    """
    random = np.random.default_rng(5)
    shape = (int(9.5 * MUSIC_RATE), 2)
    vocals, instrumental = (random.standard_normal(shape).astype(np.float32) * np.float32(0.1) for _ in range(2))
    vocals[2 * MUSIC_RATE : 3 * MUSIC_RATE] = instrumental[4 * MUSIC_RATE : 7 * MUSIC_RATE] = 0
    levels = [0.1, 0.02, 0.05, 0.03, 0.005, 0.006, 0.004, 0.01, 0.08, 0.001]
    error = random.standard_normal(shape).astype(np.float32) * np.repeat(levels, MUSIC_RATE)[: len(vocals), None]
    for name, sound in (("vocals", vocals), ("mixture", vocals + instrumental)):
        soundfile.write(tmp_path / f"{name}.wav", sound, MUSIC_RATE, subtype="FLOAT")
    song = Track("song", (tmp_path / "mixture.wav", 0), (tmp_path / "vocals.wav", 0))
    estimate = (vocals + error).astype(np.float32).T

    def separated(mix: Iterable[Floats32]) -> Iterator[Floats32]:
        start = 0
        for block in mix:
            yield estimate[:, start : (start := start + block.shape[1])]

    (score,) = evaluate_separation([song], [Separator("noisy", "noisy-1", separated)], tmp_path / "out")
    assert score.museval_median == [pytest.approx(10.42473888, abs=1e-4)]


def test_the_fitted_mean_is_the_best_and_is_judged_on_other_tracks(folder: Path, tmp_path: Path) -> None:
    """Of the mix a fifth by energy is vocals (less where they pause), so a sixth of the mix comes nearest to them."""
    scores = evaluate_separation(list_tracks(folder), [scaled("all", 1.0), scaled("nothing", 0.0)], tmp_path / "out")
    fitted = fit(scores)
    share = 1.5 * 0.01 / (1.5 * 0.01 + 2.5 * 0.04)
    assert fitted.weights == [pytest.approx(share, abs=0.01), pytest.approx(1 - share, abs=0.01)]
    wanted = 10 * math.log10(1 / (1 - share))
    assert fitted.held_out_sdr == pytest.approx(wanted, abs=0.05)
    again = evaluate_separation(list_tracks(folder), [scaled("share", fitted.weights[0])], tmp_path / "again")
    assert float(np.mean([score.vocals_sdr[0] for score in again])) == pytest.approx(wanted, abs=0.05)
    assert math.isnan(fit(scores[:1]).held_out_sdr)


def test_a_second_run_goes_on_and_other_separators_take_nothing_from_it(folder: Path, tmp_path: Path) -> None:
    separated_by = list[str]()

    def counted(name: str) -> Separator:
        def vocals(mix: Iterable[Floats32]) -> Iterator[Floats32]:
            separated_by.append(name)
            yield from mix

        return Separator(name, name, vocals)

    tracks, out = list_tracks(folder), tmp_path / "out"
    some = evaluate_separation(tracks[:2], [counted("a")], out)
    whole = evaluate_separation(tracks, [counted("a")], out)
    assert separated_by == ["a"] * 3 and whole[:2] == some
    assert len(json.loads((out / "separation.json").read_text())["tracks"]) == 3
    with pytest.raises(TracksError, match=r"holds figures of other separators\. Choose another --out"):
        evaluate_separation(tracks, [counted("b")], out)
    assert separated_by == ["a"] * 3 and evaluate_separation(tracks, [counted("a")], out) == whole
    assert [path.name for path in out.iterdir()] == ["separation.json"]


def test_tracks_of_the_same_names_elsewhere_are_scored_anew(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluate_separation(list_tracks(folder), [scaled("all", 1.0)], out)
    for seed in range(3):
        track(tmp_path / "longer", f"Somebody - Song {seed}", seed, seconds=4)
    again = evaluate_separation(list_tracks(tmp_path / "longer"), [scaled("all", 1.0)], out)
    assert [score.seconds for score in again] == [4.0] * 3


def test_a_file_that_is_none_of_ours_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "separation.json").write_text('{"tracks": 3}')
    with pytest.raises(TracksError, match=r"separation\.json is not what this command writes"):
        evaluate_separation(list_tracks(folder), [scaled("all", 1.0)], tmp_path)
    with pytest.raises(TracksError, match="At most 10 separators"):
        evaluate_separation(list_tracks(folder), [scaled(str(n), 1.0) for n in range(11)], tmp_path / "out")


def test_a_folder_with_both_layouts_holds_each_song_once(folder: Path) -> None:
    (folder / "test" / "Somebody - Song 0.stem.mp4").symlink_to(FALCON)
    assert [track.name for track in list_tracks(folder)] == [f"Somebody - Song {n}" for n in range(3)]


def test_a_stem_file_is_a_track_and_spleeter_scores_as_everywhere(
    tmp_path: Path, models: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FALCON.name).symlink_to(FALCON)
    (track,) = list_tracks(tmp_path)
    assert track.name == "The Easton Ellises - Falcon 69"
    blocks = Track.blocks

    def clean(self: Track, part: tuple[Path, int]) -> Iterator[Floats32]:
        for number, block in enumerate(blocks(self, part)):
            if number < CLEAN:
                yield block

    monkeypatch.setattr(Track, "blocks", clean)
    (score,) = evaluate_separation([track], [models.separator], tmp_path / "out")
    assert score.vocals_sdr[0] > 5.3 and (score.museval_median[0] or 0) > 3.9 and score.seconds == 6


def test_a_folder_without_tracks_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracksError, match=r"holds no tracks\. They are folders with mixture\.wav"):
        list_tracks(tmp_path)
    with pytest.raises(TracksError, match="There is no folder"):
        list_tracks(tmp_path / "nowhere")


def test_tracks_that_say_nothing_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a" / "Short" / "mixture.wav", noise(0, 2))
    write(tmp_path / "a" / "Short" / "vocals.wav", noise(0, 1.5))
    with pytest.raises(TracksError, match=r"^Short: the mix and the vocals differ in length"):
        evaluate_separation(list_tracks(tmp_path / "a"), [scaled("all", 1.0)], tmp_path / "out")
    write(tmp_path / "b" / "Mute" / "mixture.wav", noise(0, 2))
    write(tmp_path / "b" / "Mute" / "vocals.wav", noise(0, 2, 0.0))
    with pytest.raises(TracksError, match=r"^Mute has no vocals"):
        evaluate_separation(list_tracks(tmp_path / "b"), [scaled("all", 1.0)], tmp_path / "out")
    (tmp_path / "b" / "Mute" / "vocals.wav").write_bytes(b"")
    with pytest.raises(SoundError, match=r"Mute vocals\.wav is empty"):
        evaluate_separation(list_tracks(tmp_path / "b"), [scaled("all", 1.0)], tmp_path / "out")
    assert not (tmp_path / "out" / "separation.json").exists()


def test_a_recipe_leaves_out_what_weighs_nothing() -> None:
    assert recipe_of(["htdemucs", "mdx23c", "melband"], [0.149, 0.85, 0.001]) == "htdemucs:15+mdx23c:85"
    assert recipe_of(["htdemucs", "mdx23c"], [0.0, 1.0]) == "mdx23c"
