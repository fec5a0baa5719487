//! Keys: who may ask, and who may change the store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Semaphore;

use super::route;
use crate::server::keys::{Key, Keys, KeysError, Scope};
use crate::server::problem::Problem;
use crate::server::state::Shared;

/// How often the file of keys is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long whoever has a wrong key waits for an answer.
const SLOWED: Duration = Duration::from_millis(250);

/// How many wait so; more are turned away at once. Nobody with a right key waits for them.
const SLOWED_AT_ONCE: usize = 256;

/// A key of its own header.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The name of the key that a request came with, among the extensions of its answer.
#[derive(Clone)]
pub(super) struct Holder(pub String);

/// The keys that are known now.
pub(super) struct Ring {
    path: PathBuf,
    held: Mutex<Held>,
    slowed: Semaphore,
}

struct Held {
    keys: Arc<Keys>,
    stamp: Option<Stamp>,
    looked: Instant,
}

/// What changes with a file: it is never written in place.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    file: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let data = fs_err::metadata(path).ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&data);
        #[cfg(not(unix))]
        let file = 0;
        Some(Self { modified: data.modified().ok(), bytes: data.len(), file })
    }
}

impl Ring {
    pub(super) fn open(path: &Path) -> Result<Self, KeysError> {
        // Looked at first: what is written in between is read again.
        let stamp = Stamp::of(path);
        let held = Held { keys: Arc::new(Keys::read(path)?), stamp, looked: Instant::now() };
        Ok(Self { path: path.to_owned(), held: Mutex::new(held), slowed: Semaphore::new(SLOWED_AT_ONCE) })
    }

    /// The keys as the file has them. One that cannot be read any more changes nothing: those who were let in are not locked
    /// out by a slip of the hand.
    fn now(&self) -> Arc<Keys> {
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if held.looked.elapsed() >= LOOK_EVERY {
            held.looked = Instant::now();
            let stamp = Stamp::of(&self.path);
            if stamp != held.stamp {
                held.stamp = stamp;
                match Keys::read(&self.path) {
                    Ok(keys) => {
                        tracing::info!(keys = keys.list().len(), "the file of keys was read again");
                        held.keys = Arc::new(keys);
                    }
                    Err(error) => tracing::error!(%error, "the keys that were known before stay"),
                }
            }
        }
        held.keys.clone()
    }

    /// The key that a request came with, if it allows what is asked.
    async fn admit(&self, headers: &HeaderMap, needed: Scope) -> Result<Key, Problem> {
        let Some(secret) = secret(headers) else {
            return Err(Problem::unauthorised(
                "a key is needed: send it as Authorization: Bearer KEY; in a browser it is the password, under any name",
            ));
        };
        let Some(key) = self.now().find(&secret).cloned() else {
            let Ok(_slowed) = self.slowed.try_acquire() else {
                return Err(Problem::busy("too many wrong keys were tried: come again later", Duration::from_secs(1)));
            };
            tokio::time::sleep(SLOWED).await;
            return Err(Problem::unauthorised("this key is not known: it was mistyped, or removed"));
        };
        if key.scope < needed {
            let name = &key.name;
            return Err(Problem::forbidden(format!("the key {name} may read only: changes need one of scope write")));
        }
        Ok(key)
    }
}

/// The key that a request came with: in a header of its own, as a bearer's, or as the password of whatever user, as browsers ask for
/// it.
fn secret(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get(API_KEY) {
        return Some(key.to_str().unwrap_or_default().to_owned());
    }
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(value.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        Some(pair.split_once(':')?.1.to_owned())
    } else {
        None
    }
}

/// What a route asks for; nothing, where everyone may know how the server is and how its page looks.
fn needed(method: &Method, route: &str) -> Option<Scope> {
    if ["/health", "/ready"].contains(&route) || route.starts_with("/assets/") {
        return None;
    }
    let asks = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    let changes = ["/v1/articles", "/v1/jobs"]
        .iter()
        .any(|start| route.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    Some(if changes && !asks { Scope::Write } else { Scope::Read })
}

pub(super) async fn access(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let route = route(&request);
    let (Some(ring), Some(needed)) =
        (&server.guard.keys, needed(request.method(), route.as_ref().map_or("", |route| route.as_str())))
    else {
        return next.run(request).await;
    };
    match ring.admit(request.headers(), needed).await {
        Ok(key) => {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(Holder(key.name));
            response
        }
        Err(problem) => {
            let asks = problem.status == axum::http::StatusCode::UNAUTHORIZED;
            let mut response = problem.into_response();
            if asks {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge(request.headers()));
            }
            response
        }
    }
}

/// How to send a key. Browsers ask for a password; programs would only be confused by that.
fn challenge(headers: &HeaderMap) -> HeaderValue {
    let browser = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|kinds| kinds.to_str().is_ok_and(|kinds| kinds.contains("text/html")));
    HeaderValue::from_static(if browser { "Basic realm=\"voisin\", charset=\"UTF-8\"" } else { "Bearer" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_need_more_than_questions() {
        for (method, route, scope) in [
            (Method::GET, "/health", None),
            (Method::GET, "/assets/{name}", None),
            (Method::GET, "/", Some(Scope::Read)),
            (Method::GET, "", Some(Scope::Read)),
            (Method::GET, "/metrics", Some(Scope::Read)),
            (Method::GET, "/healthy", Some(Scope::Read)),
            (Method::POST, "/v1/search", Some(Scope::Read)),
            (Method::POST, "/v1/embeddings", Some(Scope::Read)),
            (Method::GET, "/v1/articles/{id}", Some(Scope::Read)),
            (Method::PUT, "/v1/articles/{id}", Some(Scope::Write)),
            (Method::DELETE, "/v1/articles/{id}", Some(Scope::Write)),
            (Method::POST, "/v1/articles", Some(Scope::Write)),
            (Method::POST, "/v1/articlesque", Some(Scope::Read)),
            (Method::POST, "/v1/jobs", Some(Scope::Write)),
            (Method::HEAD, "/v1/jobs/{id}", Some(Scope::Read)),
        ] {
            assert_eq!(needed(&method, route), scope, "{method} {route}");
        }
    }

    #[test]
    fn a_key_comes_in_three_ways() {
        let secret_of = |name: &'static str, value: &str| {
            secret(&HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]))
        };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(secret_of("authorization", "bearer  a.b").as_deref(), Some("a.b"));
        assert_eq!(secret_of("x-api-key", "a.b").as_deref(), Some("a.b"));
        assert_eq!(secret_of("authorization", &basic("anyone:a:b")).as_deref(), Some("a:b"));
        for nothing in ["a.b", "Digest a", "Basic !", &basic("a.b")] {
            assert_eq!(secret_of("authorization", nothing), None, "{nothing}");
        }
    }

    #[test]
    fn keys_follow_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = Keys::add(&path, "first", Scope::Read).unwrap();
        let ring = Ring::open(&path).unwrap();
        let later = |ring: &Ring| ring.held.lock().unwrap().looked -= LOOK_EVERY;
        assert!(ring.now().find(&first).is_some());
        let second = Keys::add(&path, "second", Scope::Read).unwrap();
        later(&ring);
        assert!(ring.now().find(&second).is_some());
        Keys::remove(&path, "first").unwrap();
        later(&ring);
        assert!(ring.now().find(&first).is_none());
        let damages: [&dyn Fn(); 2] = [&|| fs_err::write(&path, "{").unwrap(), &|| fs_err::remove_file(&path).unwrap()];
        for damage in damages {
            damage();
            later(&ring);
            assert!(ring.now().find(&second).is_some(), "known before");
        }
    }
}
