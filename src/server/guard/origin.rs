//! Requests that another site makes a visitor's browser send.
//!
//! What changes something has to come from our own page, or from a program: browsers say where a request comes from. And where no
//! key is needed, because this machine alone can connect, a name that an attacker has pointed at this machine (DNS rebinding)
//! would make the attacker's page our own: so the name has to be one of this machine.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::server::problem::Problem;
use crate::server::state::Shared;

/// Where a browser says that a request comes from.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) async fn origin(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let open = !server.guard.asks_for_keys();
    match refused(&request, open.then_some(server.options.listen)) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Why a request is refused, if it is; `open` is where a server listens that asks for no keys.
fn refused(request: &Request, open: Option<SocketAddr>) -> Option<Problem> {
    let host = host(request);
    // Beyond the loopback address, whoever runs it has said twice that everyone may come in.
    if let Some(listen) = open.filter(|listen| listen.ip().is_loopback())
        && names_a_host(request)
        && !host.as_ref().is_some_and(|host| is_here(host, listen.ip()))
    {
        let message = "this server answers under localhost and its own address alone, as long as it asks for no keys: see `voisin keys`";
        return Some(Problem::forbidden(message));
    }
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return None;
    }
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let elsewhere = header(SITE) == Some("cross-site")
        || header(header::ORIGIN).is_some_and(|origin| !host.is_some_and(|host| is_same(origin, &host)));
    elsewhere.then(|| Problem::forbidden("another site made this browser ask: that is not answered here"))
}

/// Whether it says whom it asks, as every browser does.
fn names_a_host(request: &Request) -> bool {
    request.uri().authority().is_some() || request.headers().contains_key(header::HOST)
}

/// The name and port that were asked for.
fn host(request: &Request) -> Option<Authority> {
    let of_header = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(of_header)
}

/// Whether a name or address is one of this machine alone.
fn is_here(host: &Authority, listen: IpAddr) -> bool {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
    name == "localhost" || address.is_some_and(|address| address.is_loopback() || address == listen)
}

/// Whether an origin is that of a host. The scheme does not count: a proxy may have taken TLS off.
fn is_same(origin: &str, host: &Authority) -> bool {
    let Some((scheme, origin)) = origin.split_once("://") else { return false };
    let Ok(origin) = origin.parse::<Authority>() else { return false };
    let usual = if scheme == "https" { 443 } else { 80 };
    origin.host().eq_ignore_ascii_case(host.host())
        && origin.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;

    use super::*;

    fn request(method: Method, headers: &[(&str, &str)]) -> Request {
        let builder = Request::builder().method(method).uri("/v1/search");
        headers
            .iter()
            .fold(builder, |builder, (name, value)| builder.header(*name, *value))
            .body(Body::empty())
            .unwrap()
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_keys() {
        let listen = |text: &str| Some(text.parse().unwrap());
        let answered = |host: &str, open| refused(&request(Method::GET, &[("host", host)]), open).is_none();
        for host in ["localhost", "localhost:8080", "LocalHost.:1", "127.0.0.1:8080", "127.8.9.1", "[::1]:8080"] {
            assert!(answered(host, listen("127.0.0.1:8080")), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8080", "192.168.1.5", "127.0.0.1.evil.example", "", "a b"]
        {
            assert!(!answered(host, listen("127.0.0.1:8080")), "{host}");
            assert!(answered(host, None), "with keys: {host}");
            assert!(answered(host, listen("0.0.0.0:8080")), "told twice: {host}");
        }
        let evil = refused(&request(Method::GET, &[("host", "evil.example")]), listen("127.0.0.1:1")).unwrap();
        assert_eq!(evil.status, StatusCode::FORBIDDEN);
        assert!(refused(&request(Method::GET, &[]), listen("127.0.0.1:1")).is_none(), "no browser");
    }

    #[test]
    fn other_sites_change_nothing() {
        let answered = |method: Method, headers: &[(&str, &str)]| {
            let headers = [&[("host", "search.example:8080")], headers].concat();
            refused(&request(method, &headers), None).is_none()
        };
        assert!(answered(Method::POST, &[]), "programs say nothing of this");
        assert!(answered(Method::POST, &[("origin", "http://search.example:8080"), ("sec-fetch-site", "same-origin")]));
        for headers in [
            [("sec-fetch-site", "cross-site")],
            [("origin", "http://search.example")],
            [("origin", "http://evil.example:8080")],
            [("origin", "null")],
            [("origin", "é")],
        ] {
            assert!(!answered(Method::POST, &headers) && !answered(Method::DELETE, &headers), "{headers:?}");
            assert!(answered(Method::GET, &headers), "{headers:?}");
        }
        let behind_tls = [("host", "search.example"), ("origin", "https://search.example")];
        assert_eq!(refused(&request(Method::POST, &behind_tls), None), None);
    }
}
