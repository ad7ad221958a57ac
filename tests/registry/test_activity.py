"""What a training says of itself while it does not step."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fergan_core.registry import Reader, Registry, announce, end_activity

Enter = Callable[..., str]


def test_an_activity_is_read_while_it_lasts_and_not_after_it(registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    folder = registry.files / run_id
    before = reader.last_write()
    with announce(folder, "scoring"):
        activity = reader.activity(run_id)
        assert activity is not None
        assert activity.doing == "scoring"
        assert 0 <= time.time() - activity.since < 10
    assert reader.activity(run_id) is None
    assert list(folder.iterdir()) == []
    assert reader.last_write() == before


def test_it_ends_with_an_error_too_and_a_killed_trainings_is_cleared(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), announce(tmp_path, "scoring"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "activity.json").write_text("{}")
    end_activity(tmp_path)
    end_activity(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"doing": "scoring"}', '{"doing": 1, "since": "x"}', "\xff"])
def test_what_cannot_be_read_says_nothing(content: str, registry: Registry, reader: Reader, enter: Enter) -> None:
    run_id = enter(registry)
    (registry.files / run_id).mkdir(parents=True)
    (registry.files / run_id / "activity.json").write_text(content, "latin-1")
    assert reader.activity(run_id) is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with announce(tmp_path / "file" / "below", "scoring"):
        pass
