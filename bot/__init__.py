"""The Discord face: reads commands, writes rows, shows cards, delivers results. Never imports torch."""
