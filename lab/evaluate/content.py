"""What content features encode of words and phones, and what they leak of the speaker, on held-out voices.

Protocol. An encoder is any function from mono at 16 kHz (samples,) to frames (T, C) at 50 frames/s.

- **word ABX error**: words with times from Whisper base (cached) in all held-out LibriSpeech clips; words of at least
  6 letters and 0.3 s, 60 ms later than Whisper's times, without silence at their ends. A and X are the same word by
  different speakers, B another word of A's speaker: 2000 triples, seed 0. Features are centred over their clip. Error:
  share of triples with d(A, X) ≥ d(B, X), d being the mean cosine distance along the DTW path.
- **speaker**: the 10 held-out LibriSpeech speakers with 10 clips each. A linear softmax classifier on single
  standardised frames learns from the first 7 clips of each speaker and is tested on the last 3, frame by frame, active
  frames only. Chance is 0.10; lower is better.
- **phone**: the labelled synthetic clips, speech and song. A linear softmax classifier on single standardised frames
  learns from at most 30 000 frames (every fifth clip) of the voices that are not held out and is tested on all clips
  of those that are, frame by frame. Labels are taken 50 ms earlier, for they come late. Silence, pauses and
  punctuation are left out. Stress marks count as the phone that follows, length marks as the one before.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import melscale_fbanks

from files.atomic import atomic_write
from lab.corpus.clips import LATE_SECONDS, STEP_SECONDS, CorpusClip, recorded_clips, synthetic_clips
from lab.evaluate import transcript
from lab.evaluate.discriminability import Segment, abx_error, draw_triples, probe_accuracy
from lab.evaluate.mcd import active_frames
from lab.evaluate.transcript import Word
from models.content.student import ContentStudent, centred
from models.content.whisper import WhisperEncoder
from models.signal import SPEECH_RATE, Floats32
from pipeline.progress import Report, ignore

Encode = Callable[[Floats32], Floats32]
"""(samples,) at 16 kHz → (T, C) at 50 frames/s."""

HOP = SPEECH_RATE // 50
TRIPLES = 2000
MIN_LETTERS, MIN_WORD_SECONDS, MAX_WORD_SECONDS = 6, 0.3, 0.9
WORDS_EARLY_SECONDS = 0.06
"""Whisper's times are early by about this: with it every feature discriminates more words."""
MIN_WORD_FRAMES = 5
TRAIN_CLIPS = 7
PHONE_FRAMES = 30_000
PHONE_TRAIN_EVERY = 5
NO_PHONE = frozenset(range(18))
"""Tokens that are no sound: padding, punctuation, space."""
STRESS, LENGTH = frozenset({156, 157}), 158


@dataclass(frozen=True)
class ContentScores:
    """Word ABX error (lower is better), speaker and phone frame accuracy (lower, higher is better)."""

    abx: float
    speaker: float
    phone: float


def evaluate_content(encode: Encode, data: Path, cache: Path, report: Report = ignore) -> ContentScores:
    """Measure an encoder by the protocol above; Whisper and its words are cached in `cache`.

    Raises CorpusError, what `decode` raises, WeightsError (Whisper's packages), DiskFull.
    """
    held_out = abx_clips(data)
    words = word_times(held_out, cache, report)
    report("content", 0.0)
    frames = {clip.path: encode(clip.read()) for clip in held_out}
    report("content", 0.2)
    abx = _abx(held_out, words, frames)
    report("content", 0.3)
    speaker = _speaker(held_out, frames)
    report("content", 0.4)
    phone = _phone(phone_clips(data), encode, report)
    report("content", 1.0)
    return ContentScores(abx, speaker, phone)


def log_mel(wav: Floats32) -> Floats32:
    """The baseline: 80 log-mels of 25 ms windows, (samples,) → (samples // 320, 80), each band centred."""
    basis = melscale_fbanks(201, 0.0, SPEECH_RATE / 2, 80, SPEECH_RATE, norm="slaney", mel_scale="slaney")
    spectrum = torch.stft(torch.from_numpy(wav), 400, 160, window=torch.hann_window(400), return_complex=True)
    mel = ((spectrum.abs() ** 2).T @ basis).clamp_min(1e-8).log10()
    mel = (mel - mel.mean(0)) / (mel.std() + 1e-3)
    return np.asarray(mel[: len(wav) // 320 * 2].view(-1, 2, 80).mean(1), np.float32)


def of_encoder(encoder: ContentStudent) -> Encode:
    """The shipped encoder, or one like it, as a plain function: centred over the clip, as in conversion."""
    device = encoder.mel_basis.device
    return lambda wav: centred(encoder.encode(torch.from_numpy(wav).to(device))).float().cpu().numpy()


def of_teacher(teacher: WhisperEncoder, layer: int) -> Encode:
    """A layer of Whisper's encoder (1 to 6) as a plain function; what is longer than 30 s is cut."""
    return lambda wav: teacher.encode(torch.from_numpy(wav[: 30 * SPEECH_RATE]), layer).float().cpu().numpy()


def word_times(clips: Sequence[CorpusClip], cache: Path, report: Report = ignore) -> dict[Path, list[Word]]:
    """The words of each clip with their times, recognised once and cached in `cache`."""
    file = cache / "words.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    missing = [clip for clip in clips if clip.path.name not in known]
    if missing:
        report("recognising", 0.0)
        recogniser = transcript.load(cache)
        for done, clip in enumerate(missing):
            known[clip.path.name] = [asdict(word) for word in recogniser.words(clip.read(), clip.language)]
            report("recognising", (done + 1) / len(missing))
        with atomic_write(file) as out:
            out.write(json.dumps(known).encode())
    return {clip.path: [Word(**word) for word in known[clip.path.name]] for clip in clips}


def abx_clips(data: Path) -> list[CorpusClip]:
    """The held-out clips of LibriSpeech, by file name. Raises CorpusError."""
    clips = [clip for clip in recorded_clips(data) if clip.held_out and clip.speaker.startswith("libri-")]
    return sorted(clips, key=lambda clip: clip.path)


def phone_clips(data: Path) -> list[CorpusClip]:
    """All synthetic clips of the held-out voices, every fifth of each other voice. Raises CorpusError."""
    clips = sorted(synthetic_clips(data), key=lambda clip: clip.path)
    chosen: list[CorpusClip] = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = [clip for clip in clips if clip.speaker == speaker]
        chosen += own if own[0].held_out else own[::PHONE_TRAIN_EVERY]
    return chosen


def _abx(clips: Sequence[CorpusClip], words: dict[Path, list[Word]], frames: dict[Path, Floats32]) -> float:
    segments = []
    for clip in clips:
        centred = frames[clip.path] - frames[clip.path].mean(0)
        active = active_frames(clip.read(), HOP, len(centred), below_db=30.0)
        for word in words[clip.path]:
            if len(word.text) < MIN_LETTERS or not MIN_WORD_SECONDS <= word.end - word.start <= MAX_WORD_SECONDS:
                continue
            start, stop = (round((seconds + WORDS_EARLY_SECONDS) * 50) for seconds in (word.start, word.end))
            sounding = np.flatnonzero(active[start:stop])
            if len(sounding) >= MIN_WORD_FRAMES:
                spoken = centred[start + sounding[0] : start + sounding[-1] + 1]
                segments.append(Segment(word.text, clip.speaker, spoken))
    return abx_error(segments, draw_triples([(s.word, s.speaker) for s in segments], TRIPLES))


def _speaker(clips: Sequence[CorpusClip], frames: dict[Path, Floats32]) -> float:
    speakers = sorted({clip.speaker for clip in clips})
    parts: tuple[list[tuple[Floats32, int]], list[tuple[Floats32, int]]] = ([], [])
    for number, speaker in enumerate(speakers):
        own = [clip for clip in clips if clip.speaker == speaker]
        for place, clip in enumerate(own):
            features = frames[clip.path]
            active = active_frames(clip.read(), HOP, len(features))
            parts[place >= TRAIN_CLIPS].append((features[active], number))
    return probe_accuracy(*(_stack(part) for part in parts))


def _phone(clips: Sequence[CorpusClip], encode: Encode, report: Report) -> float:
    parts: tuple[list[tuple[Floats32, NDArray[np.int64]]], list[tuple[Floats32, NDArray[np.int64]]]] = ([], [])
    for done, clip in enumerate(clips):
        features = encode(clip.read())
        phones = phones_of(clip, len(features))
        sounding = phones >= 0
        parts[clip.held_out].append((features[sounding], phones[sounding]))
        report("content", 0.4 + 0.4 * done / len(clips))
    (train, train_phones), test = (
        (np.concatenate([f for f, _ in part]), np.concatenate([p for _, p in part])) for part in parts
    )
    drawn = np.random.default_rng(0).permutation(len(train))[:PHONE_FRAMES]
    return probe_accuracy((train[drawn], train_phones[drawn]), test)


def phones_of(clip: CorpusClip, count: int) -> NDArray[np.int64]:
    """(count,) the phone token at the middle of each frame of 20 ms; −1 where there is none."""
    tokens = list(clip.phones)
    for place in reversed(range(len(tokens))):
        if tokens[place] in STRESS and place + 1 < len(tokens):
            tokens[place] = tokens[place + 1]
    for place, token in enumerate(tokens):
        if token == LENGTH and place:
            tokens[place] = tokens[place - 1]
    steps = np.repeat([-1 if token in NO_PHONE else token for token in tokens], clip.durations)
    places = (((np.arange(count) + 0.5) / 50 + LATE_SECONDS) / STEP_SECONDS).astype(int)
    return np.where(places < len(steps), steps[np.minimum(places, len(steps) - 1)], -1).astype(np.int64)


def _stack(parts: Sequence[tuple[Floats32, int]]) -> tuple[Floats32, NDArray[np.int64]]:
    classes = np.concatenate([np.full(len(frames), number, np.int64) for frames, number in parts])
    return np.concatenate([frames for frames, _ in parts]), classes
