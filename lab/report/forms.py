"""A page as HTML and as Markdown: one file each, pictures inside, nothing that is fetched."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import chain

from lab.report.page import Page, Picture, Row, Section

STYLE = (
    "body{background:#1f2024;color:#f1f2f4;font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "td,th{border-bottom:1px solid #3a3d44;padding:.3rem .8rem;text-align:left}td:nth-child(n+2){white-space:nowrap}"
    "img{max-width:100%}code{background:#3a3d44;padding:0 .3rem}figcaption{color:#8b9099}"
)


def as_html(page: Page) -> str:
    """The whole page, which a browser opens from a file and without a network."""
    body = [f"<h1>{escape(page.title)}</h1>", *_paragraphs(page.sentences)]
    body += chain.from_iterable(_html_section(section) for section in page.sections)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\"><title>{escape(page.title)}</title><style>{STYLE}</style>"
    )
    lines = ["<!doctype html>", f'<html lang="{page.language}"><head>{head}</head><body>', *body, "</body></html>", ""]
    return "\n".join(lines)


def as_markdown(page: Page) -> str:
    """The same for a terminal, an editor or a wiki."""
    lines = [f"# {page.title}", "", *chain.from_iterable((sentence, "") for sentence in page.sentences)]
    for section in page.sections:
        lines += [f"## {section.heading}", "", *chain.from_iterable((sentence, "") for sentence in section.sentences)]
        if section.table:
            head, *rows = section.table
            lines += [_markdown_row(head), _markdown_row(["---"] * len(head)), *map(_markdown_row, rows), ""]
        lines += chain.from_iterable((f"![{picture.says}]({_inline(picture)})", "") for picture in section.pictures)
    return "\n".join(lines)


def _html_section(section: Section) -> list[str]:
    lines = [f"<h2>{escape(section.heading)}</h2>", *_paragraphs(section.sentences)]
    if section.table:
        head, *rows = section.table
        lines += ["<table>", _html_row(head, "th"), *(_html_row(row, "td") for row in rows), "</table>"]
    for picture in section.pictures:
        says = escape(picture.says)
        lines.append(f'<figure><img alt="{says}" src="{_inline(picture)}"><figcaption>{says}</figcaption></figure>')
    return lines


def _paragraphs(sentences: Sequence[str]) -> list[str]:
    """Text between backquotes is code."""
    return [f"<p>{_code(escape(sentence))}</p>" for sentence in sentences]


def _code(text: str) -> str:
    parts = text.split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _html_row(cells: Row, tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _inline(picture: Picture) -> str:
    return f"data:image/png;base64,{b64encode(picture.data).decode()}"
