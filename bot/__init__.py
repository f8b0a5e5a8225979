"""The Discord face: commands, cards, delivery. A file a feature; no feature imports another.

`texts` (sentences, languages, names), `messages` (what the bot posts) and `interactions` (what it answers with) are
shared by the features; `app` puts them together.
"""
