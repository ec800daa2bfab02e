//! Where things are. Everything is found from the repository's root, whatever directory the command is run in, and
//! everything that is written lies below `target/`, `.venv/` and `.tools/`.

use std::path::{Path, PathBuf};

use crate::failure::{Context, Result};

pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask is a folder of the repository").to_path_buf()
}

pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// Logs and scratch files of the local stack.
pub fn local(relative: &str) -> Result<PathBuf> {
    let path = path("target/local").join(relative);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).context(format_args!("creating {}", folder.display()))?;
    }
    Ok(path)
}

/// A path as a person at the root of the repository would write it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The last lines of a log, for an error message.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
