"""The dimensions of a harmonic-plus-noise decoder."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class HarmonicConfig:
    """The defaults are those of the embedded base; a frame is one step of the network, `hop` samples long."""

    sampling_rate: int = 24000
    """Hz."""
    hop: int = 300
    """Samples per frame: 80 frames/s."""
    window: int = 1200
    """Samples of the inverse transform, which gives window // 2 + 1 bins."""
    content_width: int = 128
    width: int = 256
    hidden: int = 768
    blocks: int = 8
    speaker_width: int = 256
    """Of the speaker embedding; 0: a decoder of one voice."""

    @property
    def bins(self) -> int:
        """Of a frame's spectrum."""
        return self.window // 2 + 1

    @property
    def frame_rate(self) -> int:
        """Frames per second."""
        return self.sampling_rate // self.hop
