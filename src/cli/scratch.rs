//! A folder for what a command writes only to measure it.

use std::path::Path;

use tempfile::TempDir;

use super::CliError;

/// The folder goes when this is dropped, and when the process is interrupted.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Makes it where the system keeps temporary files. At most once in a process.
    pub(super) fn new() -> Result<Self, CliError> {
        let folder = tempfile::tempdir().map_err(|error| {
            CliError::Said(format!("cannot make a folder for temporary files: {error}: set TMPDIR to one that exists"))
        })?;
        let path = folder.path().to_owned();
        ctrlc::set_handler(move || {
            // What threads still write while it is removed is removed with the second.
            let _ = fs_err::remove_dir_all(&path).or_else(|_| fs_err::remove_dir_all(&path));
            std::process::exit(130);
        })
        .map_err(|error| CliError::Said(format!("cannot listen for interrupts: {error}")))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}
