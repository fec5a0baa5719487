//! Finds the files behind the paths that people name: one file, or every readable file of a folder, in sorted order.
//!
//! Hidden files, files that `.ignore` and `.gitignore` name, and stores of this program are passed over without a word.
//! No file is opened here.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::format::{self, Named};
use super::problem::{Place, Problem, Reason};

/// What the walk meets.
pub(super) enum Met {
    /// A file to read.
    File {
        /// Path, made of the path that was named.
        path: PathBuf,
        /// Size in bytes on disk, 0 where it is unknown (a pipe).
        bytes: u64,
        /// Whether it was named itself, rather than found in a folder.
        named: bool,
    },
    /// A file of a folder whose kind is not read here.
    Ignored(PathBuf),
    /// What could not be listed.
    Problem(Problem),
}

/// Calls `visit` with everything that `path` names, until it breaks.
pub(super) fn walk(path: &Path, visit: &mut dyn FnMut(Met) -> ControlFlow<()>) -> ControlFlow<()> {
    let problem =
        |path: &Path, reason| Met::Problem(Problem { place: Place { path: path.to_owned(), line: None }, reason });
    let about = match fs_err::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return visit(problem(path, Reason::Missing)),
        Err(error) => return visit(problem(path, Reason::Unreadable { error })),
    };
    if is_store(path) {
        return visit(problem(path, Reason::Store));
    }
    if !about.is_dir() {
        return visit(Met::File { path: path.to_owned(), bytes: about.len(), named: true });
    }
    let entries = ignore::WalkBuilder::new(path)
        .follow_links(true)
        .git_global(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(|entry| entry.depth() == 0 || !is_store(entry.path()))
        .build();
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {}
            Ok(entry) => visit(file(entry))?,
            Err(error) => {
                let (at, reason) = explain(error, path);
                visit(problem(&at, reason))?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// A file of a folder. Pipes and devices are ignored there: to open one could wait for ever.
fn file(entry: ignore::DirEntry) -> Met {
    let regular = entry.file_type().is_some_and(|kind| kind.is_file());
    let bytes = entry.metadata().map_or(0, |about| about.len());
    let path = entry.into_path();
    match format::by_name(&path) {
        Named::Known(_) | Named::Bare if regular => Met::File { path, bytes, named: false },
        _ => Met::Ignored(path),
    }
}

/// The path that an error of the walk is about, and what it means.
fn explain(error: ignore::Error, root: &Path) -> (PathBuf, Reason) {
    match error {
        ignore::Error::WithPath { path, err } => (path.clone(), explain(*err, &path).1),
        ignore::Error::WithDepth { err, .. } => explain(*err, root),
        ignore::Error::Loop { child, .. } => (child, Reason::Loop),
        ignore::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => (root.into(), Reason::Missing),
        other => (root.into(), Reason::Unlisted { detail: other.to_string() }),
    }
}

/// Whether a path is named like a store: `.voisin`, `news.voisin`.
fn is_store(path: &Path) -> bool {
    let named = |part: Option<&std::ffi::OsStr>, name: &str| part.is_some_and(|part| part == name);
    named(path.file_name(), ".voisin") || named(path.extension(), "voisin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(path: &Path) -> Vec<String> {
        let mut seen = Vec::new();
        let root = path.parent().unwrap().to_owned();
        let short = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let _ = walk(path, &mut |met| {
            seen.push(match met {
                Met::File { path, named, .. } => format!("{}{}", short(&path), if named { " named" } else { "" }),
                Met::Ignored(path) => format!("({})", short(&path)),
                Met::Problem(problem) => format!("! {}: {:?}", short(&problem.place.path), problem.reason),
            });
            ControlFlow::Continue(())
        });
        seen
    }

    #[test]
    fn folders_are_walked_in_order_without_hidden_ignored_and_own_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("news");
        for path in [
            "b/z.txt",
            "b/a.md",
            "a.jsonl.zst",
            "c.pdf",
            ".hidden.txt",
            "skip/x.txt",
            ".voisin/y.txt",
            "n.voisin/z.txt",
            "README",
        ] {
            let path = root.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "x").unwrap();
        }
        fs_err::write(root.join(".ignore"), "skip\n").unwrap();
        assert_eq!(list(&root), ["news/README", "news/a.jsonl.zst", "news/b/a.md", "news/b/z.txt", "(news/c.pdf)"]);
    }

    #[test]
    fn a_file_named_itself_is_read_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.dat");
        fs_err::write(&file, "x").unwrap();
        assert_eq!(list(&file), ["x.dat named"]);
        assert_eq!(list(&folder.path().join("none")), ["! none: Missing"]);
    }

    #[test]
    fn a_store_is_no_corpus() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("news.voisin");
        fs_err::create_dir(&store).unwrap();
        assert_eq!(list(&store), ["! news.voisin: Store"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends_and_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a");
        fs_err::create_dir(&root).unwrap();
        fs_err::write(root.join("t.txt"), "x").unwrap();
        fs_err::os::unix::fs::symlink(&root, root.join("again")).unwrap();
        fs_err::os::unix::fs::symlink(root.join("gone"), root.join("broken.txt")).unwrap();
        assert_eq!(list(&root), ["! a/again: Loop", "! a/broken.txt: Missing", "a/t.txt"]);
    }
}
