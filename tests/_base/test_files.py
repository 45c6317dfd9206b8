import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kadanoff._base import files


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "f"
    files.write(path, b"one")
    files.write(path, b"two")
    assert files.read(path) == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_created_once(tmp_path, monkeypatch, links):
    def without(*_):
        raise PermissionError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", without)
    assert files.create(tmp_path / "f", b"one")
    assert not files.create(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_an_error_names_the_file_and_leaves_nothing(tmp_path, monkeypatch, call):
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match=r"No space left on device: '.*/f'") as caught:
            files.write(path, b"new")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    with pytest.raises(FileNotFoundError, match="gone/f"):
        files.write(tmp_path / "gone" / "f", b"new")
    with pytest.raises(FileNotFoundError, match="gone/f"):
        files.read(tmp_path / "gone" / "f")


def test_a_file_system_that_takes_no_more(tmp_path):
    pytest.importorskip("resource")
    code = (
        "import resource, sys; from pathlib import Path; from kadanoff._base import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: files.write(Path(sys.argv[1]), b'x' * 10**6)\n"
        "except OSError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "f")]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown.strip().endswith(f"File too large: '{tmp_path / 'f'}'")
    assert list(tmp_path.iterdir()) == []


def test_folders_pipes_and_devices_are_no_files(tmp_path):
    with pytest.raises(ValueError, match="no regular file"):
        files.read(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="pipe' is no regular file"):
            files.read(tmp_path / "pipe")
    if Path("/dev/zero").exists():
        with pytest.raises(ValueError, match="no regular file"):
            files.read(Path("/dev/zero"))


def test_a_part_that_vanishes_is_no_error(tmp_path, monkeypatch):
    (tmp_path / ".a.part").write_bytes(b"")
    (tmp_path / ".b.part").mkdir()
    os.utime(tmp_path / ".b.part", (0, 0))
    glob = Path.glob

    def late(self, pattern):
        found = list(glob(self, pattern))
        (tmp_path / ".a.part").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "glob", late)
    files.remove_old_parts(tmp_path)
    assert not (tmp_path / ".a.part").exists()
