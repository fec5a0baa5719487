//! Connections: who is let in, how long silence is waited for, and how they end.
//!
//! Every connection is a small task. One that says nothing has no buffers; one that is silent for longer than
//! [`Limits::head`](super::options::Limits::head), at its beginning or between two requests, is closed, and so is one whose head of
//! a request takes as long: hyper's `header_read_timeout` runs from the moment at which a head may come. What is beyond the limit of
//! connections is told so and closed: left in the system's backlog, it would wait without knowing for what.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tower::ServiceExt;

use super::options::Limits;

/// Bytes of the head of a request, and of what is read and written at a time.
const BUFFER: usize = 64 << 10;

/// Lines of the head of a request.
const HEADERS: usize = 64;

/// Connections that the system keeps until they are accepted, where it allows as many.
const BACKLOG: u32 = 4_096;

/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that is closed is still listened to when nothing comes.
const LINGER: Duration = Duration::from_millis(250);

/// Open files beside connections: the store, its views, the log.
const OTHER_FILES: u64 = 512;

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 92\r\n\r\n\
{\"error\":{\"code\":\"unavailable\",\"message\":\"too many connections are open: come again later\"}}";

/// Places for connections.
#[derive(Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    /// So many.
    pub fn new(all: usize) -> Self {
        let all = all.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(all)), all }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.all - self.free.available_permits()
    }

    /// Waits until none is.
    async fn emptied(&self) {
        // It is never closed.
        let _ = self.free.acquire_many(self.all as u32).await;
    }
}

/// As many connections as the system lets this process open, having asked it for as many as are wanted.
pub fn affordable(wanted: usize) -> usize {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let needed = wanted as u64 + OTHER_FILES;
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
        if soft >= needed || setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard).is_ok() && hard >= needed {
            return wanted;
        }
        let open = getrlimit(Resource::RLIMIT_NOFILE).map_or(soft, |(soft, _)| soft);
        let affordable = open.saturating_sub(OTHER_FILES).max(open / 2) as usize;
        tracing::warn!(
            wanted,
            affordable,
            open_files = open,
            "the system's limit of open files allows fewer connections"
        );
        affordable
    }
    #[cfg(not(unix))]
    wanted
}

/// Listens at an address.
///
/// # Errors
/// When it is taken, or not of this machine.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or the address of a server that has just ended is taken for a minute.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers connections until `stop` comes; then lets requests that are begun finish, for [`Limits::grace`] at most.
pub async fn answer(
    listener: TcpListener,
    router: Router,
    places: &Places,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(BUFFER).max_headers(HEADERS);
    let (end, ending) = watch::channel(false);
    let let_in = |stream| match places.free.clone().try_acquire_owned() {
        Ok(place) => {
            let connection = Connection { http: http.clone(), router: router.clone(), ending: ending.clone() };
            tokio::spawn(connection.converse(stream, *limits, place));
        }
        Err(_) => turn_away(stream),
    };
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) if is_of_the_other_side(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted for the moment");
                sleep(PAUSE).await;
                continue;
            }
        };
        let_in(stream);
    }
    // Whoever had connected by then is answered, too.
    while let Some(Ok((stream, _))) = listener.accept().now_or_never() {
        let_in(stream);
    }
    drop(listener);
    // Nobody may be listening.
    let _ = end.send(true);
    if timeout(limits.grace, places.emptied()).await.is_err() {
        tracing::warn!(
            connections = places.taken(),
            "requests were cut off: they took longer than the grace at the end"
        );
    }
}

fn is_of_the_other_side(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Says that there is no place. Nothing is waited for: what does not go out at once does not go out.
fn turn_away(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    // What was sent and is not read would make the system take the answer back.
    let _ = stream.read(&mut [0; 4_096]);
    let _ = stream.write(FULL);
}

/// Comes when the server ends.
async fn ends(ending: &mut watch::Receiver<bool>) {
    // Where nobody is left to say it, it has ended.
    let _ = ending.wait_for(|ending| *ending).await;
}

struct Connection {
    http: http1::Builder,
    router: Router,
    ending: watch::Receiver<bool>,
}

impl Connection {
    async fn converse(mut self, stream: TcpStream, limits: Limits, _place: OwnedSemaphorePermit) {
        // A slow connection is better than none.
        let _ = stream.set_nodelay(true);
        // What was sent before the server ends is looked at before its end is.
        tokio::select! {
            biased;
            spoke = timeout(limits.head, stream.readable()) => match spoke {
                Ok(Ok(())) => {}
                _ => return,
            },
            () = ends(&mut self.ending) => return,
        }
        let router = self.router.map_request(|request: Request<Incoming>| request.map(Body::new));
        let io = TokioIo::new(Patient { stream, limits, timer: None, closed: None });
        let mut conversation = pin!(self.http.serve_connection(io, TowerToHyperService::new(router)));
        let over = tokio::select! {
            biased;
            over = conversation.as_mut() => over,
            () = ends(&mut self.ending) => {
                conversation.as_mut().graceful_shutdown();
                conversation.await
            }
        };
        if let Err(error) = over {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

/// A connection that waits for the other side, and not for ever: a side that does not read is left, and one that still sends when
/// it is answered (a body that is too large, say) is listened to for a while, or the system would take the answer back.
struct Patient {
    stream: TcpStream,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    /// When this side was closed.
    closed: Option<Instant>,
}

impl Patient {
    /// Ready when this was asked first as long ago as `patience`, with nothing done in between.
    fn poll_patience(&mut self, context: &mut Context<'_>, patience: Duration) -> Poll<()> {
        self.timer.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context)
    }

    /// What was written, or an error if nothing could be for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.timer = None;
            return result;
        }
        let patience = self.limits.request;
        self.poll_patience(context, patience).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = match self.closed {
            Some(closed) => closed,
            None => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
                self.timer = Some(Box::pin(sleep(LINGER)));
                *self.closed.insert(Instant::now())
            }
        };
        let mut rest = [0; 8_192];
        loop {
            let mut buffer = ReadBuf::new(&mut rest);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && closed.elapsed() < self.limits.head => {
                    if let Some(timer) = &mut self.timer {
                        timer.as_mut().reset(Instant::now() + LINGER);
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return self.poll_patience(context, LINGER).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_turned_away_gets_a_whole_answer() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["error"]["code"], "unavailable");
    }

    #[test]
    fn places_are_counted() {
        let places = Places::new(2);
        let taken = places.free.clone().try_acquire_owned().unwrap();
        assert_eq!(places.taken(), 1);
        drop(taken);
        assert_eq!(places.taken(), 0);
    }
}
