"""Errors of the laboratory; the message of each is a sentence for the researcher.

LabError
├── BuildError       a corpus cannot be built
├── CorpusError      a folder holds no corpus
├── UnknownVoice     a corpus lacks a voice
├── RecipeError      a settings file cannot be used
├── SingersError     a folder of songs cannot be trained on
├── StemsError       a folder of songs in stems cannot be learnt from
├── PruningError     a separator cannot be pruned or trained as asked
├── ProcessLost      one of several processes has died
├── ReportError      there is nothing to report
└── TracksError      a folder of multitracks cannot be evaluated on
"""


class LabError(Exception):
    """What a researcher can correct; the message is one sentence that says why and what to do."""


class BuildError(LabError):
    """The corpus cannot be built as asked: a package, a folder or a program is missing or damaged."""


class CorpusError(LabError):
    """The folder holds no corpus, or one that is too small."""


class UnknownVoice(LabError):
    """The corpus holds no such voice, or too little of it."""


class RecipeError(LabError):
    """The settings file of a training cannot be used."""


class SingersError(LabError):
    """The folder of songs, or what is left of it, cannot be trained on."""


class ProcessLost(LabError):
    """One of the processes that share the work was killed; what the others have finished is kept."""


class ReportError(LabError):
    """A folder holds nothing that was measured, or a file of it is damaged."""


class TracksError(LabError):
    """The folder holds no tracks with known vocals, or one of them cannot be read."""


class StemsError(LabError):
    """The folder holds no songs in stems, or one of them cannot be used."""


class PruningError(LabError):
    """The separator cannot be pruned or trained as asked."""
