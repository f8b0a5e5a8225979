"""The one way in which a corpus cannot be made."""


class BuildError(Exception):
    """The corpus cannot be made as asked; the message is one sentence that says why and what to do."""
