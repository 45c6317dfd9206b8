//! Variables of stored configurations, and their sums over blocks.

use crate::errors::{self, OrRaise};
use kadanoff_lattice::variables::{self, Blocks, Plane, Variable};
use numpy::ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

/// Bytes of the rows, tables of what they mean, and (byte, table, to) of every variable.
type PlaneArgument<'py> = (
    PyReadonlyArray2<'py, u8>,
    PyReadonlyArray2<'py, i8>,
    PyReadonlyArray2<'py, i64>,
);

/// Sums over blocks by size and row, and of squared sums.
type BlockSums<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray1<i64>>);

fn number(x: i64) -> PyResult<usize> {
    usize::try_from(x).map_err(|_| errors::argument("numbers must not be negative"))
}

fn plane<'a>((bytes, tables, of): &'a PlaneArgument<'_>) -> PyResult<Plane<'a>> {
    let of = of.as_array();
    let (tables, rest) = tables.as_slice()?.as_chunks();
    if !rest.is_empty() || of.ncols() != 3 {
        return Err(errors::shape(
            "a table has 256 values, a variable 3 numbers",
        ));
    }
    let variables = of.rows().into_iter().map(|row| {
        Ok(Variable {
            byte: number(row[0])?,
            table: number(row[1])?,
            to: number(row[2])?,
        })
    });
    Ok(Plane {
        bytes: bytes.as_slice()?,
        width: bytes.as_array().ncols(),
        tables,
        variables: variables.collect::<PyResult<_>>()?,
    })
}

/// `count` variables of these rows; 0 where no plane holds one.
#[pyfunction]
pub(crate) fn variables_of_rows<'py>(
    py: Python<'py>,
    planes: Vec<PlaneArgument<'py>>,
    rows: PyReadonlyArray1<'py, i64>,
    count: usize,
) -> PyResult<Bound<'py, PyArray2<i8>>> {
    let planes: Vec<_> = planes.iter().map(plane).collect::<PyResult<_>>()?;
    let rows = rows.as_array().into_iter().map(|x| number(*x));
    let rows: Vec<_> = rows.collect::<PyResult<_>>()?;
    let found = py.detach(|| variables::columns(&planes, &rows, count));
    let found = Array2::from_shape_vec((rows.len(), count), found.or_raise(py)?);
    Ok(found.map_err(errors::shape)?.into_pyarray(py))
}

/// Sums of variables over `places` blocks, shape (size, rows), and of the squared sums of blocks.
#[pyfunction]
pub(crate) fn variables_of_blocks<'py>(
    py: Python<'py>,
    planes: Vec<PlaneArgument<'py>>,
    rows: usize,
    places: usize,
    size: usize,
    letters: usize,
) -> PyResult<BlockSums<'py>> {
    let planes: Vec<_> = planes.iter().map(plane).collect::<PyResult<_>>()?;
    let blocks = Blocks {
        places,
        size,
        letters,
    };
    let found = py.detach(|| variables::block_sums(&planes, rows, blocks));
    let found = found.or_raise(py)?;
    let sums = Array2::from_shape_vec((size, rows), found.over_blocks).map_err(errors::shape)?;
    Ok((
        sums.into_pyarray(py),
        Array1::from_vec(found.squares).into_pyarray(py),
    ))
}
