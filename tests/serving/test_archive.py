"""A production as a zip archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from speechagents.serving.archive import archive


def test_everything_that_lasts_is_in_it_and_nothing_from_outside(tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret", "utf-8")
    folder = tmp_path / "production"
    for name, data in (
        ("production.json", b"{}"),
        ("exports/programme.mp3", bytes(1_000_000)),
        ("work/mix.raw", b"half done"),
        (".lock", b""),
        ("takes/.x.part", b"half done"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "link.txt").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    blocks = list(archive(folder, top="My play"))
    assert len(blocks) > 3, "it is sent while it is packed"
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == ["My play/exports/programme.mp3", "My play/production.json"]
        assert packed.read("My play/exports/programme.mp3") == bytes(1_000_000)
