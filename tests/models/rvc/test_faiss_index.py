"""Index files: what RVC writes is read to the last number, what we write is RVC's kind, damage kills only the child."""

import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from models.rvc import faiss_index
from models.rvc.faiss_index import read_index, write_index
from models.weights.integrity import WeightsError

WIDTH = 16


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(500, WIDTH)).astype(np.float32)


def refused(path: Path, width: int = WIDTH) -> str:
    with pytest.raises(WeightsError) as caught:
        read_index(path, width)
    sentence = str(caught.value)
    assert path.name in sentence and "\n" not in sentence and len(sentence) < 300
    return sentence


def test_what_is_written_is_rvcs_kind_and_is_read_again(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    write_index(tmp_path / "v.index", rows)
    theirs = faiss.read_index(str(tmp_path / "v.index"))
    assert isinstance(theirs, faiss.IndexIVFFlat)
    assert (theirs.nlist, theirs.nprobe, theirs.ntotal, theirs.d) == (500 // 39, 1, 500, WIDTH)
    np.testing.assert_array_equal(read_index(tmp_path / "v.index", WIDTH), rows)
    assert [path.name for path in tmp_path.iterdir()] == ["v.index"]


@pytest.mark.parametrize("recipe", ["IVF7,Flat", "Flat"])
def test_what_others_write_is_read(tmp_path: Path, rows: NDArray[np.float32], recipe: str) -> None:
    index = faiss.index_factory(WIDTH, recipe)
    index.train(rows)
    for start in range(0, 500, 200):  # RVC adds in batches
        index.add(rows[start : start + 200])
    faiss.write_index(index, str(tmp_path / "v.index"))
    np.testing.assert_array_equal(read_index(tmp_path / "v.index", WIDTH), rows)


def test_few_rows_make_one_list(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    write_index(tmp_path / "v.index", rows[:20])
    assert read_index(tmp_path / "v.index", WIDTH).shape == (20, WIDTH)


def test_a_file_that_declares_too_much_is_refused_at_its_head(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    path = tmp_path / "v.index"
    write_index(path, rows)
    data = path.read_bytes()
    path.write_bytes(data[:8] + struct.pack("<q", 10**12) + data[16:])
    assert "too small for the 1000000000000 rows" in refused(path)
    path.write_bytes(data[:8] + struct.pack("<q", -1) + data[16:])
    assert "no rows" in refused(path)
    path.write_bytes(data)
    assert "16 numbers, the voice's content features have 768" in refused(path, 768)
    path.write_bytes(b"IxPQ" + data[4:])
    assert "IVF,Flat" in refused(path)
    path.write_bytes(b"")
    assert "IVF,Flat" in refused(path)
    with path.open("wb") as file:
        file.truncate(2 << 30)
    assert "2048 MB" in refused(path)


def test_damage_is_one_sentence(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    path = tmp_path / "v.index"
    write_index(path, rows)
    data = path.read_bytes()
    cases = {
        "cut": data[:-1000],
        "lists": data[:38] + struct.pack("<q", 1 << 40) + data[46:],
        "quantiser": data.replace(b"IxF2", b"IxXX"),
        "lists' sizes": data.replace(b"ilar" + struct.pack("<q", 12), b"ilar" + struct.pack("<q", 1 << 44)),
        "length": data[: data.index(b"IxF2") + 37] + struct.pack("<q", 1 << 50) + data[data.index(b"IxF2") + 45 :],
    }
    for what, damaged in cases.items():
        assert damaged != data, what
        path.write_bytes(damaged)
        assert "cut or damaged" in refused(path), what


def test_numbers_that_are_none_are_refused(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    wrong = rows.copy()
    wrong[3, 3] = np.nan
    index = faiss.IndexFlatL2(WIDTH)
    index.add(wrong)
    faiss.write_index(index, str(tmp_path / "v.index"))
    assert "no content features" in refused(tmp_path / "v.index")


def test_the_reader_may_not_take_more_memory_than_it_was_given(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    many = np.repeat(rows, 2000, axis=0)  # 64 MB
    index = faiss.IndexFlatL2(WIDTH)
    index.add(many)
    faiss.write_index(index, str(tmp_path / "v.index"))
    command = [sys.executable, "-I", str(faiss_index.READER), str(tmp_path / "v.index"), str(tmp_path / "out.npy")]
    little = subprocess.run([*command, str(32 << 20), "60", str(1 << 30)], capture_output=True, check=False)
    assert little.returncode and not (tmp_path / "out.npy").exists()
    enough = subprocess.run([*command, str(512 << 20), "60", str(1 << 30)], capture_output=True, check=False)
    assert enough.returncode == 0, enough.stderr


def test_a_reader_that_does_not_end_is_ended(
    tmp_path: Path, rows: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_index(tmp_path / "v.index", rows)
    (tmp_path / "reader.py").write_text("while True: pass")
    monkeypatch.setattr(faiss_index, "READER", tmp_path / "reader.py")
    monkeypatch.setattr(faiss_index, "SECONDS", 0.5)
    started = time.monotonic()
    assert "too long" in refused(tmp_path / "v.index")
    assert time.monotonic() - started < 60


def test_without_faiss_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "find_spec", lambda name: None)
    for work in (
        lambda: read_index(tmp_path / "v.index", WIDTH),
        lambda: write_index(tmp_path / "v.index", np.zeros((1, WIDTH), np.float32)),
    ):
        with pytest.raises(WeightsError, match=r"install the extra with pip install 'discovervoice\[faiss\]'"):
            work()


def test_a_faiss_that_cannot_be_imported_is_not_the_files_fault(
    tmp_path: Path, rows: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_index(tmp_path / "v.index", rows)
    run = (
        f"import runpy, sys; sys.modules['faiss'] = None; runpy.run_path({str(faiss_index.READER)!r}, None, '__main__')"
    )
    (tmp_path / "reader.py").write_text(run)
    monkeypatch.setattr(faiss_index, "READER", tmp_path / "reader.py")
    with pytest.raises(WeightsError, match=r"^faiss cannot be imported \(import of faiss halted.*Install it again"):
        read_index(tmp_path / "v.index", WIDTH)
    monkeypatch.setattr(faiss_index, "find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(WeightsError, match=r"^faiss cannot be imported \(import of faiss halted"):
        write_index(tmp_path / "w.index", rows)


def test_a_file_that_the_system_does_not_let_read_is_one_sentence() -> None:
    assert refused(Path("/proc/self/mem")) == "mem cannot be read: Input/output error."


def test_nothing_of_faiss_is_loaded_by_the_module() -> None:
    script = "import sys, models.rvc.faiss_index, pipeline.voices.rvc_files, cli.voices; print('faiss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def merged(index: Any, rows: NDArray[np.float32]) -> None:
    other = faiss.clone_index(index)
    index.add(rows[:300])
    other.add(rows[300:])
    index.merge_from(other, 0)


def merged_in_a_row(index: Any, rows: NDArray[np.float32]) -> None:
    other = faiss.clone_index(index)
    index.add(rows[:300])
    other.add(rows[300:])
    index.merge_from(other, 300)


def thinned(index: Any, rows: NDArray[np.float32]) -> None:
    index.add(np.concatenate([rows[:100] + 9, rows]))
    index.remove_ids(np.arange(100))


def with_ids_of_its_own(index: Any, rows: NDArray[np.float32]) -> None:
    index.add_with_ids(rows, np.arange(len(rows)) * 7 + 10**12)


def with_one_id_twice(index: Any, rows: NDArray[np.float32]) -> None:
    index.add_with_ids(rows, np.repeat(np.arange(len(rows) // 2), 2))


def with_empty_lists(index: Any, rows: NDArray[np.float32]) -> None:
    index.add(np.concatenate([rows, rows]))
    _, nearest = index.quantizer.search(np.concatenate([rows, rows]), 1)
    index.remove_ids(np.flatnonzero((nearest[:, 0] > 2) & (np.arange(1000) < 500)))
    index.remove_ids(np.flatnonzero((nearest[:, 0] <= 2) & (np.arange(1000) >= 500)))


@pytest.mark.parametrize(
    ("recipe", "fill"),
    [
        ("IVF7,Flat", merged),
        ("IVF7,Flat", merged_in_a_row),
        ("IVF7,Flat", thinned),
        ("IVF7,Flat", with_ids_of_its_own),
        ("IVF7,Flat", with_one_id_twice),
        ("IVF7,Flat", with_empty_lists),
        ("Flat", merged),
        ("Flat", thinned),
        ("IDMap,Flat", with_ids_of_its_own),
        ("IDMap2,Flat", with_ids_of_its_own),
        ("IDMap,IVF7,Flat", with_ids_of_its_own),
    ],
)
def test_whatever_the_ids_are_every_row_is_read_and_no_other(
    tmp_path: Path, rows: NDArray[np.float32], recipe: str, fill: Callable[[Any, NDArray[np.float32]], None]
) -> None:
    index = faiss.index_factory(WIDTH, recipe)
    index.train(rows)
    fill(index, rows)
    faiss.write_index(index, str(tmp_path / "v.index"))
    read = read_index(tmp_path / "v.index", WIDTH)
    assert len(read) == index.ntotal == len(rows)
    assert sorted(map(bytes, read)) == sorted(map(bytes, rows))


def test_an_index_whose_ids_rise_is_read_in_their_order(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    index = faiss.index_factory(WIDTH, "IVF7,Flat")
    index.train(rows)
    thinned(index, rows)
    faiss.write_index(index, str(tmp_path / "v.index"))
    np.testing.assert_array_equal(read_index(tmp_path / "v.index", WIDTH), rows)


def test_a_graph_under_ids_of_its_own_is_refused(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    index = faiss.index_factory(WIDTH, "IDMap,HNSW8")
    index.train(rows)
    with_ids_of_its_own(index, rows)
    faiss.write_index(index, str(tmp_path / "v.index"))
    assert "IVF,Flat" in refused(tmp_path / "v.index")
