"""How the training material is made: recordings from packages, and speech and song by Kokoro, with their licences.

A corpus is a folder: `real.json` lists the recordings, `kokoro/labels.jsonl` the synthetic clips with their labels.
`sources.toml` says where everything comes from; each file is pinned by its sha256. See docs/corpus.md.
"""
