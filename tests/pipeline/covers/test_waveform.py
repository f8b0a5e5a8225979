import numpy as np
import pytest

from pipeline.covers.waveform import WaveformMeter


def test_each_twentieth_of_a_second_has_its_lowest_and_its_highest_sample_of_both_channels() -> None:
    sound = np.zeros((2, 2500), np.float32)
    sound[0, 49], sound[1, 50], sound[0, 2499] = 0.5, -0.25, 1.0
    meter = WaveformMeter(1000)
    for start in range(0, 2500, 1000):
        meter.add(sound[:, start : start + 1000])
    waveform = meter.value()
    assert waveform.seconds == 2.5 and len(waveform.low) == len(waveform.high) == 50
    assert np.flatnonzero(waveform.high).tolist() == [0, 49] and np.flatnonzero(waveform.low).tolist() == [1]
    assert waveform.high[0] == 0.5 and waveform.low[1] == -0.25


@pytest.mark.parametrize("most, count", [(50, 50), (49, 25), (1, 1), (390, 50)])
def test_columns_are_no_more_than_asked_for_and_lose_no_peak(most: int, count: int) -> None:
    meter = WaveformMeter(1000)
    meter.add(np.linspace(-1, 1, 2500, dtype=np.float32)[None])
    low, high = meter.value().columns(most)
    assert len(low) == len(high) == count
    assert low[0] == -1 and high[-1] == 1
