//! Articles by the line: JSON Lines in, what became of each out, while more are coming.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::mpsc;

use super::articles::{named, writer};
use crate::server::extract::shortened;
use crate::server::problem::{ErrorBody, Problem};
use crate::server::state::Shared;
use crate::server::writer::{Outcome, Writer};
use crate::types::Article;
use crate::wire;

/// Articles that are stored together, at most.
const TOGETHER: usize = 64;

/// Bytes of lines that are stored together, about.
const BYTES_TOGETHER: usize = 512 << 10;

/// How long articles that have arrived wait for more.
const PAUSE: Duration = Duration::from_millis(100);

/// When to come again where too many load.
const LATER: Duration = Duration::from_secs(10);

/// Lines of the answer that wait to be read: whoever does not read while sending is read from no further.
const UNREAD: usize = 4_096;

/// What became of a line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Line {
    /// The number of the line, from 1.
    line: u64,
    /// The id of its article.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What became of it; missing where it was not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Why it was not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What the sender should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// The last line of an answer.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Articles that were not in the store.
    added: u64,
    /// Articles that replaced one of the same id.
    changed: u64,
    /// Articles that were stored already.
    unchanged: u64,
    /// Lines that were not stored.
    failed: u64,
    /// Whether the end of the request was seen; if not, what follows the last line told was not stored.
    complete: bool,
}

/// Stores articles, one JSON object a line. The answer is one JSON object a line, too: what became of each, as soon as it is
/// safe on disk, and then a summary. It has to be read while articles are sent. One bad line does not stop the others.
#[utoipa::path(
    post,
    path = "/v1/articles",
    tag = "articles",
    request_body(content = wire::NewArticle, content_type = "application/x-ndjson"),
    responses(
        (status = 200, body = Line, content_type = "application/x-ndjson"),
        (status = "default", body = ErrorBody)
    )
)]
pub async fn put_all(State(server): State<Shared>, body: Body) -> Result<Response, Problem> {
    writer(&server)?;
    let Ok(place) = server.loads.clone().try_acquire_owned() else {
        return Err(Problem::busy("as many bulk loads as this server takes are going on: come again later", LATER));
    };
    let (sender, mut receiver) = mpsc::channel(UNREAD);
    tokio::spawn(async move {
        let mut load =
            Load { server, told: sender, waiting: Vec::new(), bytes: 0, line: 0, summary: Summary::default() };
        let _place = place;
        // Whoever does not listen any more does not send either.
        let _ = load.read(body.into_data_stream()).await;
    });
    let lines = stream::poll_fn(move |context| receiver.poll_recv(context)).map(Ok::<_, std::convert::Infallible>);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// Whoever asked has gone.
struct Gone;

struct Load {
    server: Shared,
    told: mpsc::Sender<String>,
    waiting: Vec<(u64, Article, Vec<String>)>,
    bytes: usize,
    line: u64,
    summary: Summary,
}

impl Load {
    async fn read(&mut self, mut body: BodyDataStream) -> Result<(), Gone> {
        let longest = self.server.options.limits.line;
        let (mut part, mut too_long, mut last) = (Vec::new(), false, Instant::now());
        // At the end of the server what has come is stored, and the summary says that there was more.
        while !self.server.guard.ending.load(Ordering::Relaxed) {
            let chunk = match tokio::time::timeout(PAUSE, body.next()).await {
                Ok(chunk) => chunk,
                Err(_) if last.elapsed() > self.server.options.limits.request => {
                    self.tell_error(None, "nothing came for too long: the rest was not read".to_owned()).await?;
                    break;
                }
                Err(_) => {
                    self.store().await?;
                    continue;
                }
            };
            last = Instant::now();
            let chunk = match chunk {
                None => {
                    if !part.is_empty() || too_long {
                        self.line(&std::mem::take(&mut part), too_long).await?;
                    }
                    self.summary.complete = true;
                    break;
                }
                Some(Ok(chunk)) => chunk,
                Some(Err(_)) => break,
            };
            let mut lines = chunk.split_inclusive(|byte| *byte == b'\n');
            for piece in lines.by_ref() {
                let (piece, whole) = piece.strip_suffix(b"\n").map_or((piece, false), |piece| (piece, true));
                too_long |= part.len() + piece.len() > longest;
                if too_long {
                    part.clear();
                } else {
                    part.extend_from_slice(piece);
                }
                if whole {
                    self.line(&std::mem::take(&mut part), std::mem::take(&mut too_long)).await?;
                }
            }
        }
        self.store().await?;
        if !self.summary.complete && self.server.guard.ending.load(Ordering::Relaxed) {
            self.tell_error(None, "the server is ending: send the rest again, from this line on".to_owned()).await?;
        }
        let summary = serde_json::to_string(&self.summary).unwrap_or_default();
        self.tell(summary).await
    }

    async fn line(&mut self, bytes: &[u8], too_long: bool) -> Result<(), Gone> {
        self.line += 1;
        if bytes.trim_ascii().is_empty() && !too_long {
            return Ok(());
        }
        if too_long {
            let longest = self.server.options.limits.line;
            return self.tell_error(Some(self.line), format!("longer than {longest} bytes, the limit of a line")).await;
        }
        let understood = serde_json::from_slice::<wire::NewArticle>(bytes).map_err(|error| shortened(&error));
        match understood
            .and_then(|new| named(new, None, &self.server.options.limits).map_err(|problem| problem.message))
        {
            Ok((article, notes)) => {
                self.bytes += bytes.len();
                self.waiting.push((self.line, article, notes));
                if self.waiting.len() >= TOGETHER || self.bytes >= BYTES_TOGETHER { self.store().await } else { Ok(()) }
            }
            Err(error) => self.tell_error(Some(self.line), error).await,
        }
    }

    /// Stores what waits: together, or, where that is refused, one by one.
    async fn store(&mut self) -> Result<(), Gone> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let server = self.server.clone();
        let Ok(writer) = writer(&server) else { return Ok(()) };
        let articles = waiting.iter().map(|(_, article, _)| article.clone()).collect();
        match patiently(writer, articles).await {
            Ok(outcomes) => {
                for ((line, article, notes), outcome) in waiting.into_iter().zip(outcomes) {
                    self.tell_outcome(line, article.key, outcome, notes).await?;
                }
            }
            Err(_) => {
                for (line, article, notes) in waiting {
                    match patiently(writer, vec![article.clone()]).await {
                        Ok(outcomes) => {
                            let outcome = outcomes.first().copied().unwrap_or(Outcome::Unchanged);
                            self.tell_outcome(line, article.key, outcome, notes).await?;
                        }
                        Err(problem) => self.tell_error(Some(line), problem.message).await?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_outcome(&mut self, line: u64, id: String, outcome: Outcome, notes: Vec<String>) -> Result<(), Gone> {
        match outcome {
            Outcome::Added => self.summary.added += 1,
            Outcome::Changed => self.summary.changed += 1,
            _ => self.summary.unchanged += 1,
        }
        let line = Line { line, id: Some(id), outcome: Some(outcome), error: None, notes };
        self.tell(serde_json::to_string(&line).unwrap_or_default()).await
    }

    async fn tell_error(&mut self, line: Option<u64>, error: String) -> Result<(), Gone> {
        self.summary.failed += u64::from(line.is_some());
        let line = Line {
            line: line.unwrap_or(self.line + 1),
            id: None,
            outcome: None,
            error: Some(error),
            notes: Vec::new(),
        };
        self.tell(serde_json::to_string(&line).unwrap_or_default()).await
    }

    async fn tell(&mut self, line: String) -> Result<(), Gone> {
        self.told.send(line + "\n").await.map_err(|_| Gone)
    }
}

/// Puts articles, and waits where the line is full: nothing more is read meanwhile.
async fn patiently(writer: &Writer, articles: Vec<Article>) -> Result<Vec<Outcome>, Problem> {
    loop {
        match writer.put(articles.clone()).await {
            Err(problem) if problem.status == axum::http::StatusCode::TOO_MANY_REQUESTS => {
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
