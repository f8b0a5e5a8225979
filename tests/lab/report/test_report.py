"""The page of what was measured: whole in both languages as a parser and a browser open it, and nothing is fetched."""

import base64
import io
import json
import shutil
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from typer.testing import CliRunner

from bot.mos.opinion import Opinion
from cli.console import DeskError
from cli.history import JobCost, OpinionRow
from lab.desk.report import report
from lab.errors import PruningError, ReportError
from lab.evaluate.match_report import MatchEvaluation, write_match
from lab.evaluate.match_trials import MatchTrials, measure_match
from lab.evaluate.recommender import RecommenderFigures
from lab.pruning.curve import Curve, CurvePoint, write_curve
from lab.report import page as page_module
from lab.report.forms import as_html, as_markdown
from lab.report.measured import Measured, read_measured
from lab.report.page import LANGUAGES, make_page
from store import ClipRole, ListeningState, Store, StoreSettings, open_store
from store.listening_tables import ListeningClip, ListeningTest, ListeningVote, Question
from store.tables import Job, JobKind, JobState
from tests.browser import CHROMIUM, asked

TEXTS = Path(page_module.__file__).parent / "texts"
NAN = float("nan")
SHOWN = """({
    language: document.documentElement.lang,
    headings: document.querySelectorAll("h2").length,
    pictures: [...document.images].map(image => [image.complete, image.naturalWidth]),
    fetched: performance.getEntriesByType("resource").map(one => one.name).filter(name => !name.startsWith("data:")),
    wide: document.documentElement.scrollWidth - innerWidth,
    bold: document.querySelectorAll("b").length,
    text: document.body.innerText
})"""
PERFORMANCE = {"mos": 3.0, "f0_cents": 12.0, "content_cosine": 0.8}


class Opened(HTMLParser):
    """What a page shows, holds and would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.shown: list[str] = []
        self.language: str | None = None
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and every address in it."""
        self.tags.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.shown.append(data)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluations of a match, and of a voice whose name is markup."""
    folder = tmp_path_factory.mktemp("evaluated")
    known = np.array([[0.8, 0.1, 0.0, 0.1], [0.1, 0.8, 0.0, 0.1], [0.3, 0.3, 0.3, 0.1]])
    unknown = np.array([[0.0, 0.3, 0.0, 0.7], [0.1, 0.0, 0.2, 0.7], [0.6, 0.2, 0.0, 0.2]])
    trials = MatchTrials(("가수", "b", "c"), known, np.arange(3), unknown, np.arange(3))
    row = RecommenderFigures(
        method="timbre alone", hit=0.5, hit_interval=None, ndcg=0.4, ndcg_interval=(0.1, 0.6), out_of_range=NAN
    )
    write_match(folder, MatchEvaluation("some | data", "a model", measure_match(trials), (row,)), trials)
    rows = [{"cosine_source": None, "cosine": 0.9, "converted": PERFORMANCE, "copy": PERFORMANCE}]
    voice = {"name": "<b>목소리</b>", "network": "h24", "base": "a base", "minutes": 2.0, "steps": 0, "sources": rows}
    own = {"mcd": 3.21, "mcd_copy": 2.0, "own_cosine": 0.9, "real_time_factor": 0.1}
    (folder / "voice.json").write_text(json.dumps(voice | {"own": own, "models": {"MOS": "DistillMOS"}}))
    return folder


@pytest.fixture
def folder(evaluated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(evaluated, tmp_path / "evaluated"))


def test_a_parser_opens_it_whole_in_both_languages_and_nothing_is_fetched(folder: Path) -> None:
    for language in LANGUAGES:
        opened = Opened(as_html(make_page(read_measured(folder), language)))
        assert opened.open == [] and opened.language == language
        assert opened.tags.count("img") == 2 and opened.tags.count("h2") == 7
        assert not {"script", "link", "iframe", "a", "form"} & set(opened.tags)
        for address in opened.addresses:
            assert address.startswith("data:image/png;base64,")
            picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(address.partition(",")[2], validate=True)))
            assert picture.shape[0] > 100 and picture.std() > 0.01
        text = "".join(opened.shown)
        assert "3.21 dB" in text and "<b>목소리</b>" in text and "b" not in opened.tags
        for seed in ("9.648", "12.388", "+9 %", "+21.37 %", "≈ 3 dB", "1.5–1.8 (UTMOS)", "≈ 3.7"):
            assert seed in text
        assert "`" not in text and "{" not in text.replace(page_module.__file__, "").split("}")[-1]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
async def test_a_real_browser_shows_it_on_a_narrow_screen_without_the_network(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(as_html(make_page(read_measured(folder), "ko")))
    shown = await asked(page, tmp_path / "profile", 500, SHOWN)
    assert shown["language"] == "ko" and shown["headings"] == 7 and shown["bold"] == 0
    assert len(shown["pictures"]) == 2 and all(whole and width > 100 for whole, width in shown["pictures"])
    assert shown["fetched"] == [] and shown["wide"] <= 0
    assert "3.21 dB" in shown["text"] and "<b>목소리</b>" in shown["text"] and "알 수 없는 것" in shown["text"]


def test_the_network_is_forbidden_to_the_page(folder: Path) -> None:
    text = as_html(make_page(read_measured(folder), "en"))
    assert "default-src 'none'; img-src data:" in text and "http://" not in text and "https://" not in text


def test_markdown_has_the_same_tables_and_pictures(folder: Path) -> None:
    text = as_markdown(make_page(read_measured(folder), "ko"))
    assert text.count("](data:image/png;base64,") == 2 and "## 매칭" in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.endswith(" |")
    assert "0.50 / 0.40 / –" in text


def test_people_s_opinions_and_costs_stand_beside_those_of_before(folder: Path) -> None:
    opinions = [OpinionRow(3, "naturalness", "cover", "h24", 12, Opinion(3.46, 3.1, 3.8, 96, 12, 8))]
    costs = [JobCost("cover", 7, 41.5, 900.0), JobCost("train", 2, 600.0, None)]
    for language, words in (
        ("en", ("test 3, naturalness: covers h24", "10 000 steps")),
        ("ko", ("자연스러움", "학습")),
    ):
        text = as_markdown(make_page(read_measured(folder, opinions, costs), language))
        assert "3.46 (3.10…3.80)" in text and "| 7 | 41.5 | 900 MB |" in text
        assert all(word in text for word in words)


def test_a_curve_of_pruning_stands_beside_the_gains_of_before(folder: Path) -> None:
    def point(rule: str, share: float, zeros: float, sdr: float) -> CurvePoint:
        return CurvePoint(
            rule=rule,
            share=share,
            zeros=zeros,
            parameters=10,
            megabytes=39.3,
            seconds=0.05,
            unpruned_seconds=0.05,
            sdr=[sdr],
            untuned_sdr=[sdr],
            steps=5,
            file="f",
            sha256="s",
        )

    write_curve(folder, Curve("spleeter", ["a track"], [point("none", 0, 0, 5.29), point("magnitude", 0.3, 0.3, 5.1)]))
    text = as_markdown(make_page(read_measured(folder), "en"))
    assert (
        "| spleeter: magnitude 30% | 30% | 39.3 | 0.050 | 5.10 | −0.19 | – |" in text
        and "Zeroed weights alone save no time" in text
    )


def test_what_was_not_measured_says_how_and_what_is_none_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    empty = Measured(
        separation=None, pruning=(), match=None, voice=None, cover=None, opinions=(), costs=(), pictures={}
    )
    for language in LANGUAGES:
        text = as_markdown(make_page(empty, language))
        for what in ("separation musdb18hq", "match", "voice NAME", "cover SONG --voice NAME"):
            assert f"`discovervoice evaluate {what}`" in text
    (folder / "voice.json").write_text('{"name": 3}')
    with pytest.raises(ReportError, match=r"voice\.json is not what `discovervoice evaluate` writes"):
        read_measured(folder)
    (folder / "curve.csv").write_text("rule,share\nnone,x\n")
    with pytest.raises(PruningError, match=r"curve\.csv is not what `discovervoice prune` writes"):
        read_measured(folder)
    with pytest.raises(ReportError, match="holds nothing that `discovervoice evaluate` writes"):
        read_measured(tmp_path / "gone")


def test_both_languages_have_the_same_texts() -> None:
    english, korean = (tomllib.loads((TEXTS / f"{language}.toml").read_text("utf-8")) for language in LANGUAGES)
    assert english.keys() == korean.keys()


def polled(store: Store) -> None:
    """A test of covers against hidden references that has ended with four raters, and one job of each kind."""
    with store.write() as session:
        test = ListeningTest(
            guild_id=1,
            channel_id=1,
            moderator_id=1,
            question=Question.NATURALNESS,
            state=ListeningState.ENDED,
            seed=1,
            ends_at=1.0,
        )
        session.add(test)
        session.flush()
        for place, role in enumerate((ClipRole.COVER, ClipRole.REFERENCE, ClipRole.COVER, ClipRole.REFERENCE)):
            clip = ListeningClip(test_id=test.id or 0, position=place, role=role, model="h24", source_key="k")
            session.add(clip)
            session.flush()
            for rater in range(4):
                value = 5 if role is ClipRole.REFERENCE else 3 + rater % 2
                session.add(ListeningVote(clip_id=clip.id or 0, rater_id=rater, value=value))
        for kind in JobKind:
            done = Job(
                kind=kind, user_id=1, state=JobState.DELIVERED, result={"x": 1}, started_at=100.0, ended_at=112.5
            )
            session.add(done)


def test_the_command_writes_four_pages_or_none(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    app = typer.Typer()
    app.command()(report)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    out = tmp_path / "out"
    with pytest.raises(DeskError, match="holds nothing"):
        CliRunner().invoke(app, [str(tmp_path / "gone"), "--out", str(out)], catch_exceptions=False)
    assert not out.exists()
    done = CliRunner().invoke(app, [str(folder), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    names = ["report.html", "report.ko.html", "report.ko.md", "report.md"]
    assert sorted(path.name for path in out.iterdir()) == names and not (tmp_path / "data").exists()
    polled(open_store(StoreSettings(data_dir=tmp_path / "data", database_url="")))
    assert "No listening test has ended here" in (out / "report.md").read_text()
    CliRunner().invoke(app, [str(folder), "--out", str(out)], catch_exceptions=False)
    english, korean = (out / "report.md").read_text(), (out / "report.ko.md").read_text()
    assert "| test 1, naturalness: covers h24 | 3.50" in english and "hidden references h24 | 5.00" in english
    assert "No listening test" not in english and "No job was done" not in english
    assert "| library | 1 | 12.5 |" in english and "| 라이브러리 | 1 | 12.5 |" in korean
