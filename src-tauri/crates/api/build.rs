//! Puts the built UI (`ui/dist`) into the executable, as a table of files.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = manifest.join("../../../ui/dist");
    // Cargo takes a missing path for a changed one and would build this crate anew each time. An empty folder is the
    // same to us and can be watched; where it cannot be made, the build is slower and nothing else.
    if fs::create_dir_all(&dist).is_err() {
        println!("cargo:warning=ui/dist is not there and cannot be made");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", dist.display());

    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist.canonicalize()?, "", &mut files)?;
    }
    files.sort();
    let mut table = String::from("pub(crate) static FILES: &[File] = &[\n");
    for (path, file) in files {
        let tag = tag(&fs::read(&file)?);
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "    File {{ path: {path:?}, tag: \"\\\"{tag:016x}\\\"\", bytes: include_bytes!({:?}) }},",
            file.display().to_string()
        );
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("ui_files.rs"), table)
}

/// Every file below `folder`, with its path as asked for.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

fn tag(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
