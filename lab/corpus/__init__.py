"""Building a corpus: recordings from packages, and synthetic speech and song by Kokoro, with their licences.

A corpus is a folder: `real.json` lists the recordings, `kokoro/labels.jsonl` the synthetic clips with their labels.
`sources.toml` lists the origin of everything; each file is pinned by its sha256. See docs/corpus.md.
"""
