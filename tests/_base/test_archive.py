import io
import struct
import zipfile

import numpy as np
import pytest

from kadanoff._base import archive, files

ARRAYS = {
    "file": np.arange(6.0).reshape(2, 3),
    "allow_pickle": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "a/../b": np.array("text"),
    "ä": np.zeros((0, 3)),
    "": np.float64(np.nan),
    "record": np.zeros(3, [("ä", "f8"), ("b", "i4", 2)]),
    "swapped": np.arange(3, dtype=">i4"),
}


def test_names_are_data_and_arrays_keep_their_bits():
    data = archive.packed(ARRAYS)
    found = archive.unpacked(data)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == np.asarray(array).dtype
        assert found[name].shape == np.shape(array)
        assert found[name].tobytes() == np.asarray(array).tobytes()
        assert found[name].flags.writeable
    with np.load(io.BytesIO(data)) as file:  # numpy reads it too
        assert file.files == list(ARRAYS)


def test_files_of_numpy_are_read():
    arrays = {"a": np.arange(5.0), "b": np.array([[1j, 2.0]])}
    for write in (np.savez, np.savez_compressed):
        out = io.BytesIO()
        write(out, **arrays)
        found = archive.unpacked(out.getvalue())
        assert all(found[name].tobytes() == x.tobytes() for name, x in arrays.items())


def test_the_same_arrays_are_the_same_bytes():
    assert archive.packed(ARRAYS) == archive.packed(dict(ARRAYS))
    out = io.BytesIO()
    np.savez(out, a=np.arange(3))
    assert out.getvalue() == archive.packed({"a": np.arange(3)})


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"a\0b": 1}, ValueError, r"'a\\x00b' of an array must not contain the character NUL"),
        ({"\ud800": 1}, ValueError, "no UTF-8 form"),
        ({"a" * 10**5: 1}, ValueError, "at most 60000 bytes"),
        ({3: 1}, TypeError, "names of arrays must be text, got 3"),
        ({"x": [object()]}, TypeError, "x must be an array of numbers or text"),
        ({"x": np.ma.array([1.0, 2.0], mask=[0, 1])}, TypeError, "x is a masked array"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(arrays, error, message):
    with pytest.raises(error, match=message):
        archive.packed(arrays)


def changed(data, signature, offset, value):
    """The same archive with a field of its (first) directory or local entry changed."""
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


DIRECTORY = b"PK\x01\x02"
ONE = archive.packed({"x": np.arange(4.0)})
STRANGE = archive.packed({"ä": np.arange(4.0)})


def member(content, *names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names or ("x.npy",):
            file.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def npy(header, body=b"", version=1):
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + body


HEADER = "{{'descr': {!r}, 'fortran_order': False, 'shape': {}}}"
DAMAGED = {
    "encrypted": changed(ONE, DIRECTORY, 8, b"\x01\x00"),
    "needs another version": changed(ONE, DIRECTORY, 6, b"\xff\x00"),
    "compression method 12": changed(ONE, DIRECTORY, 10, b"\x0c\x00"),
    "compression method 99": changed(ONE, DIRECTORY, 10, b"\x63\x00"),
    "another compression": changed(ONE, DIRECTORY, 10, b"\x08\x00"),
    "a wrong checksum": changed(ONE, DIRECTORY, 16, b"\x00\x00\x00\x00"),
    "a wrong size": changed(ONE, DIRECTORY, 24, b"\xff\xff\xff\x7f"),
    "another encoding of the name": changed(STRANGE, DIRECTORY, 8, b"\x00\x00"),
    "an entry hidden in the comment of another": changed(
        archive.packed({"x": 1, "y": 2}), DIRECTORY, 32, struct.pack("<H", 46 + len("y.npy"))
    ),
    "nothing": b"",
    "no archive": b"x" * 1000,
    "half": ONE[: len(ONE) // 2],
    "two arrays of one name": archive.packed({"x": 1, "y": 2}).replace(b"y.npy", b"x.npy"),
    "no array": member(b"text"),
    "an empty entry": member(b""),
    "another version of arrays": member(npy(HEADER.format("<f8", (1,)), b"8" * 8, version=9)),
    "a shape beyond all memory": member(npy(HEADER.format("<f8", (10**12,)), b"8" * 8)),
    "a shape beyond all integers": member(npy(HEADER.format("<f8", (2**63, 2**63)), b"8" * 8)),
    "a negative shape": member(npy(HEADER.format("<f8", (-1,)), b"8" * 8)),
    "a shape of no numbers": member(npy(HEADER.format("<f8", "'a'"), b"8" * 8)),
    "no type": member(npy(HEADER.format("nonsense", (1,)), b"8" * 8)),
    "objects": member(npy(HEADER.format("|O", (1,)), b"8" * 8)),
    "nested deeply": member(npy("-" * 60_000 + "1")),
    "nested lists": member(npy("[" * 5000)),
    "no mapping": member(npy("3")),
    "an unhashable key": member(npy("{[]: 3}")),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_every_damage_is_one_exception_that_names_the_file(kind, tmp_path):
    path = tmp_path / "arrays.npz"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(archive.Damaged, match=r"arrays\.npz"):
        archive.read(path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(10**6))
    assert archive.read(path)["x"].size == 10**6
    monkeypatch.setattr(files, "limit", lambda: 10**6)
    with pytest.raises(archive.Damaged, match=r"bomb\.npz.*0\.008 GB when unpacked, .*0\.001 GB"):
        archive.read(path)
    # What is as large on the disk is no damage: there is too little memory.
    np.savez(path, x=np.zeros(10**6))
    with pytest.raises(MemoryError, match=r"bomb\.npz' has 0\.008 GB, .*0\.001 GB"):
        archive.read(path)
