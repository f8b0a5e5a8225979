"""What may be learnt from, and what is only measured on."""

import json
from pathlib import Path

import numpy as np
import pytest

from lab.corpus.clips import read_corpus, recorded_clips, synthetic_clips, trainable
from lab.errors import CorpusError


def test_held_out_voices_are_never_learnt_from(corpus: Path) -> None:
    clips = read_corpus(corpus)
    assert {clip.speaker for clip in clips} == {"libri-1688", "maxim", "libri-533", "af_heart", "bf_emma"}
    assert {clip.speaker for clip in trainable(clips)} == {"libri-1688", "maxim", "af_heart"}


def test_share_alike_sound_is_never_learnt_from_whatever_its_split(corpus: Path, tmp_path: Path) -> None:
    rows = [{**row, "licence": "CC-BY-SA-3.0"} for row in json.loads((corpus / "real.json").read_text())]
    (tmp_path / "real.json").write_text(json.dumps(rows))
    (tmp_path / "kokoro").mkdir()
    (tmp_path / "kokoro" / "labels.jsonl").write_text("")
    assert trainable(read_corpus(tmp_path)) == []


def test_bandwidth_is_the_sources_own(corpus: Path) -> None:
    bandwidth = {clip.speaker: clip.bandwidth for clip in read_corpus(corpus)}
    assert bandwidth["maxim"] == 7000 and bandwidth["af_heart"] == 12000


def test_each_frame_has_the_phone_that_sounds_then(corpus: Path) -> None:
    clip = next(clip for clip in read_corpus(corpus) if clip.speaker == "af_heart")
    phones = clip.phone_frames(500, 100)  # 1 s of silence, 1.5 s of 50, 1.5 s of 51, 0.5 s of silence; all 50 ms early
    assert np.unique(phones, return_counts=True)[1].tolist() == [55, 145, 150, 150]
    assert phones[94] == 0 and phones[95] == 50 and phones[245] == 51 and phones[450] == -1


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no corpus"):
        read_corpus(tmp_path)


def test_one_meaning_of_held_out_for_training_and_evaluation(corpus: Path) -> None:
    clips = read_corpus(corpus)
    assert clips == recorded_clips(corpus) + synthetic_clips(corpus)
    rows = json.loads((corpus / "real.json").read_text())
    assert [clip.path for clip in recorded_clips(corpus)] == [corpus / row["file"] for row in rows]
    assert {clip.speaker for clip in clips if clip.held_out} == {"libri-533", "bf_emma"}
    assert sorted(clips, key=str) == sorted([*trainable(clips), *(clip for clip in clips if clip.held_out)], key=str)


def test_a_list_that_is_no_corpus_says_which(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('[{"file": "x.ogg"}]')
    with pytest.raises(CorpusError, match=r"real\.json is no list of clips"):
        recorded_clips(tmp_path)
    with pytest.raises(CorpusError, match="holds no labels"):
        synthetic_clips(tmp_path)
