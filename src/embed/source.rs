//! Where the files of a model come from. The only module of the library that may use the network.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use hf_hub::{HFClient, HFClientSync, HFError};

/// The id of the model that is compiled into the binary.
pub const BUNDLED_ID: &str = "voisin-mini";

/// The id of the one that was compiled into earlier versions, which their stores name.
const FORMER_ID: &str = "voisin-fr-en-mini";

/// Names a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRef {
    /// The model compiled into this binary.
    Bundled,
    /// A folder in the sentence-transformers layout.
    Local(PathBuf),
    /// A repository of the hub.
    Hub {
        /// Owner and name: `intfloat/multilingual-e5-small`.
        id: String,
        /// Branch, tag or commit; the hub's main branch without one.
        revision: Option<String>,
    },
}

/// Why a model's files could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The name is neither the built-in model, nor a folder, nor a hub id.
    #[error(
        "\"{0}\" names no model: expected {BUNDLED_ID}, the path of a model folder, or a hub id such as \
         intfloat/multilingual-e5-small"
    )]
    Name(String),
    /// The name is that of the built-in model of earlier versions.
    #[error(
        "{FORMER_ID} was the built-in model of earlier versions; this voisin has {BUNDLED_ID}, whose vectors cannot be compared \
         with its: index the articles anew into another store (--store)"
    )]
    Former,
    /// This binary was built without its model.
    #[error(
        "this voisin was built without the built-in model: name another with --model, or build with the feature bundled-model"
    )]
    NotBundled,
    /// A file of a local model cannot be read.
    #[error("cannot read the model folder: {0}")]
    Read(#[from] std::io::Error),
    /// The folder or repository holds no model.
    #[error("{0} holds no config.json: it is no model folder in the sentence-transformers layout")]
    NoModel(PathBuf),
    /// The model's own files name a folder that is not its own.
    #[error("\"{id}\" is not to be trusted: its {file} names \"{path}\", which is outside of its folder")]
    Outside {
        /// The model asked for.
        id: String,
        /// The file that names it.
        file: &'static str,
        /// The path.
        path: String,
    },
    /// The hub has no such model, or does not show it to this user.
    #[error(
        "the hub knows no model \"{id}\"{}: check the spelling, and set HF_TOKEN if it is private or gated",
        revision.as_ref().map(|r| format!(" at revision \"{r}\"")).unwrap_or_default()
    )]
    Unknown {
        /// The model asked for.
        id: String,
        /// The revision asked for.
        revision: Option<String>,
    },
    /// The hub does not give the model to this user.
    #[error(
        "the hub refuses \"{id}\": {what}; ask for access on its page at the hub, and set HF_TOKEN to a token that has it"
    )]
    Refused {
        /// The model asked for.
        id: String,
        /// What the hub says.
        what: String,
    },
    /// A file is not in the cache and the network may not be used.
    #[error(
        "\"{id}\" is not in the local cache ({file} is missing): run `voisin models pull {id}` once without --offline"
    )]
    Offline {
        /// The model asked for, with its revision.
        id: String,
        /// The first file that is missing.
        file: String,
    },
    /// The hub could not be reached, or broke off.
    #[error(
        "cannot fetch {file} of \"{id}\": {what}; check the network or the proxy, or work with a local folder or --offline"
    )]
    Network {
        /// The model asked for.
        id: String,
        /// The file that was being fetched.
        file: String,
        /// What the client says.
        what: String,
    },
}

impl FromStr for ModelRef {
    type Err = SourceError;

    /// `voisin-mini`, a path (anything that exists as a folder, or starts with `.`, `/` or `~`), or
    /// `owner/name[@revision]`.
    fn from_str(name: &str) -> Result<Self, SourceError> {
        if name == BUNDLED_ID {
            return Ok(Self::Bundled);
        }
        if name.starts_with(['.', '/', '~']) || Path::new(name).is_dir() {
            return Ok(Self::Local(PathBuf::from(name)));
        }
        if name == FORMER_ID {
            return Err(SourceError::Former);
        }
        let (id, revision) = name.split_once('@').map_or((name, None), |(id, revision)| (id, Some(revision)));
        let part = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        match id.split_once('/') {
            Some((owner, model)) if part(owner) && part(model) && revision != Some("") => {
                Ok(Self::Hub { id: id.to_owned(), revision: revision.map(str::to_owned) })
            }
            _ => Err(SourceError::Name(name.to_owned())),
        }
    }
}

impl std::fmt::Display for ModelRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => f.write_str(BUNDLED_ID),
            Self::Local(path) => path.display().fmt(f),
            Self::Hub { id, revision: None } => f.write_str(id),
            Self::Hub { id, revision: Some(revision) } => write!(f, "{id}@{revision}"),
        }
    }
}

/// The weights, which are asked for last: where they are, every other file has been looked for.
pub(super) const WEIGHTS: &str = "model.safetensors";

/// Which file holds which tensor, where the weights are in several.
pub(super) const SHARDS: &str = "model.safetensors.index.json";

/// What every transformer has, and is asked for first.
pub(super) const CONFIG: &str = "config.json";

/// What a table of word vectors has instead: where neither is, there is no model.
const MODULES: &str = "modules.json";

/// The tokenizer.
pub(super) const TOKENIZER: &str = "tokenizer.json";

/// The files that say what a model is, beside those that `modules.json` names.
const DESCRIPTION: [&str; 6] = [
    CONFIG,
    MODULES,
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    TOKENIZER,
];

/// A file in a folder of the model's; in its own, where that is empty.
pub(super) fn within(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// The files of one model, by their names in its folder.
pub struct ModelFiles {
    /// The name that is stored with vectors: the built-in model's, the folder's, or the hub id.
    pub id: String,
    /// The hub's commit, where the files come from there.
    pub commit: Option<String>,
    files: HashMap<String, Cow<'static, [u8]>>,
}

impl ModelFiles {
    /// Finds the files of `model`; `offline` forbids the network, so that a hub model must be in the cache.
    ///
    /// # Errors
    /// When the model is not there or cannot be read or fetched.
    pub fn open(model: &ModelRef, offline: bool) -> Result<Self, SourceError> {
        match model {
            ModelRef::Bundled => bundled(),
            ModelRef::Local(path) => Self::collect(model_name(path), |file| read_local(path, file)).and_then(|files| {
                if files.get(CONFIG).or(files.get(MODULES)).is_none() {
                    return Err(SourceError::NoModel(path.clone()));
                }
                Ok(files)
            }),
            ModelRef::Hub { id, revision } => Hub::new(id, revision.as_deref(), offline)?.files(),
        }
    }

    /// The bytes of a file, `None` where the model has no such file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(AsRef::as_ref)
    }

    /// Names and contents, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut names: Vec<_> = self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref())).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// The files that hold the weights of the transformer: one, or those that an index names.
    pub(super) fn weights(&self) -> Vec<String> {
        self.get(SHARDS).filter(|_| self.get(WEIGHTS).is_none()).map_or_else(|| vec![WEIGHTS.to_owned()], shards)
    }

    /// Asks `read` for the description, then for what `modules.json` names, then for the weights.
    fn collect(
        id: String,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, SourceError>,
    ) -> Result<Self, SourceError> {
        let mut found = Self { id, commit: None, files: HashMap::new() };
        for name in DESCRIPTION {
            found.keep(name, &mut read)?;
        }
        let modules = found.get(MODULES).map_or(Vec::new(), super::spec::files_of_modules);
        found.all_below(&modules, MODULES)?;
        for name in &modules {
            found.keep(name, &mut read)?;
        }
        if modules.iter().any(|name| name.ends_with(TOKENIZER)) {
            // A table of word vectors, with all that it has in a folder of its own.
            return Ok(found);
        }
        match found.keep(WEIGHTS, &mut read) {
            Ok(()) if found.get(WEIGHTS).is_some() => {}
            // One file is not there, or not in the cache: there may be several.
            asked @ (Ok(()) | Err(SourceError::Offline { .. })) => {
                found.keep(SHARDS, &mut read)?;
                if found.get(SHARDS).is_none() {
                    asked?;
                }
                let shards = found.get(SHARDS).map_or(Vec::new(), shards);
                found.all_below(&shards, SHARDS)?;
                for name in &shards {
                    found.keep(name, &mut read)?;
                }
            }
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    fn keep(
        &mut self,
        name: &str,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, SourceError>,
    ) -> Result<(), SourceError> {
        if let Some(bytes) = read(name)? {
            self.files.insert(name.to_owned(), Cow::Owned(bytes));
        }
        Ok(())
    }

    /// Names from a file of somebody else's must lead to places below the model's folder.
    fn all_below(&self, names: &[String], file: &'static str) -> Result<(), SourceError> {
        let below = |path: &Path| path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        match names.iter().find(|name| !below(Path::new(name))) {
            Some(path) => Err(SourceError::Outside { id: self.id.clone(), file, path: path.clone() }),
            None => Ok(()),
        }
    }
}

/// The files that an index names, each once; none if it is damaged.
fn shards(index: &[u8]) -> Vec<String> {
    let index: serde_json::Value = serde_json::from_slice(index).unwrap_or_default();
    let files = index["weight_map"].as_object().into_iter().flat_map(|map| map.values());
    let mut files: Vec<String> = files.filter_map(|file| file.as_str().map(str::to_owned)).collect();
    files.sort_unstable();
    files.dedup();
    files
}

#[cfg(feature = "bundled-model")]
fn bundled() -> Result<ModelFiles, SourceError> {
    macro_rules! files {
        ($($name:literal)*) => {
            [$(($name, &include_bytes!(concat!("../../models/voisin-mini/", $name))[..])),*]
        };
    }
    let files = files!(
        "modules.json" "config.json" "config_sentence_transformers.json" "sentence_bert_config.json"
        "tokenizer_config.json" "tokenizer.json" "1_Pooling/config.json" "model.safetensors"
    );
    Ok(ModelFiles {
        id: BUNDLED_ID.to_owned(),
        commit: None,
        files: files.into_iter().map(|(name, bytes)| (name.to_owned(), Cow::Borrowed(bytes))).collect(),
    })
}

#[cfg(not(feature = "bundled-model"))]
fn bundled() -> Result<ModelFiles, SourceError> {
    Err(SourceError::NotBundled)
}

fn model_name(path: &Path) -> String {
    let absolute = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    absolute.file_name().map_or_else(|| absolute.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn read_local(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
    match fs_err::read(folder.join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// One repository of the hub, through its cache.
struct Hub<'a> {
    client: HFClientSync,
    id: &'a str,
    revision: Option<&'a str>,
    offline: bool,
}

impl<'a> Hub<'a> {
    fn new(id: &'a str, revision: Option<&'a str>, offline: bool) -> Result<Self, SourceError> {
        // Waits for 1.4 s at most before it says that the network is down; the client's own count of 5 makes 6 s.
        let client = HFClient::builder().retry_max_attempts(3).build_sync().map_err(|error| SourceError::Network {
            id: id.to_owned(),
            file: "anything".to_owned(),
            what: error.to_string(),
        })?;
        Ok(Self { client, id, revision, offline })
    }

    fn files(&self) -> Result<ModelFiles, SourceError> {
        let mut commit = None;
        let mut files = ModelFiles::collect(self.id.to_owned(), |name| {
            let Some(path) = self.path_of(name, commit.as_deref())? else { return Ok(None) };
            commit = commit.take().or_else(|| commit_of(&path));
            Ok(Some(fs_err::read(path)?))
        })?;
        files.commit = commit;
        Ok(files)
    }

    /// The cached path of a file, fetched if need be; `None` where the repository has no such file.
    ///
    /// `commit` is that of the files so far. The hub is not asked for what the cache knows of a commit, since it cannot
    /// change; and a model is of one commit, even if its branch moves meanwhile.
    fn path_of(&self, name: &str, commit: Option<&str>) -> Result<Option<PathBuf>, SourceError> {
        let answer = match commit {
            None => self.ask(name, self.revision, self.offline),
            commit => match self.ask(name, commit, true) {
                Err(HFError::LocalEntryNotFound { .. }) if !self.offline => self.ask(name, commit, false),
                answer => answer,
            },
        };
        match answer {
            Ok(path) => Ok(Some(path)),
            // Without a commit, there was no config.json either.
            Err(HFError::EntryNotFound { .. }) if name == MODULES && commit.is_none() => Err(self.no_config()),
            Err(HFError::EntryNotFound { .. }) => Ok(None),
            // Weights are fetched last: a cache that holds them has been asked for everything else, unless another
            // program filled it. None of those leaves these out, but for transformers, which needs no modules.json.
            Err(HFError::LocalEntryNotFound { .. }) if ![CONFIG, MODULES, TOKENIZER, WEIGHTS].contains(&name) => {
                Ok(None)
            }
            Err(HFError::LocalEntryNotFound { path }) => {
                let model = ModelRef::Hub { id: self.id.to_owned(), revision: self.revision.map(str::to_owned) };
                Err(SourceError::Offline { id: model.to_string(), file: path })
            }
            Err(HFError::AuthRequired { context } | HFError::Forbidden { context })
                if context.error_code.as_deref() != Some("RepoNotFound") =>
            {
                let what = context.server_message.unwrap_or_else(|| context.status.to_string());
                Err(SourceError::Refused { id: self.id.to_owned(), what })
            }
            Err(
                HFError::RepoNotFound { .. }
                | HFError::RevisionNotFound { .. }
                | HFError::AuthRequired { .. }
                | HFError::Forbidden { .. },
            ) => Err(self.unknown()),
            Err(error) => {
                Err(SourceError::Network { id: self.id.to_owned(), file: name.to_owned(), what: chain(&error) })
            }
        }
    }

    fn ask(&self, name: &str, revision: Option<&str>, offline: bool) -> Result<PathBuf, HFError> {
        let (owner, model) = self.id.split_once('/').unwrap_or(("", self.id));
        let announced = Arc::new(Announced::default());
        let path = self
            .client
            .model(owner, model)
            .download_file()
            .filename(name)
            .maybe_revision(revision)
            .local_files_only(offline)
            .progress(announced.clone())
            .send()?;
        let (expected, size) = (announced.0.load(Ordering::Relaxed), fs_err::metadata(&path)?.len());
        if expected != 0 && size != expected {
            // hf-hub 1.0 keeps whatever is sent as the file, a page that says "403 Forbidden" too.
            fs_err::remove_file(fs_err::canonicalize(&path)?)?;
            fs_err::remove_file(&path)?;
            return Err(HFError::Other(format!("{size} bytes came instead of {expected}")));
        }
        Ok(path)
    }

    /// What it means that there is no `config.json`: hf-hub 1.0 takes every 404 for a missing file, but the cache takes
    /// note of files only.
    fn no_config(&self) -> SourceError {
        match self.ask(CONFIG, self.revision, true) {
            Err(HFError::EntryNotFound { .. }) => SourceError::NoModel(self.id.into()),
            _ => self.unknown(),
        }
    }

    fn unknown(&self) -> SourceError {
        SourceError::Unknown { id: self.id.to_owned(), revision: self.revision.map(str::to_owned) }
    }
}

/// The size of the file that is being fetched, as the hub announces it; 0 where nothing is fetched.
#[derive(Default)]
struct Announced(AtomicU64);

impl ProgressHandler for Announced {
    fn on_progress(&self, event: &ProgressEvent) {
        if let ProgressEvent::Download(DownloadEvent::Start { total_bytes, .. }) = event {
            self.0.store(*total_bytes, Ordering::Relaxed);
        }
    }
}

/// The hub models in the local cache, by id.
///
/// # Errors
/// When the cache cannot be read.
pub fn cached() -> Result<Vec<String>, SourceError> {
    let client = HFClient::new().map_err(|error| SourceError::Network {
        id: "the cache".to_owned(),
        file: "the list of models".to_owned(),
        what: error.to_string(),
    })?;
    let mut found = Vec::new();
    for entry in fs_err::read_dir(client.cache_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix("models--").map(|name| name.replacen("--", "/", 1)) else { continue };
        let snapshots = fs_err::read_dir(entry.path().join("snapshots")).into_iter().flatten().flatten();
        if snapshots.into_iter().any(|snapshot| holds_weights(&snapshot.path())) {
            found.push(id);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a snapshot has the weights of a transformer, or of a table of word vectors in a folder of its own.
fn holds_weights(snapshot: &Path) -> bool {
    let folders = fs_err::read_dir(snapshot).into_iter().flatten().flatten().map(|entry| entry.path());
    [WEIGHTS, SHARDS].iter().any(|name| snapshot.join(name).exists())
        || folders.into_iter().any(|folder| [TOKENIZER, WEIGHTS].iter().all(|name| folder.join(name).exists()))
}

/// The commit in `…/snapshots/<commit>/config.json`.
fn commit_of(path: &Path) -> Option<String> {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let mut triples = parts.windows(3).rev();
    triples
        .find(|triple| triple[0].starts_with("models--") && triple[1] == "snapshots")
        .map(|triple| triple[2].to_string())
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let hub =
            |id: &str, revision: Option<&str>| ModelRef::Hub { id: id.into(), revision: revision.map(Into::into) };
        assert_eq!("voisin-mini".parse::<ModelRef>().unwrap(), ModelRef::Bundled);
        let former = "voisin-fr-en-mini".parse::<ModelRef>().unwrap_err().to_string();
        assert!(former.contains("this voisin has voisin-mini") && former.contains("--store"), "{former}");
        assert_eq!("./model".parse::<ModelRef>().unwrap(), ModelRef::Local("./model".into()));
        assert_eq!("owner/name-2.5".parse::<ModelRef>().unwrap(), hub("owner/name-2.5", None));
        assert_eq!("owner/name@abc".parse::<ModelRef>().unwrap(), hub("owner/name", Some("abc")));
        for wrong in ["", "name", "a/b/c", "a b/c", "owner/", "owner/name@"] {
            assert!(matches!(wrong.parse::<ModelRef>(), Err(SourceError::Name(_))), "{wrong}");
        }
        assert_eq!(hub("a/b", Some("c")).to_string(), "a/b@c");
    }

    #[test]
    fn a_folder_without_a_model_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = ModelFiles::open(&ModelRef::Local(folder.path().into()), false).err().unwrap();
        assert!(matches!(error, SourceError::NoModel(_)), "{error}");
    }

    #[test]
    fn the_commit_is_read_off_the_cache_path() {
        assert_eq!(commit_of(Path::new("/c/models--a--b/snapshots/123abc/config.json")), Some("123abc".into()));
        let nested = "/snapshots/hf/hub/models--a--b/snapshots/123abc/1_Pooling/config.json";
        assert_eq!(commit_of(Path::new(nested)), Some("123abc".into()));
        assert_eq!(commit_of(Path::new("/snapshots/c/config.json")), None);
    }

    #[test]
    fn a_model_may_not_lead_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["../other", "/etc", "a/../../b"] {
            let modules = format!(r#"[{{"path": "{path}", "type": "Pooling"}}]"#);
            fs_err::write(folder.path().join("modules.json"), modules).unwrap();
            let error = ModelFiles::open(&ModelRef::Local(folder.path().into()), false).err().unwrap();
            assert!(matches!(error, SourceError::Outside { .. }), "{path}: {error}");
        }
    }
}
