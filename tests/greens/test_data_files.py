"""Files of other codes, written here byte by byte after their published layouts."""

import numpy as np
import pytest

from kadanoff.dmft import MatsubaraBath
from kadanoff.greens import GreenFunction, matsubara, read_matsubara, write_matsubara

BETA, COUNT = 10.0, 32
W = matsubara(BETA, COUNT)
DELTA = 0.25 / (1j * W - 0.5)


def lines(rows):
    return "".join(" ".join(f"{x:.12g}" for x in row) + "\n" for row in rows)


# ------------------------------------------------------------------------------------------- text


def test_three_columns_at_both_signs_as_triqs_writes_them(tmp_path):
    file = tmp_path / "Delta_0_0.dat"
    w, G = np.concatenate([-W[::-1], W]), np.concatenate([np.conj(DELTA[::-1]), DELTA])
    np.savetxt(file, np.column_stack([w, G.real, G.imag]))
    found = read_matsubara(file)
    np.testing.assert_allclose(found.beta, BETA, rtol=1e-12)
    np.testing.assert_allclose(found.values, DELTA, rtol=1e-15)
    np.testing.assert_allclose(found.w_n, W, rtol=1e-12)


def test_pairs_of_columns_for_spins_and_orbitals_as_w2dynamics_reads_them(tmp_path):
    file = tmp_path / "deltaiw.dat"
    up = 0.16 / (1j * W - 0.1)
    file.write_text(lines(np.column_stack([W, DELTA.real, DELTA.imag, up.real, up.imag])))
    with pytest.raises(ValueError, match="it has 5 columns: name those"):
        read_matsubara(file)
    np.testing.assert_allclose(read_matsubara(file, columns=(0, 1, 2)).values, DELTA, rtol=1e-11)
    np.testing.assert_allclose(read_matsubara(file, columns=(0, 3, 4)).values, up, rtol=1e-11)
    write_matsubara(file, DELTA, BETA, name="Delta", style="w2dynamics")
    table = np.loadtxt(file)
    assert table.shape == (COUNT, 5)
    assert np.array_equal(table[:, 1:3], table[:, 3:5])
    assert np.array_equal(read_matsubara(file).values, DELTA)


def test_an_index_and_errors_as_alps_and_iqist_write_them(tmp_path):
    file = tmp_path / "solver.hyb.dat"
    index, error = np.full(COUNT, 1.0), np.full(COUNT, 1e-4)
    file.write_text(lines(np.column_stack([index, W, DELTA.real, DELTA.imag, error, error])))
    found = read_matsubara(file, columns=(1, 2, 3, 4))
    np.testing.assert_allclose(found.error, 1e-4)
    bath = MatsubaraBath(found.values, w_n=found.w_n, error=found.error)
    assert bath.causal_fit(BETA).moments()[0] == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("error", [None, np.full(COUNT, 1e-3)])
def test_text_comes_back_bit_for_bit(tmp_path, error):
    file = tmp_path / "delta.dat"
    write_matsubara(file, DELTA, BETA, error=error, name="Delta")
    found = read_matsubara(file)
    assert np.array_equal(found.values, DELTA)
    assert found.beta == BETA
    assert (found.error is None) if error is None else np.array_equal(found.error, error)


GOOD = np.column_stack([W, DELTA.real, DELTA.imag])


def broken(row, column, value):
    table = GOOD.copy()
    table[row, column] = value
    return lines(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (broken(4, 2, 0.01), r"line 5, column 3: Im = 0.01 at w_n = 2.827.* is not causal"),
        (broken(4, 0, 3.0), r"line 5, column 1: 3 is no fermionic Matsubara frequency"),
        (broken(4, 0, 0.0), r"line 5, column 1: w_n = 0"),
        (broken(4, 1, np.nan), r"line 5, column 2: 'nan' is no finite number"),
        (broken(4, 1, 0.5).replace("0.5", "O.5"), r"line 5, column 2: 'O.5' is no finite number"),
        ("# w Re Im\n" + lines(GOOD[:3]) + "1 2\n", "line 5 has 2 columns, the lines before"),
        (lines(GOOD[:, :2]), "it has 2 columns; at least w_n, Re and Im"),
        ("# nothing\n", "no numbers"),
        ("# kadanoff matsubara 2: G(i w_n), beta = 10\n" + lines(GOOD), "version 2"),
        ("# kadanoff matsubara 1: G, beta = 11\n" + lines(GOOD), "column 1: .* at beta = 11"),
        ("# kadanoff matsubara 1: G\n# w_n Re Im error\n" + lines(GOOD), "names 4 columns"),
        ("\x00\xff" * 50, "no finite number"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
def test_bad_text_is_refused_by_file_line_and_column(tmp_path, text, message):
    file = tmp_path / "bad.dat"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_matsubara(file)
    assert "bad.dat" in str(caught.value)


def test_other_temperatures_and_columns_are_refused(tmp_path):
    file = tmp_path / "delta.dat"
    file.write_text(lines(GOOD))
    with pytest.raises(ValueError, match="at beta = 20"):
        read_matsubara(file, beta=20.0)
    with pytest.raises(ValueError, match="it has 3 columns, column 5 was asked for"):
        read_matsubara(file, columns=(0, 1, 4))
    write_matsubara(file, DELTA, BETA, error=np.full(COUNT, 0.1))
    file.write_text(file.read_text().replace(" 0.10000", " -0.10000"))
    with pytest.raises(ValueError, match=r"line 3, column 4: the standard error -0\.1"):
        read_matsubara(file)
    with pytest.raises(ValueError, match="style must be"):
        write_matsubara(file, DELTA, BETA, style="triqs")


def test_noise_above_zero_is_read_on_demand(tmp_path):
    file = tmp_path / "noisy.dat"
    file.write_text(broken(30, 2, 1e-5))
    with pytest.raises(ValueError, match="causal=False"):
        read_matsubara(file)
    assert read_matsubara(file, causal=False).values[30].imag == 1e-5


# ------------------------------------------------------------------------------------------- HDF5


def triqs_file(path, *, both=True, old=False, orbitals=(1, 1), fmt="Gf", mesh="MeshImFreq"):
    """A GfImFreq by h5py, attribute by attribute, as the TRIQS sources write it."""
    h5py = pytest.importorskip("h5py")
    values = np.concatenate([np.conj(DELTA[::-1]), DELTA]) if both else DELTA
    data = np.zeros((values.size, *orbitals, 2))
    data[:, 0, 0] = np.stack([values.real, values.imag], axis=-1)
    if orbitals != (1, 1):
        data[:, 1, 1] = 2.0 * data[:, 0, 0]
    key = "TRIQS_HDF5_data_scheme" if old else "Format"
    with h5py.File(path, "w") as file:
        block = file.create_group("Delta_iw")
        block.attrs[key] = "BlockGf"
        group = block.create_group("up")
        group.attrs[key] = "GfImFreq" if old else fmt
        group.create_dataset("data", data=data).attrs["__complex__"] = "1"
        grid = group.create_group("mesh")
        grid.attrs[key] = mesh
        domain = grid.create_group("domain") if old else grid
        domain["beta"], domain["statistic"] = BETA, "F"
        grid["size"] = values.size
        grid["positive_freq_only"] = int(not both)


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_a_triqs_archive(tmp_path, both, old):
    triqs_file(tmp_path / "run.h5", both=both, old=old)
    for name in (None, "Delta_iw/up"):
        found = read_matsubara(tmp_path / "run.h5", name=name)
        assert np.array_equal(found.values, DELTA)
        assert found.beta == BETA
        np.testing.assert_allclose(found.w_n, W, rtol=1e-15)


def test_a_matrix_element_of_a_triqs_archive(tmp_path):
    triqs_file(tmp_path / "run.h5", orbitals=(2, 2))
    found = read_matsubara(tmp_path / "run.h5", orbital=(1, 1))
    assert np.array_equal(found.values, 2.0 * DELTA)
    with pytest.raises(ValueError, match="orbital must be below 2"):
        read_matsubara(tmp_path / "run.h5", orbital=(0, 2))


def test_our_archive_has_the_layout_of_triqs(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_matsubara(tmp_path / "own.h5", DELTA, BETA, name="Sigma_iw")
    with h5py.File(tmp_path / "own.h5") as file:
        group = file["Sigma_iw"]
        assert group.attrs["Format"] == "Gf"
        assert group["data"].shape == (2 * COUNT, 1, 1, 2)
        assert group["data"].attrs["__complex__"] == "1"
        mesh = group["mesh"]
        assert mesh.attrs["Format"] == "MeshImFreq"
        assert (mesh["beta"][()], mesh["size"][()]) == (BETA, 2 * COUNT)
        assert mesh["statistic"].asstr()[()] == "F"
        assert mesh["positive_freq_only"][()] == 0
    assert np.array_equal(read_matsubara(tmp_path / "own.h5").values, DELTA)


def test_a_file_in_the_h5gf_layout_of_alpscore(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "alps.h5", "w") as file:
        group = file.create_group("G")
        group["data"] = np.stack([DELTA.real, DELTA.imag], axis=-1)
        group["mesh/1/kind"] = "MATSUBARA"
        group["mesh/1/N"], group["mesh/1/statistics"] = COUNT, 1
        group["mesh/1/beta"], group["mesh/1/positive_only"] = BETA, 1
    assert np.array_equal(read_matsubara(tmp_path / "alps.h5").values, DELTA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mesh": "MeshImTime"}, "MeshImTime"),
        ({"fmt": "Other"}, "those in the file: none"),
    ],
)
def test_other_functions_are_refused(tmp_path, changes, message):
    triqs_file(tmp_path / "run.h5", **changes)
    with pytest.raises(ValueError, match=message):
        read_matsubara(tmp_path / "run.h5")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mesh/size", 7, "has 64 frequencies, its mesh 7"),
        ("mesh/statistic", "B", "not 'F'"),
        ("mesh/beta", None, "incomplete"),
        ("data", np.zeros(3), "no complex"),
    ],
)
def test_damaged_archives_are_refused(tmp_path, name, value, message):
    triqs_file(tmp_path / "run.h5")
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "run.h5", "a") as file:
        del file[f"Delta_iw/up/{name}"]
        if value is not None:
            file[f"Delta_iw/up/{name}"] = value
    with pytest.raises(ValueError, match=message):
        read_matsubara(tmp_path / "run.h5")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "run.h5").read_bytes()[:900])
    with pytest.raises(ValueError, match=r"cut\.h5"):
        read_matsubara(tmp_path / "cut.h5")


def test_poles_survive_a_file(tmp_path):
    G = GreenFunction([-1.0, 0.5], [0.4, 0.6], BETA)
    write_matsubara(tmp_path / "G.dat", G.iw(COUNT), BETA)
    found = read_matsubara(tmp_path / "G.dat")
    fit = MatsubaraBath(found.values, w_n=found.w_n).causal_fit(BETA)
    np.testing.assert_allclose(fit.moments(3), G.moments(3), rtol=1e-6)
