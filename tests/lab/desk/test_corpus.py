"""`discovervoice corpus` as it is typed: a table of what was made, one sentence for what cannot be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import app
from lab.corpus import build as building
from lab.corpus.build import BuildOutcome
from lab.corpus.catalogue import sources

RUN = CliRunner()


def said(*words: str) -> tuple[int, str, str]:
    """Exit code, output without line breaks, and the message of an error that `main` would print."""
    done = RUN.invoke(app, ["corpus", *words])
    return done.exit_code, " ".join(done.output.split()), str(done.exception or "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "elvis"], "There is no source 'elvis'"),
        (["--only", "picovoice"], "picovoice: it is in no package; give a folder with"),
        (["--from", "picovoice"], "--from takes NAME=FOLDER, not 'picovoice'."),
        (["--from", "carlo=/x"], "A folder of your own cannot be given for 'carlo'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    code, _, error = said("build", str(tmp_path), *words)
    assert code == 1 and sentence in error and "\n" not in error
    assert list(tmp_path.iterdir()) == []


def test_the_table_lists_what_was_built_and_what_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def build(folder: Path, report: object, **options: object) -> list[BuildOutcome]:
        asked.update(options)
        return [
            BuildOutcome(sources()["carlo"], clips=48, written=2, seconds=1242.0, speakers=1),
            BuildOutcome(sources()["picovoice"], missing="in no package."),
        ]

    monkeypatch.setattr(building, "build", build)
    code, output, _ = said("build", str(tmp_path), "--minutes", "5", "--seed", "3", "--from", "librispeech=there")
    assert code == 0 and "Not made: picovoice: in no package." in output
    assert all(word in output for word in ("carlo", "48", "20.7", "CC-BY-3.0", "heldout"))
    assert asked.pop("only") in (None, [])
    assert asked == {"own": {"librispeech": Path("there")}, "minutes": 5.0, "seed": 3}


def test_every_source_is_listed_with_its_licence() -> None:
    code, output, _ = said("sources")
    assert code == 0 and all(source.licence.split()[0] in output for source in sources().values())
