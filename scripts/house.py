"""Draw the rooms, their folders and the imports between rooms from the current code: `docs/images/house.png`.

`python scripts/house.py` draws; `--table` prints files and lines of each room instead.
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "house.png"
PLACES = {  # x, y of a room's lower left corner, width, height: each stands on what it imports
    "lab": (0.0, 4.2, 4.0, 3.2),
    "cli": (4.2, 5.9, 7.8, 1.5),
    "worker": (4.2, 4.2, 4.3, 1.5),
    "bot": (8.7, 4.2, 3.3, 1.5),
    "pipeline": (0.0, 2.6, 7.4, 1.4),
    "metrics": (7.6, 3.2, 4.4, 0.8),
    "store": (7.6, 1.0, 4.4, 2.0),
    "models": (0.0, 1.0, 7.4, 1.4),
    "files": (0.0, 0.0, 12.0, 0.8),
}
SOUND_WAY = ("sound", "separation", "listening", "voices", "singing", "matching", "training", "covers", "pool")
"""The pipeline's folders in the order of processing."""
FACE, EDGE, INK = "#f4efe6", "#8a7f70", "#2e2a25"


def modules(room: str) -> list[Path]:
    """The Python files of a room, without migrations."""
    return sorted(path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


def lines(paths: list[Path]) -> int:
    """Lines of all of them."""
    return sum(len(path.read_text().splitlines()) for path in paths)


def imports() -> set[tuple[str, str]]:
    """(room, room that it imports), of rooms that differ, wherever in a file the import stands."""
    edges = set()
    for room in PLACES:
        for path in modules(room):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                edges |= {(room, top) for name in names if (top := name.partition(".")[0]) in PLACES and top != room}
    return edges


def contents(room: str) -> str:
    """The room's folders with their lines, or its files if it has no folder; the pipeline's in order of processing."""
    folders = sorted(path for path in (ROOT / room).iterdir() if any(path.glob("*.py")))
    if room == "pipeline":
        folders.sort(key=lambda folder: SOUND_WAY.index(folder.name))
    parts = [f"{folder.name}/ {lines(sorted(folder.rglob('*.py')))}" for folder in folders]
    parts += [path.stem for path in modules(room) if path.parent == ROOT / room and path.name != "__init__.py"]
    return " · ".join(parts)


def draw(target: Path) -> None:
    """Write the picture."""
    import textwrap

    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    figure = Figure(figsize=(11, 7), dpi=100, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(-0.1, 12.1), ylim=(-0.1, 7.5))
    axes.set_axis_off()
    edges = imports()
    for room, (x, y, width, height) in PLACES.items():
        axes.add_patch(FancyBboxPatch((x, y), width, height, "round,pad=0,rounding_size=0.1", fc=FACE, ec=EDGE, lw=1.2))
        paths = modules(room)
        title = f"{room}/   {len(paths)} files, {lines(paths) / 1000:.1f} k lines"
        axes.text(x + 0.15, y + height - 0.3, title, fontsize=10, weight="bold", color=INK)
        shown = textwrap.fill(contents(room), round(width * 13), break_on_hyphens=False)
        axes.text(x + 0.15, y + height - 0.42, shown, fontsize=8, va="top", color=INK)
        below = ", ".join(lower for lower in reversed(PLACES) if (room, lower) in edges)
        if below:
            axes.text(
                x + width - 0.15, y + 0.12, f"imports {below}", fontsize=8, style="italic", ha="right", color=EDGE
            )
    figure.savefig(target)


if __name__ == "__main__":
    if "--table" in sys.argv[1:]:
        for room in PLACES:
            print(f"{room:<9} {len(modules(room)):>4} files {lines(modules(room)):>6} lines")
    else:
        draw(PICTURE)
