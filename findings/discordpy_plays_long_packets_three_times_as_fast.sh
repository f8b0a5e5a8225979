#!/usr/bin/env bash
# discord.py 2.7.1 with the FFmpeg in the wheel of imageio-ffmpeg 0.6.0, from PyPI.
#
# `FFmpegOpusAudio.from_probe` is the way to play what is Opus already: it is found to be so, copied and not encoded anew, and a
# copy is thought to be the same song without the loss. Every packet of the file becomes one packet of Discord's, and the player
# gives each 20 ms, of the clock and of the RTP timestamp, whatever is in it (player.py, AudioPlayer.DELAY; voice_client.py,
# SAMPLES_PER_FRAME). Opus has packets from 2.5 to 120 ms, and who makes voice messages and streams likes the longer ones, for they
# are smaller. Of 60 ms a song is over in a third of its time, of 10 ms it takes twice as long. Nothing warns, and files of
# FFmpeg's own default, 20 ms, show nothing. Without from_probe, and without a codec (codec="libopus" means
# a copy, too), it is encoded anew and right; or look into the first byte of a packet.
#
# Seen, six seconds, played within: packets of 10 ms 12.1 s, 20 ms 6.1 s, 40 ms 3.1 s, 60 ms 2.1 s; encoded anew 6.1 s each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet discord.py==2.7.1 imageio-ffmpeg==0.6.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import asyncio
import subprocess

import discord
import imageio_ffmpeg
from discord.opus import Encoder
from discord.player import AudioPlayer

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SECONDS = 6


def milliseconds(packet):
    """How much sound an Opus packet holds, by its first bytes (RFC 6716, section 3.1)."""
    mode, count = packet[0] >> 3, packet[0] & 3
    if mode < 12:
        one = (10, 20, 40, 60)[mode % 4]
    else:
        one = (10, 20)[mode % 2] if mode < 16 else (2.5, 5, 10, 20)[mode % 4]
    return one * (packet[1] & 63 if count == 3 else (1, 2, 2)[count])


def packets(source):
    """What the player would send, one packet each 20 ms."""
    found = []
    while packet := source.read():
        found.append(packet)
    source.cleanup()
    return found


async def main():
    print("discord.py", discord.__version__, "FFmpeg", imageio_ffmpeg.get_ffmpeg_version())
    assert AudioPlayer.DELAY == 0.02 and Encoder.SAMPLES_PER_FRAME == 960
    for length in (10, 20, 40, 60):
        name = f"song{length}.ogg"
        making = [FFMPEG, "-v", "error", "-f", "lavfi", "-i", f"sine=220:sample_rate=48000:duration={SECONDS}"]
        subprocess.run([*making, "-c:a", "libopus", "-frame_duration", str(length), name], check=True)
        by = {"executable": FFMPEG, "stderr": subprocess.DEVNULL}
        copied = packets(await discord.FFmpegOpusAudio.from_probe(name, method="fallback", **by))
        anew = packets(discord.FFmpegOpusAudio(name, **by))
        held = sum(map(milliseconds, copied[2:])) / 1000  # the first two are the headers of Ogg Opus
        played, right = (len(sent) * AudioPlayer.DELAY for sent in (copied, anew))
        print(f"packets of {length} ms: {held:.2f} s of sound, played within {played:.2f} s; encoded anew {right:.2f} s")
        assert abs(held - SECONDS) < 0.1 and abs(right - SECONDS) < 0.1
        assert abs(played - SECONDS * 20 / length) < 0.15


asyncio.run(main())
PYTHON
