"""Separation on known vocals: known figures, museval itself, weights, layouts, processes, and what cannot be used."""

import importlib.util
import json
import math
import warnings
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from lab.errors import TracksError
from lab.evaluate.boxes import plot_separation
from lab.evaluate.separation import ceiling_sentence, evaluate_separation, fit, read_scores, recipe_of
from lab.evaluate.track_scores import survey
from lab.evaluate.tracks import Track, list_tracks
from models.signal import MUSIC_RATE, Floats32
from models.weights.integrity import packaged
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


def opening(*separators: Separator) -> Callable[[], list[Separator]]:
    return lambda: list(separators)


@pytest.fixture(scope="module")
def museval() -> ModuleType:
    """Its metrics alone: the package imports what only its data set needs."""
    spec = importlib.util.spec_from_file_location("museval_metrics", packaged("museval", "metrics.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_are_those_that_are_known(folder: Path, tmp_path: Path) -> None:
    """The mix as its own vocals: all error is the instrumental, 6 dB above the vocals while they sound."""
    scores = evaluate_separation(
        list_tracks(folder), opening(scaled("all", 1.0), scaled("nothing", 0.0)), tmp_path / "out"
    ).tracks
    assert [score.name for score in scores] == [f"Somebody - Song {n}" for n in range(3)]
    first = scores[0]
    assert first.seconds == pytest.approx(2.5)
    sounding = 10 * math.log10(1.5 / 2.5)  # of the track's time
    assert first.vocals_sdr == [pytest.approx(-6.02 + sounding, abs=0.1), pytest.approx(0, abs=1e-6)]
    assert first.museval_median == [None, None]  # where an estimate is silent, museval has no figure
    assert first.instrumental_sdr == [pytest.approx(0, abs=1e-6), pytest.approx(6.02 - sounding, abs=0.1)]


def test_the_medians_are_those_of_museval_itself(tmp_path: Path, museval: ModuleType) -> None:
    """Vocals pause in the third second, are alone from the fifth to the seventh, and half a second is left at the end.

    Over all seconds with vocals the vocals' median would be 20.0. museval's ratio to the distortion does not depend on
    the length of its filters, which serve its other figures; with 512 taps it says 10.42473888, too.
    """
    random = np.random.default_rng(5)
    shape = (int(9.5 * MUSIC_RATE), 2)
    vocals, instrumental = (random.standard_normal(shape).astype(np.float32) * np.float32(0.1) for _ in range(2))
    vocals[2 * MUSIC_RATE : 3 * MUSIC_RATE] = instrumental[4 * MUSIC_RATE : 7 * MUSIC_RATE] = 0
    levels = [0.1, 0.02, 0.05, 0.03, 0.005, 0.006, 0.004, 0.01, 0.08, 0.001]
    error = random.standard_normal(shape).astype(np.float32) * np.repeat(levels, MUSIC_RATE)[: len(vocals), None]
    mix = vocals + instrumental
    for name, sound in (("vocals", vocals), ("mixture", mix)):
        soundfile.write(tmp_path / f"{name}.wav", sound, MUSIC_RATE, subtype="FLOAT")
    song = Track("song", (tmp_path / "mixture.wav", 0), (tmp_path / "vocals.wav", 0))
    estimate = (vocals + error).astype(np.float32)

    def separated(mix: Iterable[Floats32]) -> Iterator[Floats32]:
        start = 0
        for block in mix:
            yield estimate.T[:, start : (start := start + block.shape[1])]

    (score,) = evaluate_separation([song], opening(Separator("noisy", "noisy-1", separated)), tmp_path / "out").tracks
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, *_ = museval.bss_eval(
            np.stack([vocals, mix - vocals]),
            np.stack([estimate, mix - estimate]),
            window=MUSIC_RATE,
            hop=MUSIC_RATE,
            filters_len=1,
        )
    assert theirs.shape == (2, 9) and np.isnan(theirs[0]).tolist() == [
        False,
        False,
        True,
        False,
        *[True] * 3,
        *[False] * 2,
    ]
    wanted = np.nanmedian(theirs, axis=1)
    assert score.museval_median == [pytest.approx(wanted[0], abs=1e-4)] == [pytest.approx(10.42473888, abs=1e-4)]
    assert score.instrumental_median == [pytest.approx(wanted[1], abs=1e-4)]


def halves() -> list[Separator]:
    return [scaled("all", 1.0), scaled("half", 0.5)]


def test_si_sdr_forgives_a_level_and_sdr_does_not(folder: Path, tmp_path: Path) -> None:
    """Half the mix: scaled back it is vocals with all of the instrumental, as the whole mix is."""
    score = evaluate_separation(list_tracks(folder)[:1], halves, tmp_path / "out").tracks[0]
    assert score.vocals_si_sdr[0] == pytest.approx(score.vocals_si_sdr[1], abs=1e-6)
    assert score.vocals_si_sdr[0] == pytest.approx(score.vocals_sdr[0], abs=0.1)
    assert score.vocals_sdr[1] > score.vocals_sdr[0] + 3


def test_the_fitted_mean_is_the_best_and_is_judged_on_other_tracks(folder: Path, tmp_path: Path) -> None:
    """Of the mix a fifth by energy is vocals (less where they pause), so a sixth of the mix comes nearest to them."""
    scores = evaluate_separation(
        list_tracks(folder), opening(scaled("all", 1.0), scaled("nothing", 0.0)), tmp_path / "out"
    ).tracks
    fitted = fit(scores)
    share = 1.5 * 0.01 / (1.5 * 0.01 + 2.5 * 0.04)
    assert fitted.weights == [pytest.approx(share, abs=0.01), pytest.approx(1 - share, abs=0.01)]
    wanted = 10 * math.log10(1 / (1 - share))
    assert fitted.held_out_sdr == pytest.approx(wanted, abs=0.05)
    again = evaluate_separation(
        list_tracks(folder), opening(scaled("share", fitted.weights[0])), tmp_path / "again"
    ).tracks
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
    some = evaluate_separation(tracks[:2], opening(counted("a")), out).tracks
    whole = evaluate_separation(tracks, opening(counted("a")), out).tracks
    assert separated_by == ["a"] * 3 and whole[:2] == some
    assert len(json.loads((out / "separation.json").read_text())["tracks"]) == 3
    with pytest.raises(TracksError, match=r"holds figures of other separators\. Choose another --out"):
        evaluate_separation(tracks, opening(counted("b")), out)
    assert separated_by == ["a"] * 3 and evaluate_separation(tracks, opening(counted("a")), out).tracks == whole
    assert [path.name for path in out.iterdir()] == ["separation.json"]


def test_tracks_of_the_same_names_elsewhere_are_scored_anew(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluate_separation(list_tracks(folder), opening(scaled("all", 1.0)), out)
    for seed in range(3):
        track(tmp_path / "longer", f"Somebody - Song {seed}", seed, seconds=4)
    again = evaluate_separation(list_tracks(tmp_path / "longer"), opening(scaled("all", 1.0)), out)
    assert [score.seconds for score in again.tracks] == [4.0] * 3


def test_a_file_that_is_none_of_ours_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "separation.json").write_text('{"tracks": 3}')
    with pytest.raises(TracksError, match=r"separation\.json is not what this command writes"):
        evaluate_separation(list_tracks(folder), opening(scaled("all", 1.0)), tmp_path)
    with pytest.raises(TracksError, match="At most 10 separators"):
        evaluate_separation(list_tracks(folder), opening(*(scaled(str(n), 1.0) for n in range(11))), tmp_path / "out")


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
    (score,) = evaluate_separation([track], opening(models.separator), tmp_path / "out").tracks
    assert score.vocals_sdr[0] > 5.3 and (score.museval_median[0] or 0) > 3.9 and score.seconds == 6


def test_a_folder_without_tracks_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TracksError, match=r"holds no tracks\. They are folders with mixture\.wav"):
        list_tracks(tmp_path)
    with pytest.raises(TracksError, match="There is no folder"):
        list_tracks(tmp_path / "nowhere")


def test_tracks_that_say_nothing_are_rows_that_say_so(tmp_path: Path) -> None:
    data, out, separators = tmp_path / "data", tmp_path / "out", opening(scaled("all", 1.0))
    write(data / "Short" / "mixture.wav", noise(0, 2))
    write(data / "Short" / "vocals.wav", noise(0, 1.5))
    write(data / "Mute" / "mixture.wav", noise(0, 2))
    write(data / "Mute" / "vocals.wav", noise(0, 2, 0.0))
    write(data / "Alone" / "mixture.wav", noise(0, 2))
    write(data / "Alone" / "vocals.wav", noise(0, 2))
    write(data / "Broken" / "mixture.wav", noise(0, 2))
    (data / "Broken" / "vocals.wav").write_bytes(b"")
    write(data / "Stemless" / "mixture.wav", noise(0, 2))
    write(data / "Unlike" / "mixture.wav", noise(0, 2))
    soundfile.write(data / "Unlike" / "vocals.wav", noise(1, 1).T, MUSIC_RATE // 2)
    with pytest.raises(TracksError, match=r"^No track can be used\. Alone is vocals alone"):
        evaluate_separation(list_tracks(data), separators, out)
    track(data, "Whole", 1)
    scores = evaluate_separation(list_tracks(data), separators, out)
    assert [score.name for score in scores.tracks] == ["Whole"]
    assert [left_out.why for left_out in scores.left_out] == [
        "Alone is vocals alone, so it says nothing about separators.",
        "Broken vocals.wav is empty. Record or upload it again.",
        "Mute has no vocals, so it says nothing about separators.",
        "Short: the mix and its stems differ in length.",
        "Stemless has no vocals.wav, so it says nothing about separators.",
        "Unlike: mixture.wav has 44100 Hz and vocals.wav has 22050 Hz. Bring the stems of a song to one rate.",
    ]
    assert read_scores(out / "separation.json") == scores
    track(data, "Mute", 2)  # mended: its row is made anew
    assert [score.name for score in evaluate_separation(list_tracks(data), separators, out).tracks] == ["Mute", "Whole"]


def test_coded_stems_have_a_ceiling_and_wav_has_none(folder: Path, tmp_path: Path) -> None:
    """A `.stem.mp4` codes each stem with losses; in -HQ they sum up to the mix but for the last bit."""
    (tmp_path / "coded").mkdir()
    (tmp_path / "coded" / FALCON.name).symlink_to(FALCON)
    (coded,) = list_tracks(tmp_path / "coded")
    drums, bass, other, vocals = (noise(seed, 2, 0.05) for seed in range(4))
    stems = {"drums": drums, "bass": bass, "other": other, "vocals": vocals, "mixture": drums + bass + other + vocals}
    for name, stem in stems.items():
        write(tmp_path / "whole" / "Song" / f"{name}.wav", stem)
    (whole,) = list_tracks(tmp_path / "whole")
    assert (coded.layout, whole.layout) == ("MUSDB18", "MUSDB18-HQ") and survey(list_tracks(folder)[0]) is None
    tracks = [coded, whole, *list_tracks(folder)]
    scores = evaluate_separation(tracks, opening(scaled("all", 1.0)), tmp_path / "out").tracks
    assert scores[0].ceiling == pytest.approx(14.0, abs=1.0) and (scores[1].ceiling or 0) > 60
    sentence = ceiling_sentence(scores)
    assert sentence.startswith("In 1 of 5 tracks the mix is not the sum of its stems") and "never with" in sentence
    assert ceiling_sentence(scores[1:]) == ""


def test_a_table_has_a_picture_however_few_its_tracks(folder: Path, tmp_path: Path) -> None:
    scores = evaluate_separation(list_tracks(folder), halves, tmp_path / "out").tracks
    for count in (1, 6):
        plot_separation(tmp_path / "boxes.png", ["all", "half"], [*scores, *scores][:count])
        assert (tmp_path / "boxes.png").stat().st_size > 5_000


def test_a_recipe_leaves_out_what_weighs_nothing() -> None:
    assert recipe_of(["htdemucs", "mdx23c", "melband"], [0.149, 0.85, 0.001]) == "htdemucs:15+mdx23c:85"
    assert recipe_of(["htdemucs", "mdx23c"], [0.0, 1.0]) == "mdx23c"
