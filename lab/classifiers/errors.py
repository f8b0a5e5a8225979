"""Why nothing can be trained from a folder."""


class SingersError(Exception):
    """The folder, or what is left of it, cannot be trained from; the message says why and what to do."""
