"""Other tools' files: what of them becomes runs, and that nothing does where a part of them cannot be read."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fergan_core.errors import DataError
from fergan_core.registry import Registry
from fergan_core.registry.exchange.archive import export_run, import_run
from fergan_core.registry.exchange.foreign import import_foreign
from fergan_core.sheets import cut

CHART = """"Step","sun-1 - loss","sun-1 - loss__MIN","sun-1 - loss__MAX","sea-2 - loss","sea-2 - _step"
0,1.5,1.0,2.0,,0
10,NaN,,,0.25,10
20,Infinity,,,,20
"""


def points(registry: Registry, run_id: str, metric: str) -> list[tuple[int, float, float, float]]:
    table = registry.reader.points([run_id], [metric], width=1)
    return list(zip(table["step"], table["low"], table["mean"], table["high"], strict=True))


def image(path: Path, value: int, size: tuple[int, int] = (28, 28), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, (value,) * 3 if mode == "RGB" else value).save(path)


def test_the_export_of_a_chart_is_a_run_for_each_in_it_with_extremes(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "chart.csv").write_text(CHART)
    imported = import_foreign(registry, tmp_path / "chart.csv", "ours")
    assert [name for _, name in imported] == ["ours sun-1", "ours sea-2"]
    (sun, _), (sea, _) = imported
    first, nan, infinite = points(registry, sun, "loss")
    assert first == (0, 1.0, 1.5, 2.0)
    assert nan[0] == 10
    assert nan[2] != nan[2]
    assert infinite[2] == np.inf
    assert points(registry, sea, "loss") == [(10, 0.25, 0.25, 0.25)]
    assert registry.reader.metrics([sea]) == ["loss"]
    run = registry.reader.run(sun)
    assert (run["status"], run["method"], run["preset"], run["step"]) == ("finished", "own script", "imported", 20)
    assert run["recipe"]["config"] == {"imported_from": "chart.csv"}


def test_a_history_is_one_run_of_the_files_name_without_wandbs_own_columns(registry: Registry, tmp_path: Path) -> None:
    table = "\ufeff,_step,_runtime,loss - D,acc\n0,1,0.5,2,\n1,2,0.9,,3e-1\n\n"
    (tmp_path / "history.csv").write_text(table, encoding="utf-8")
    ((run_id, name),) = import_foreign(registry, tmp_path / "history.csv")
    assert name == "history"
    assert set(registry.reader.metrics([run_id])) == {"loss - D", "acc"}
    assert points(registry, run_id, "acc") == [(2, 0.3, 0.3, 0.3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column is called step, _step, global_step"),
        ("Step,Step,a\n1,1,1\n", "two columns are called 'Step'"),
        ("Step,_runtime\n1,1\n", "no column of a scalar beside 'Step'"),
        ("Step,a\n1,2\n2,x\n", "row 3, column 'a': 'x' is not a number; correct it"),
        ("Step,a\n1.5,2\n", "row 2, column 'Step': '1.5' is not a step; give a whole number"),
        ("Step,a\nNaN,2\n", "row 2, column 'Step': 'NaN' is not a step"),
        ("Step,a\n1,2,3\n", "row 2: 3 cells under 2 titles"),
        ('Step,a\n1,"2', "row 2: unexpected end of data"),
        ("Step,a\n", "has neither scalars nor pictures"),
        ("Step," + "a" * 1001 + "\n1,1\n", "is not the name of a scalar"),
    ],
)
def test_a_csv_that_cannot_be_read_says_where_and_nothing_is_imported(
    registry: Registry, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=says) as error:
        import_foreign(registry, file)
    assert "bad.csv" in str(error.value)
    assert registry.reader.runs().query("not literature").empty


def test_pictures_by_step_are_sheets_and_a_csv_beside_them_their_scalars(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for step, value in ((0, 10), (500, 200)):
        image(folder / "media" / f"cats_{step}_0123456789abcdef0123.png", value)
        image(folder / "media" / f"dogs_{step}_fedcba98765432100123.png", value + 20)
    image(folder / "step-1000" / "one.png", 40, size=(56, 28), mode="RGB")
    image(folder / "step-1000" / "two.jpg", 40)
    image(folder / "epoch_2000.webp", 0)
    (folder / "log.csv").write_text("step,loss\n1,2\n")
    ((run_id, name),) = import_foreign(registry, folder)
    assert name == "log"
    assert points(registry, run_id, "loss") == [(1, 2, 2, 2)]
    rows = {row.step: row for row in registry.reader.sheets(run_id).itertuples()}
    assert [(step, row.emotions, row.columns) for step, row in rows.items()] == [
        (0, ["cats", "dogs"], 1), (500, ["cats", "dogs"], 1), (1000, ["images"], 2), (2000, ["images"], 1),
    ]  # fmt: skip
    tiles = {
        step: cut(np.asarray(Image.open(io.BytesIO(registry.reader.file(row.path).read_bytes()))), row.columns)
        for step, row in rows.items()
    }
    assert np.abs(tiles[500][:, 0, 14, 14, 0].astype(int) - [200, 220]).max() < 6
    assert tiles[1000].shape == (1, 2, 56, 56, 3)  # the wide one has a border, the small one is enlarged
    assert tiles[1000][0, 0, 2, 28, 0] < 10
    assert export_run(registry.reader, run_id, tmp_path / "run.zip") > 0
    other = Registry(str(tmp_path / "other.db"))
    assert import_run(other, tmp_path / "run.zip") == run_id


def test_a_picture_that_is_none_keeps_everything_out(registry: Registry, tmp_path: Path) -> None:
    image(tmp_path / "a" / "step-1.png", 10)
    (tmp_path / "a" / "step-2.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"step-2\.png': it holds no picture that can be read"):
        import_foreign(registry, tmp_path / "a")
    image(tmp_path / "b" / "nameless.png", 10)
    with pytest.raises(DataError, match=r"nameless\.png': no number in its name tells its step"):
        import_foreign(registry, tmp_path / "b")
    with pytest.raises(DataError, match="there is nothing at"):
        import_foreign(registry, tmp_path / "c")
    assert registry.reader.runs().query("not literature").empty
    assert not registry.files.exists() or list(registry.files.iterdir()) == []


@pytest.mark.slow
def test_event_files_are_read_by_tensorboards_own_package(registry: Registry, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    for name in ("one", "two"):
        with SummaryWriter(str(tmp_path / "logs" / name)) as writer:
            for step in range(3):
                writer.add_scalar("loss/d", step / 4 if step < 2 else float("nan"), step)
            writer.add_image("faces", np.full((3, 40, 20), 0.5, np.float32), 2)
            writer.add_images("more", np.zeros((4, 1, 8, 8), np.float32), 2)
    imported = import_foreign(registry, tmp_path / "logs")
    assert [name for _, name in imported] == ["logs/one", "logs/two"]
    run_id = imported[0][0]
    assert [row[2] for row in points(registry, run_id, "loss/d")][:2] == [0, 0.25]
    assert points(registry, run_id, "loss/d")[2][2] != points(registry, run_id, "loss/d")[2][2]
    (row,) = registry.reader.sheets(run_id).itertuples()
    assert (row.step, row.emotions, row.columns) == (2, ["faces", "more"], 1)
    ((_, name),) = import_foreign(registry, tmp_path / "logs" / "one", "mine")
    assert name == "mine"
    (tmp_path / "bad.tfevents.1").write_bytes(b"not events at all" * 10)
    with pytest.raises(DataError, match=r"bad\.tfevents"):
        import_foreign(registry, tmp_path / "bad.tfevents.1")
    assert len(registry.reader.runs().query("not literature")) == 3
