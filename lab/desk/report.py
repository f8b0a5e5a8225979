"""`discovervoice report`: what was measured here, on one page."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import console
from lab.desk.progress import sentences


def report(
    folder: Annotated[Path, typer.Argument(help="Where `discovervoice evaluate` has written; its --out.")] = Path(
        "evaluation"
    ),
    out: Annotated[Path | None, typer.Option(help="Folder for the pages; the first one if not given.")] = None,
) -> None:
    """Write report.html and report.md, and the same in Korean: every figure beside the project's before."""
    from cli.history import human_opinions, job_costs
    from files.atomic import atomic_write
    from lab.report.forms import as_html, as_markdown
    from lab.report.measured import read_measured
    from lab.report.page import LANGUAGES, make_page
    from store import StoreSettings, open_store

    with sentences():
        settings = StoreSettings()
        there = bool(settings.database_url) or (settings.data_dir / "discovervoice.db").is_file()
        store = open_store() if there else None  # a report makes no database
        opinions, costs = (human_opinions(store), job_costs(store)) if store else ([], [])
        measured = read_measured(folder, opinions, costs)
        texts = dict[str, str]()
        for language in LANGUAGES:
            page = make_page(measured, language)
            suffix = "" if language == LANGUAGES[0] else f".{language}"
            texts |= {f"report{suffix}.html": as_html(page), f"report{suffix}.md": as_markdown(page)}
        where = out or folder
        where.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with atomic_write(where / name) as file:
                file.write(text.encode())
    console.print(f"Pages: {', '.join(str(where / name) for name in texts)}", highlight=False, soft_wrap=True)
