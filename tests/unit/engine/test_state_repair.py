"""Files of the local state that were cut short."""

from __future__ import annotations

from pathlib import Path

import pytest

from bdc.engine.state_repair import mend

WHOLE = {
    "backend/.pulumi/meta.yaml": "version: 1\n",
    "backend/.pulumi/meta.yaml.attrs": '{"user.content_type": "text/plain"}',
    "backend/.pulumi/stacks/bdc/a.json": '{"version": 3}',
    "backend/.pulumi/stacks/bdc/a.json.attrs": "{}",
    "serials.json": '{"data": 3}',
    "home/workspaces/bdc-1.json": '{"stack": "a"}',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {**WHOLE, "work/a/Pulumi.yaml": "name: bdc"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_whole_stays(folder: Path) -> None:
    mend(folder, folder / "home")
    assert files(folder) == WHOLE


@pytest.mark.parametrize("name", [name for name in WHOLE if name.endswith(".attrs") or "/workspaces/" in name])
@pytest.mark.parametrize("kept", [0, 1])
def test_a_broken_file_of_no_worth_goes(folder: Path, name: str, kept: int) -> None:
    (folder / name).write_text(WHOLE[name][:kept])
    mend(folder, folder / "home")
    assert files(folder) == {other: text for other, text in WHOLE.items() if other != name}


@pytest.mark.parametrize("name", ["backend/.pulumi/meta.yaml", "backend/.pulumi/stacks/bdc/a.json"])
@pytest.mark.parametrize("kept", [0, 5])
def test_without_a_whole_state_the_copy_counts(folder: Path, name: str, kept: int) -> None:
    (folder / name).write_text(WHOLE[name][:kept])
    mend(folder, folder / "home")
    assert list(files(folder)) == ["home/workspaces/bdc-1.json"]


def test_nothing_is_nothing_to_mend(tmp_path: Path) -> None:
    mend(tmp_path, tmp_path / "home")
    assert files(tmp_path) == {}
