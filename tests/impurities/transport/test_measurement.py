"""Files of measured conductances: units, separators, and what is refused with the line's number."""

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import units
from kadanoff.transport import Measurement, read_csv


def written(tmp_path, text):
    file = tmp_path / "dot.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        "T (mK),V_g (V),G (2e^2/h),error (e^2/h)\n50,0.01,0.5,0.02\n100,0.02,0.25,0.02\n",
        "# a comment\nV_g [mV];Temperature [K];dG [2e2/h];G [2e²/h]\n"
        "10;0.05;0.01;0.5\n20;.1;1e-2;.25",
        "\ufeff# T (mK)\tVg (mV)\tconductance (2e^2/h)\tsigma\n\n"
        "50\t10\t0.5\t0.01\n100\t20\t.25\t.01\n",
        "T (mK) gate (mV) G (2e^2/h) err (2e^2/h) note\n50 10 0.5 0.01 first\n100 20 .25 .01 x\n",
    ],
)
def test_units_and_separators(tmp_path, text):
    found = read_csv(written(tmp_path, text))
    assert pytest.approx([50 * units.mK, 100 * units.mK]) == found.T
    assert found.V_g == pytest.approx([10.0, 20.0])
    assert pytest.approx([1.0, 0.5]) == found.G
    assert found.error == pytest.approx([0.02, 0.02])
    assert len(found) == 2


@pytest.mark.parametrize(
    ("heading", "factor"),
    [
        ("G (e^2/h)", 1.0),
        ("G/(e^2/h)", 1.0),
        ("G / (e^2/h)", 1.0),
        ("G/e^2/h", 1.0),
        ("G [2e^2/h]", 2.0),
        ("G/(2 e^2/h)", 2.0),
        ("G (2(e^2/h))", 2.0),
        ("$G$ ($2e^2/h$)", 2.0),
        ("$G$ ($2e^{2}/h$)", 2.0),
        ("G [e\N{SUPERSCRIPT TWO}/h]", 1.0),
        ("dI/dV (2e^2/h)", 2.0),
        ("dI/dV/(e^2/h)", 1.0),
        ("Conductance in 2e2/h", 2.0),
        ("G/uS", 1e-6 / units.CONDUCTANCE_QUANTUM),
    ],
)
def test_headings_of_the_field(tmp_path, heading, factor):
    for T, V_g in (("T/K", "Vg/mV"), ("T (K)", "$V_\\mathrm{g}$ (mV)"), ("T in K", "V_g [mV]")):
        found = read_csv(written(tmp_path, f"{T};{V_g};{heading};sigma\n0.5;7;0.3;0.1\n"))
        assert pytest.approx([0.5 * units.K]) == found.T
        assert found.V_g == pytest.approx([7.0])
        assert pytest.approx([0.3 * factor]) == found.G
        assert found.error == pytest.approx([0.1 * factor])


def test_headings_between_blanks(tmp_path):
    text = "# G in linear response\n# T / mK  Vg / V  G / (2 e^2/h)\n50 0.1 0.4\n"
    found = read_csv(written(tmp_path, text))
    assert pytest.approx([50 * units.mK]) == found.T
    assert found.V_g == pytest.approx([100.0])
    assert pytest.approx([0.8]) == found.G


def test_units_by_name(tmp_path):
    """A temperature without a unit was taken for one in meV, eleven times too high for kelvin."""
    file = written(tmp_path, "T,G,error\n0.5,0.4,0.01\n")
    with pytest.raises(ValueError, match=r"column T has no unit .*pass units=\{'T': 'K'\}"):
        read_csv(file)
    with pytest.raises(ValueError, match=r"column G has no unit .*write 'G \(e\^2/h\)'"):
        read_csv(file, units={"T": "K"})
    found = read_csv(file, units={"T": "K", "G": "2e^2/h"})
    assert pytest.approx([0.5 * units.K]) == found.T
    assert pytest.approx([0.8]) == found.G
    assert found.error == pytest.approx([0.02])
    same = read_csv(file, units={"T": "model", "G": "model"})
    assert [same.T[0], same.G[0], same.error[0]] == [0.5, 0.4, 0.01]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"T": "K"}, ValueError, "unit of T is given twice"),
        ({"V_g": "mV"}, ValueError, "no column"),
        ({"x": "mV"}, ValueError, "column of units"),
        ({"G": "furlong"}, ValueError, "unit of G in .* must be one of"),
        ({"G": 2.0}, TypeError, "units of G must be a text"),
        ("K", TypeError, "units must be a mapping"),
    ],
)
def test_units_that_are_refused(tmp_path, given, error, message):
    with pytest.raises(error, match=message):
        read_csv(written(tmp_path, "T (K),G\n1,0.5\n"), units=given)


def test_a_bias_is_no_linear_response(tmp_path):
    text = "T (mK),Vsd (uV),G (e^2/h)\n100,{},0.5\n"  # k_B T = 8.6 ueV
    found = read_csv(written(tmp_path, text.format(8)))
    assert len(found) == 1
    with pytest.raises(ValueError, match=r"V_sd = -0\.009 mV at point 0 exceeds k_B T / e"):
        read_csv(written(tmp_path, text.format(-9)))
    with pytest.raises(ValueError, match="column V_sd has no unit"):
        read_csv(written(tmp_path, text.format(0).replace(" (uV)", "")))


def test_siemens(tmp_path):
    text = f"G (uS),T (meV)\n{1e6 * units.CONDUCTANCE_QUANTUM},0.5\n"
    found = read_csv(written(tmp_path, text))
    assert pytest.approx([1.0]) == found.G
    assert pytest.approx([0.5]) == found.T
    assert found.V_g is None
    assert found.error is None


@pytest.mark.parametrize(
    "text",
    [
        "# conductance by G, as measured\n# of dot 3\nT (meV),G (e^2/h)\n1,0.5\n",
        "# the conductance of dot 3\n# T (meV),G (e^2/h)\n1,0.5\n",
    ],
)
def test_prose_in_a_comment_is_no_header(tmp_path, text):
    """The word conductance in a comment was taken for the name of a column."""
    found = read_csv(written(tmp_path, text))
    assert found.G.tolist() == [0.5]
    assert found.T.tolist() == [1.0]


def test_one_temperature_for_all_points(tmp_path):
    file = written(tmp_path, "V_g,G (e^2/h)\n1,0.5\n2,0.6\n")
    assert pytest.approx([0.25, 0.25]) == read_csv(file, T=0.25).T
    with pytest.raises(ValueError, match=r"no column T: .*pass T="):
        read_csv(file)
    with pytest.raises(ValueError, match="T is given twice"):
        read_csv(written(tmp_path, "T,G (e^2/h)\n1,0.5\n"), T=1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("T (K),G (e^2/h)\n", "no points"),
        ("T (mK),x\n1,2\n", "no column G in its header"),
        ("T,T,G\n1,1,2\n", "two columns T"),
        ("T (furlong),G (S)\n1,2\n", "unit of T in .* must be one of"),
        ("T (T),G (S)\n1,2\n", "unit of T"),
        ("T (K),G (V)\n1,2\n", "unit of G"),
        ("T (K),V_g (K),G (S)\n1,1,2\n", "unit of V_g"),
        (
            "T (K);G (S)\n0,5;2,0\n",
            r"line 2: T = '0,5' has a decimal comma: write points, such as '0\.5'",
        ),
        (
            "T (K),G (e^2/h)\n0,5,2,0\n",
            "line 2: 4 cells, the header has 2; a decimal comma must be a point",
        ),
        ("T (K),G (e^2/h),error\n1,2\n", "line 2: 2 cells, the header has 3"),
        ("T (K),G (e^2/h)\n1,2\n1,\n", "line 3: G is empty"),
        ("T (K),G (e^2/h)\n1,nan\n", "line 2: G = nan is not finite"),
        ("T (K),G (e^2/h)\n1,inf\n", "not finite"),
        ("T (K),G (e^2/h)\n1,--\n", "line 2: G = '--' is no number"),
        (
            "T (K),G (e^2/h),error\n1,2,0.1\n\n1,2,-0.1\n",
            r"line 4: error must be above zero, got -0\.1",
        ),
        ("T (K),G (e^2/h),error\n1,2,0\n", "line 2: error must be above zero"),
        ("T (K),G (e^2/h)\n0,2\n", "line 2: T must be above zero"),
        ("T (K),G (e^2/h)\n-5,2\n", "line 2: T must be above zero"),
    ],
)
def test_files_that_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_csv(written(tmp_path, text))


def test_other_encodings_and_missing_files(tmp_path):
    file = tmp_path / "dot.csv"
    file.write_bytes("T (µeV),G (S)\n1,2".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        read_csv(file)
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"G": []}, ValueError, "at least one point"),
        ({"T": [1.0]}, ValueError, "shape of G"),
        ({"T": None}, TypeError, "T must be"),
        ({"T": -1.0}, ValueError, "T must be above zero, got -1 at point 0"),
        ({"error": [0.1, 0.0]}, ValueError, "error must be above zero, got 0 at point 1"),
        ({"G": [1.0, np.nan]}, ValueError, "G must be finite"),
        ({"V_g": [1.0]}, ValueError, "V_g must be a number or have the shape"),
    ],
)
def test_arrays_that_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Measurement(**{"T": [1.0, 2.0], "G": [1.0, 0.5]} | changes)


def test_a_measurement_shows_itself_and_can_not_be_written_to():
    data = Measurement(T=0.1, G=[1.0, 0.5], V_g=[0.0, 1.0], error=0.1)
    assert repr(data).startswith("Measurement(2 points, T = 0.1 ... 0.1, V_g = 0 ... 1, G = 0.5")
    assert "svg" in data._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        data.error[0] = 1.0
    assert kd.transport.Measurement is Measurement
