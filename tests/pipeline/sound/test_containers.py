"""The decoder's samples are the truth in every container, whatever its clock says."""

from contextlib import suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.decode import NOTE, SONG, Limits, decode, decode_blocks, measure, probe
from tests.pipeline import sounds
from tests.pipeline.sound.recordings import When, encode, plainly, retimed

ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=8000)
SECONDS = 2.5
KINDS = [
    *(("mp4", "aac"), ("mov", "aac"), ("3gp", "aac"), ("ipod", "alac"), ("mp4", "libmp3lame"), ("mp4", "libopus")),
    *(("mp4", "flac"), ("mov", "pcm_s16be")),
    *(("matroska", "aac"), ("matroska", "libmp3lame"), ("matroska", "libopus"), ("matroska", "libvorbis")),
    *(("matroska", "flac"), ("matroska", "ac3"), ("webm", "libopus"), ("webm", "libvorbis")),
    *(("ogg", "libopus"), ("ogg", "libvorbis"), ("ogg", "flac"), ("mp3", "libmp3lame"), ("flac", "flac")),
    *(
        ("wav", "pcm_s16le"),
        ("adts", "aac"),
        ("avi", "libmp3lame"),
        ("mpegts", "aac"),
        ("flv", "aac"),
        ("asf", "wmav2"),
    ),
    *(("caf", "pcm_s16be"), ("caf", "alac"), ("aiff", "pcm_s16be")),
]


def rate_of(codec: str) -> int:
    return 48_000 if codec == "libopus" else 44_100


@cache
def original(rate: int) -> Floats32:
    return sounds.noise(SECONDS, rate, 1)


def recorded(folder: Path, container: str, codec: str, **options: str) -> Path:
    rate = rate_of(codec)
    return encode(folder / "recorded", original(rate), rate, codec, container, **options)


def read(path: Path, rate: int) -> Floats32:
    return decode(path, rate, channels=1, limits=ANY, name="x")


def clocks(base: Fraction) -> dict[str, tuple[When, int]]:
    """What clocks do to a recording: other times, and the first packet that is there."""

    def ticks(seconds: float) -> int:
        return round(seconds / base)

    def rounded(time: int) -> int:
        return ticks(round(float(time * base), 3))

    return {
        "late": (lambda number, time, lasts: (time + ticks(7), lasts), 0),
        "gap": (lambda number, time, lasts: (time + ticks(1000 if number > 8 else 0), lasts), 0),
        "jitter": (lambda number, time, lasts: (time + ticks(0.001 * (number % 3 - 1) if number else 0), lasts), 0),
        "milliseconds": (lambda number, time, lasts: (rounded(time), rounded(lasts)), 0),
        "cut out": (lambda number, time, lasts: (time, lasts), 8),
    }


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_the_clock_adds_nothing_and_takes_nothing_away(tmp_path: Path, container: str, codec: str) -> None:
    rate = rate_of(codec)
    source = recorded(tmp_path, container, codec)
    with av.open(str(source)) as box:
        base = box.streams.audio[0].time_base
    assert base
    for clock, (when, first) in clocks(base).items():
        path = retimed(source, tmp_path / "copied", container, when, first)
        assert_only_the_ends_differ(plainly(path), read(path, rate), rate, clock)


def assert_only_the_ends_differ(plain: Floats32, ours: Floats32, rate: int, clock: str = "") -> None:
    """At most 30 ms less than FFmpeg gives by itself, the rest of it in place and equal."""
    lag = plain.shape[1] - len(ours)
    assert 0 <= lag <= 0.1 * rate, clock
    ahead = sounds.lag(ours[: rate // 2], plain[0, : rate // 2])
    assert 0 <= ahead <= 0.03 * rate, clock
    count = min(plain.shape[1] - ahead, len(ours))
    np.testing.assert_allclose(ours[:count], plain[0, ahead : ahead + count], atol=1e-4, err_msg=clock)


@pytest.mark.parametrize(
    ("container", "codec"), [kind for kind in KINDS if kind[0] not in ("adts", "avi", "mpegts", "flv", "asf")]
)
def test_the_encoders_delay_is_taken_off(tmp_path: Path, container: str, codec: str) -> None:
    rate = rate_of(codec)
    ours = read(recorded(tmp_path, container, codec), rate)
    assert sounds.lag(original(rate)[0], ours) == 0
    told = container not in ("matroska", "webm") or codec in ("libopus", "libmp3lame", "flac")
    padding = 0 if told else 2048  # there the container does not tell where the sound ends
    assert 0 <= len(ours) - round(SECONDS * rate) <= padding


def test_a_recording_remuxed_from_matroska_to_mp4_keeps_its_sound(tmp_path: Path) -> None:
    matroska = retimed(recorded(tmp_path, "mp4", "aac"), tmp_path / "rec.mkv", "matroska", lambda _, t, d: (t, d))
    path = retimed(matroska, tmp_path / "rec.mp4", "mp4", lambda _, t, d: (t, d))
    ours = read(path, 44_100)
    assert_only_the_ends_differ(plainly(path), ours, 44_100)
    assert sounds.snr(original(44_100)[0, 2000:-2000], ours[2000 + sounds.lag(original(44_100)[0], ours) :]) > 18


def test_an_edit_list_cuts_both_ends(tmp_path: Path) -> None:
    path = recorded(tmp_path, "mp4", "aac")
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 8] = (1500).to_bytes(4) + (1024 + 22_050).to_bytes(4)  # 1.5 s, from half a second on
    path.write_bytes(bytes(data))
    ours = read(path, 44_100)
    assert len(ours) == 66_150
    assert sounds.lag(original(44_100)[0, 22_050 : 22_050 + 66_150], ours) == 0


@pytest.mark.parametrize(
    ("container", "codec"),
    [("ogg", "libopus"), ("ogg", "libvorbis"), ("mp3", "libmp3lame"), ("flac", "flac"), ("adts", "aac")],
)
@pytest.mark.parametrize(("first", "second"), [(2.0, 0.6), (0.6, 2.0)])
def test_joined_files_last_as_long_as_both(
    tmp_path: Path, container: str, codec: str, first: float, second: float
) -> None:
    rate = rate_of(codec)
    both = sounds.noise(first + second, rate, 1)
    cut = round(first * rate)
    one = encode(tmp_path / "one", both[:, :cut], rate, codec, container).read_bytes()
    path = encode(tmp_path / "joined", both[:, cut:], rate, codec, container)
    path.write_bytes(one + path.read_bytes())
    ours = decode(path, rate, channels=1, limits=NOTE, name="x")
    if container == "adts":  # it does not tell what is an encoder's
        np.testing.assert_allclose(ours, plainly(path)[0], atol=1e-4)
    else:
        assert len(ours) == both.shape[1]
        assert sounds.lag(both[0, :cut], ours[:cut]) == sounds.lag(both[0, cut:], ours[cut:]) == 0
    assert measure(path, NOTE, "x") == pytest.approx(2.6, abs=0.08)
    probe(path, Limits(max_bytes=1 << 20, min_seconds=2.5, max_seconds=3.0, min_rate=16_000), "x")


def test_an_mp3_without_a_head_before_one_with_and_rubbish_before_both(tmp_path: Path) -> None:
    sound = sounds.noise(2, 44_100, 1)
    bare = encode(tmp_path / "bare", sound, 44_100, "libmp3lame", "mp3", write_xing="0").read_bytes()
    path = encode(tmp_path / "whole", sound, 44_100, "libmp3lame", "mp3")
    whole = path.read_bytes()
    path.write_bytes(bare + whole)
    ours = read(path, 44_100)
    assert sounds.lag(sound[0], ours[-88_200:]) == 0 and len(ours) > 2 * 88_200
    path.write_bytes(bytes(30_000) + whole)
    ours = read(path, 44_100)
    assert sounds.lag(sound[0], ours) == 0 and len(ours) == 88_200


@pytest.mark.parametrize(("container", "codec"), [("ogg", "libvorbis"), ("mp3", "libmp3lame")])
def test_a_later_part_that_cannot_be_read_is_not_left_out_without_a_word(
    tmp_path: Path, container: str, codec: str
) -> None:
    path = encode(tmp_path / "joined", sounds.noise(1, 44_100, 1), 44_100, codec, container)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:600] + b"\x55" * (len(whole) - 600))
    with pytest.raises(errors.UnreadableSound):
        read(path, 44_100)


@pytest.mark.parametrize("channels", [1, 2])
def test_joined_files_of_different_rates_are_one(tmp_path: Path, channels: int) -> None:
    one = encode(tmp_path / "one", sounds.noise(1, 44_100, channels), 44_100, "libvorbis", "ogg").read_bytes()
    path = encode(tmp_path / "joined", sounds.noise(1, 32_000, 2), 32_000, "libvorbis", "ogg")
    path.write_bytes(one + path.read_bytes())
    assert len(read(path, 16_000)) == pytest.approx(32_000, abs=200)


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("ipod", "aac", {"movflags": "+faststart"}),
        ("mov", "pcm_s16be", {"movflags": "+faststart"}),
        ("matroska", "aac", {}),
        ("webm", "libopus", {}),
        ("avi", "libmp3lame", {}),
        ("mp3", "libmp3lame", {}),
        ("flac", "flac", {}),
        ("wav", "pcm_s16le", {}),
        ("aiff", "pcm_s16be", {}),
        ("caf", "pcm_s16be", {}),
        ("w64", "pcm_s16le", {}),
        ("au", "pcm_s16be", {}),
    ],
)
def test_half_a_file_breaks_off(tmp_path: Path, container: str, codec: str, options: dict[str, str]) -> None:
    path = recorded(tmp_path, container, codec, **options)
    measure(path, NOTE, "x")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    for ask in (
        measure,
        lambda *asked: list(decode_blocks(asked[0], 16_000, channels=1, block_seconds=1, limits=NOTE, name="x")),
    ):
        with pytest.raises(errors.CutOff) as caught:
            ask(path, NOTE, "x")
        assert caught.value.params["seconds"] == pytest.approx(SECONDS / 2, abs=0.35)
        assert caught.value.params["declared"] == pytest.approx(SECONDS, abs=0.35)


def test_a_streamed_matroska_promises_no_length(tmp_path: Path) -> None:
    path = recorded(tmp_path, "matroska", "aac", live="1")
    assert measure(path, ANY, "x") == pytest.approx(SECONDS, abs=0.05)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert measure(path, ANY, "x") == pytest.approx(SECONDS / 2, abs=0.2)


def test_what_lasts_too_long_is_known_by_its_samples(tmp_path: Path) -> None:
    limits = Limits(max_bytes=1 << 30, min_seconds=1.0, max_seconds=1.5, min_rate=8000)
    path = recorded(tmp_path, "mp4", "aac")
    probe(path, limits, "x")
    with pytest.raises(errors.TooLong):
        measure(path, limits, "x")


def test_the_shortest_is_known_by_its_samples(tmp_path: Path) -> None:
    path = encode(tmp_path / "x", sounds.noise(0.5, 44_100, 1), 44_100, "aac", "mp4")
    late = retimed(path, tmp_path / "late", "mp4", lambda k, t, d: (t + (441_000 if k > 5 else 0), d))
    for file in (path, late):
        with pytest.raises(errors.TooShort) as caught:
            probe(file, SONG, "x")
        assert caught.value.params["seconds"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_damage_raises_nothing_but_our_own(
    tmp_path: Path, container: str, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    clean = np.frombuffer(recorded(tmp_path, container, codec).read_bytes(), np.uint8)
    for _ in range(12):
        data = clean.copy()
        data[random.integers(0, 300, 6)] = random.integers(0, 256, 6)
        (tmp_path / "x").write_bytes(data[: random.integers(len(data) // 2, len(data) + 1)].tobytes())
        with suppress(errors.SoundError):
            measure(tmp_path / "x", ANY, "x")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", [0x00FF, 0xA106, 0xFFFF])
def test_a_wav_of_a_kind_whose_number_is_no_letters(tmp_path: Path, form: int) -> None:
    path = sounds.wav(tmp_path / "x.wav", bytes(64_000))
    path.write_bytes(path.read_bytes()[:20] + form.to_bytes(2, "little") + path.read_bytes()[22:])
    with pytest.raises(errors.SoundError):
        measure(path, ANY, "x")


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("mpegts", "aac")])
def test_the_sound_of_a_video_is_read_alone(tmp_path: Path, container: str, codec: str) -> None:
    rate = rate_of(codec)
    sound = recorded(tmp_path, container, codec)
    path = tmp_path / "video"
    with av.open(str(sound)) as old, av.open(str(path), "w", format=container) as new:
        picture = new.add_stream("mpeg4", rate=25, width=64, height=64, pix_fmt="yuv420p")
        copy = new.add_stream_from_template(old.streams.audio[0])
        for _ in range(25):
            new.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        new.mux(picture.encode(None))
        for packet in old.demux(old.streams.audio[0]):
            if packet.size:
                packet.stream = copy
                new.mux(packet)
    assert_only_the_ends_differ(plainly(path), read(path, rate), rate)
