"""Listening tests: moderators collect Human MOS ratings by reactions, and read what they say."""
