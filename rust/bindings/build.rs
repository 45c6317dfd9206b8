//! Lays the sources of the course beside the build, from where `pyproject.toml` (`[tool.maturin]
//! include`) takes them into the wheel: `kadanoff lab` then has notebooks without a clone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Copy the files of `from` whose ending is `extension` into `to`.
fn copy(from: &Path, extension: &str, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name()
            && path.extension().is_some_and(|found| found == extension)
        {
            println!("cargo::rerun-if-changed={}", path.display());
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .ok_or(io::ErrorKind::NotFound)
    };
    let notebooks = variable("CARGO_MANIFEST_DIR")?.join("../../notebooks");
    let out = variable("OUT_DIR")?.join("course");
    println!("cargo::rerun-if-changed=build.rs");
    // what an earlier build laid there may have been renamed since
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    copy(&notebooks, "py", &out)?;
    for extension in ["csv", "dat"] {
        copy(&notebooks.join("data"), extension, &out.join("data"))?;
    }
    Ok(())
}
