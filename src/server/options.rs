//! What a server is started with, and its limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What happens to a text that is longer than the model can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LongInputs {
    /// It is cut into passages, and its vector is their mean, by tokens.
    #[default]
    Pool,
    /// What is beyond the limit is cut off, and counted in the answer.
    Truncate,
    /// The request is refused.
    Reject,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file of keys; without one, whoever can connect may do everything.
    pub keys: Option<PathBuf>,
    /// Whether the store may be changed; if not, changes of other processes are followed.
    pub writes: bool,
    /// What happens to texts that are too long, where a request does not say it.
    pub long_inputs: LongInputs,
    /// Threads that embed, and as many that search.
    pub threads: usize,
    /// What is refused.
    pub limits: Limits,
}

impl Default for Options {
    /// On loopback, without keys, with the right to write.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            keys: None,
            writes: true,
            long_inputs: LongInputs::default(),
            threads: crate::embed::cores(),
            limits: Limits::default(),
        }
    }
}

/// What is refused, so that nobody can take all there is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request's body, but of bulk loads, which are read line by line.
    pub body: usize,
    /// Bytes of a line of a bulk load.
    pub line: usize,
    /// Bytes of an article's text: what is longer is no article, and would keep others waiting.
    pub article: usize,
    /// Characters of a question.
    pub question: usize,
    /// Values of filters, and names of facets, of a request.
    pub labels: usize,
    /// Bulk loads at a time.
    pub loads: usize,
    /// Texts of a request.
    pub texts: usize,
    /// Hits of a page, related articles, facets.
    pub results: usize,
    /// How long a request may take, its body included; a bulk load as long as lines keep coming.
    pub request: Duration,
    /// How long the head of a request may take to arrive, and an idle connection stays open.
    pub head: Duration,
    /// How long requests may go on when the server ends.
    pub grace: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Requests that are worked on at a time; those whose bodies are still arriving do not count.
    pub requests: usize,
    /// Bytes of requests' bodies that are held at a time.
    pub bodies: usize,
    /// Tokens that may wait for the model.
    pub waiting_tokens: usize,
    /// Searches that may wait for a thread.
    pub waiting_searches: usize,
    /// Bytes of articles that may wait to be stored.
    pub waiting_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            line: 4 << 20,
            article: 512 << 10,
            question: 4_000,
            labels: 100,
            loads: 8,
            texts: 2_048,
            results: 1_000,
            request: Duration::from_secs(30),
            head: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            connections: 16_384,
            requests: 1_024,
            bodies: 256 << 20,
            waiting_tokens: 400_000,
            waiting_searches: 256,
            waiting_bytes: 64 << 20,
        }
    }
}
