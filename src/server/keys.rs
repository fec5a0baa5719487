//! The file of keys: who may ask, and who may change the store.
//!
//! A key is 256 random bits, and the file keeps its BLAKE3 hash. A slow hash, as passwords need, would add nothing: nobody can try
//! 2^256 keys, however fast. The file is written beside the old one and put in its place, for its owner alone to read.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The name of the file in the folder of a store.
pub const FILE: &str = "keys.json";

/// What keys begin with, so that people and programs that look for leaked secrets know one when they see it.
const PREFIX: &str = "voisin_";

/// Version of the file.
const FORMAT: u32 = 1;

/// What a key allows: what is greater includes what is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To ask.
    Read,
    /// And to change the store.
    Write,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// A key, as the file knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Who or what it is for.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// When it was added: a time in UTC.
    pub added: String,
    #[serde(with = "hex")]
    hash: blake3::Hash,
}

/// The keys of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

#[derive(Serialize, Deserialize)]
struct OnDisk {
    format: u32,
    keys: Vec<Key>,
}

/// What is wrong with a file of keys, or with what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is none.
    #[error("there is no file of keys at {0}: `voisin keys add NAME` makes one")]
    Missing(PathBuf),
    /// It cannot be understood.
    #[error("{path} is no file of keys, or damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// Of another version.
    #[error("{path} is of format {found}, and this version knows {FORMAT}: use the version that made it")]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// No name.
    #[error("\"{0}\" is no name for a key: expected 1 to 64 letters, digits, dots, hyphens or underscores")]
    Name(String),
    /// A name that a key has already.
    #[error("there is a key \"{0}\" already: `voisin keys remove {0}` first, or take another name")]
    Taken(String),
    /// A name that no key has.
    #[error("there is no key \"{name}\" among {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a key: {0}")]
    Random(getrandom::Error),
}

impl Keys {
    /// Reads a file of keys.
    ///
    /// # Errors
    /// When there is none, or it is not one.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let bytes = fs_err::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => KeysError::Missing(path.to_owned()),
            _ => error.into(),
        })?;
        let damaged = |what: String| KeysError::Damaged { path: path.to_owned(), what };
        // The version first: what else stands in a newer file may be anything.
        let file: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match file["format"].as_u64() {
            Some(found) if found == u64::from(FORMAT) => {}
            Some(found) => return Err(KeysError::Format { path: path.to_owned(), found: found as u32 }),
            None => return Err(damaged("it names no format".to_owned())),
        }
        let file: OnDisk = serde_json::from_value(file).map_err(|error| damaged(error.to_string()))?;
        Ok(Self(file.keys))
    }

    /// All keys, in the order in which they were added.
    pub fn list(&self) -> &[Key] {
        &self.0
    }

    /// The key that these characters are, if it is one. How long this takes does not depend on how much of a hash is right.
    pub fn find(&self, secret: &str) -> Option<&Key> {
        let hash = blake3::hash(secret.as_bytes());
        // Comparing hashes takes the same time for all.
        self.0.iter().find(|key| key.hash == hash)
    }

    /// Adds a key to a file, which is made if need be, and returns its characters: they are nowhere else.
    ///
    /// # Errors
    /// When the name is none or taken, or the file cannot be read or written.
    pub fn add(path: &Path, name: &str, scope: Scope) -> Result<String, KeysError> {
        let sane = |character: char| character.is_alphanumeric() || ".-_".contains(character);
        if !(1..=64).contains(&name.chars().count()) || !name.chars().all(sane) {
            return Err(KeysError::Name(name.to_owned()));
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(KeysError::Random)?;
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let added = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string();
        let key = Key { name: name.to_owned(), scope, added, hash: blake3::hash(secret.as_bytes()) };
        Self::change(path, |keys| match keys.iter().any(|key| key.name == name) {
            true => Err(KeysError::Taken(name.to_owned())),
            false => {
                keys.push(key);
                Ok(())
            }
        })?;
        Ok(secret)
    }

    /// Removes a key from a file.
    ///
    /// # Errors
    /// When there is no such key, or the file cannot be read or written.
    pub fn remove(path: &Path, name: &str) -> Result<(), KeysError> {
        if !path.exists() {
            return Err(KeysError::Missing(path.to_owned()));
        }
        Self::change(path, |keys| {
            let Some(at) = keys.iter().position(|key| key.name == name) else {
                let known: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(KeysError::Unknown { name: name.to_owned(), known });
            };
            keys.remove(at);
            Ok(())
        })
    }

    /// Reads, changes and writes a file, one process at a time: of two changes at once, none is lost.
    fn change(path: &Path, change: impl FnOnce(&mut Vec<Key>) -> Result<(), KeysError>) -> Result<(), KeysError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs_err::create_dir_all(folder)?;
        let lock = path.with_extension("lock");
        let lock = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(lock)?;
        hand_over(folder, lock.path());
        lock.file().lock()?;
        let mut keys = match Self::read(path) {
            Err(KeysError::Missing(_)) => Self::default(),
            keys => keys?,
        };
        change(&mut keys.0)?;
        // Files of this kind are for their owner alone.
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut new, &OnDisk { format: FORMAT, keys: keys.0 })
            .map_err(std::io::Error::from)?;
        new.as_file().sync_all()?;
        hand_over(folder, new.path());
        new.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Gives a file to the owner of its folder: the administrator makes keys for a server that runs as another user.
fn hand_over(folder: &Path, file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let Ok(owner) = fs_err::metadata(folder) else { return };
        if fs_err::metadata(file).is_ok_and(|file| file.uid() != owner.uid()) {
            // Whoever may not do this is not the administrator, and keeps what they made.
            let _ = std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, file);
}

/// Hashes as hexadecimal digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &blake3::Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hash.to_hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<blake3::Hash, D::Error> {
        blake3::Hash::from_hex(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_characters_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/keys.json");
        let [reader, writer] = [("reader", Scope::Read), ("writer", Scope::Write)]
            .map(|(name, scope)| Keys::add(&path, name, scope).unwrap());
        let keys = Keys::read(&path).unwrap();
        assert_eq!(keys.find(&reader).map(|key| (key.name.as_str(), key.scope)), Some(("reader", Scope::Read)));
        assert_eq!(keys.find(&writer).map(|key| key.scope), Some(Scope::Write));
        assert_eq!(reader.len(), PREFIX.len() + 43, "32 bytes in base64");
        for other in ["", "voisin_", "reader", &reader[..reader.len() - 1], &format!("{reader} ")] {
            assert_eq!(keys.find(other), None, "{other}");
        }
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(!text.contains(&reader) && !text.contains(&reader[PREFIX.len()..]), "the file does not hold keys");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        Keys::remove(&path, "reader").unwrap();
        let keys = Keys::read(&path).unwrap();
        assert_eq!((keys.find(&reader), keys.list().len()), (None, 1));
        assert!(keys.find(&writer).is_some());
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let error = |result: Result<(), KeysError>| result.unwrap_err().to_string();
        assert!(error(Keys::remove(&path, "a")).contains("voisin keys add NAME"));
        Keys::add(&path, "a", Scope::Read).unwrap();
        assert!(error(Keys::add(&path, "a", Scope::Write).map(drop)).contains("already"));
        assert!(error(Keys::remove(&path, "b")).contains("among a"));
        for name in ["", "a b", "a\n", &"a".repeat(65), "a/b"] {
            assert!(error(Keys::add(&path, name, Scope::Read).map(drop)).contains("no name"), "{name}");
        }
        for (text, what) in
            [("", "damaged"), ("{}", "no format"), ("{\"format\": 1}", "keys"), ("{\"format\": 7}", "of format 7")]
        {
            fs_err::write(&path, text).unwrap();
            assert!(error(Keys::read(&path).map(drop)).contains(what), "{text}");
            assert!(Keys::add(&path, "c", Scope::Read).is_err(), "a damaged file is not written over");
        }
    }

    #[test]
    fn of_changes_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        std::thread::scope(|scope| {
            for at in 0..8 {
                let path = &path;
                scope.spawn(move || Keys::add(path, &format!("key-{at}"), Scope::Read).unwrap());
            }
        });
        assert_eq!(Keys::read(&path).unwrap().list().len(), 8);
    }
}
