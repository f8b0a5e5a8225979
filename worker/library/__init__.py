"""The voices that `/match` compares with, and the clips of those that ship."""
