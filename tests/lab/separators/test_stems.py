"""Songs in stems: what is read, how it is mixed anew, and what cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from lab.errors import StemsError
from lab.separators.stems import REST, VOCALS, StemMaterial, read_sides
from models.signal import MUSIC_RATE
from tests.lab.separators.stem_songs import STEMS, write_song, write_songs


def test_sides_are_musdbs_own_else_one_song_in_seven_is_held_out(tmp_path: Path) -> None:
    sides = read_sides(write_songs(tmp_path / "whole"), STEMS)
    assert [song.name for song in sides.train] == ["Somebody - train 0", "Somebody - train 1"]
    assert [song.name for song in sides.held_out] == ["Somebody - test 0", "Somebody - test 1"]
    for number in range(8):
        write_song(tmp_path / "flat" / f"{number}", number)
    flat = read_sides(tmp_path / "flat", (VOCALS, REST))
    assert [song.name for song in flat.held_out] == ["0", "7"] and len(flat.train) == 6


def test_the_rest_is_the_mix_without_vocals_and_a_part_is_a_part(tmp_path: Path) -> None:
    write_songs(tmp_path)
    song = read_sides(tmp_path, (VOCALS, REST)).train[0]
    vocals, rest, mix = (song.read(stem, 1000, 500) for stem in (VOCALS, REST, "mixture"))
    assert vocals.shape == (2, 500) and np.allclose(vocals + rest, mix, atol=1e-6)
    assert np.array_equal(vocals, song.read(VOCALS)[:, 1000:1500])
    (song.files["mixture"]).unlink()
    again = read_sides(tmp_path, (VOCALS, REST)).train[0]
    assert np.allclose(again.read(REST, 1000, 500), rest, atol=1e-6)


def test_crops_are_mixed_anew_the_same_for_the_same_draw(tmp_path: Path) -> None:
    songs = read_sides(write_songs(tmp_path), STEMS).train
    drawn = [StemMaterial(songs, STEMS, 1.0).draw(3, 5000, torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert drawn[0].shape == (3, 4, 2, 5000)
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    (crop,) = StemMaterial(songs, STEMS, 0.0).draw(1, 5000, torch.Generator().manual_seed(0))
    mixes = [song.read("mixture") for song in songs]
    found = [np.lib.stride_tricks.sliding_window_view(mix[0], 8) for mix in mixes]
    assert any(np.isclose(windows, crop.sum(0)[0, :8].numpy(), atol=1e-5).all(1).any() for windows in found)
    longer = StemMaterial(songs, STEMS, 0.0).draw(1, 100_000, torch.Generator().manual_seed(0))
    assert longer.shape[-1] == 100_000 and not longer[..., 60_000:].any()


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    def refused(folder: Path, sentence: str, stems: tuple[str, ...] = (VOCALS, REST)) -> None:
        with pytest.raises(StemsError, match=sentence):
            read_sides(folder, stems)

    refused(tmp_path / "nowhere", "There is no folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", r"holds no songs in stems\. They are folders with vocals\.wav")
    (tmp_path / "coded").mkdir()
    (tmp_path / "coded" / "A - B.stem.mp4").touch()
    refused(tmp_path / "coded", r"do not sum to their mix\. MUSDB18-HQ is needed")
    write_song(tmp_path / "one" / "alone", 0)
    refused(tmp_path / "one", r"holds one song\. .* add a second")
    bad = tmp_path / "bad"
    song = write_song(bad / "song", 0)
    write_song(bad / "zong", 1)
    (song / "drums.wav").unlink()
    refused(bad, r"song has no drums\.wav\. Add it", STEMS)
    (song / "mixture.wav").unlink()
    refused(bad, r"song has vocals alone: mixture\.wav is missing")
    write_song(song, 0)
    vocals = song / "vocals.wav"
    sound = soundfile.read(vocals, dtype="float32")[0]
    soundfile.write(vocals, sound[:-7], MUSIC_RATE, subtype="FLOAT")
    refused(bad, r"song: vocals\.wav has 52913 samples and .*\.wav has 52920\. Stems of a song must be of one length")
    soundfile.write(vocals, sound, 48000, subtype="FLOAT")
    refused(bad, r"song: vocals\.wav has 48000 Hz, not 44100\. Resample it")
    soundfile.write(vocals, np.zeros_like(sound), MUSIC_RATE, subtype="FLOAT")
    refused(bad, r"song: vocals\.wav is silent from end to end")
    soundfile.write(vocals, np.zeros((52920, 6), np.float32), MUSIC_RATE, subtype="FLOAT")
    refused(bad, r"has 6 channels")
    vocals.write_bytes(b"RIFF no more")
    refused(bad, r"song: vocals\.wav cannot be read as WAV")
