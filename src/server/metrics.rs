//! The server in numbers, for Prometheus: `GET /metrics`, in the text format of OpenMetrics.
//!
//! What happens request by request is counted as it happens; the rest is looked up when somebody asks. Labels are methods, statuses
//! and templates of routes: there are as many series as routes, whatever is asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::state::State;

/// What `Content-Type` says of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of times, in seconds: from a vector out of an idle model to the limit of a request.
const BUCKETS: [f64; 15] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

/// Numbers that are counted as things happen.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    left: Family<Route, Counter>,
    seconds: Family<Route, Histogram>,
    in_flight: Gauge,
}

impl Metrics {
    /// All at nought.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("voisin");
        let requests = Family::default();
        registry.register(
            "requests",
            "Requests that were answered; 429 are those that found a line full",
            requests.clone(),
        );
        let left = Family::default();
        registry.register("requests_left", "Requests that nobody waited for any more", left.clone());
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let help = "Time from the head of a request to that of its answer";
        registry.register_with_unit("request", help, Unit::Seconds, seconds.clone());
        let in_flight = Gauge::default();
        registry.register("requests_in_flight", "Requests that are being answered", in_flight.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("arch", std::env::consts::ARCH)]);
        registry.register("build", "This program", build);
        Self { registry, requests, left, seconds, in_flight }
    }

    /// Counts an answer.
    pub fn answered(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.requests.get_or_create(&Answered { method: method.clone(), route: route.clone(), status }).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(seconds);
    }

    /// Counts a request that nobody waits for any more.
    pub fn left(&self, method: &str, route: &str) {
        self.left.get_or_create(&Route { method: method.to_owned(), route: route.to_owned() }).inc();
    }

    /// Counts requests that are being answered.
    pub fn in_flight(&self, more: i64) {
        self.in_flight.inc_by(more);
    }

    /// All numbers as text, with those of the server as they are now, and of its store if they could be had.
    pub fn text(&self, server: &State, store: Option<Stored>) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &now(server, store))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Numbers of the store.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Articles in it.
    pub articles: u64,
    /// Changes that searches do not see yet.
    pub unseen: i64,
    /// Articles that were changed since copies were last looked for, where that was ever done.
    pub uncompared: Option<usize>,
}

/// What can be looked up.
fn now(server: &State, store: Option<Stored>) -> Registry {
    let mut registry = Registry::with_prefix("voisin");
    let mut add = |name: &str, help: &str, unit: Option<Unit>, metric: Box<dyn Metric>| match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, Boxed(metric)),
        None => registry.register(name, help, Boxed(metric)),
    };
    let gauge = |value: usize| -> Box<dyn Metric> { Box::new(ConstGauge::new(value as i64)) };
    let counter = |count: &AtomicU64| -> Box<dyn Metric> { Box::new(ConstCounter::new(count.load(Ordering::Relaxed))) };

    add("connections", "Open connections", None, gauge(server.guard.places.taken()));
    let (texts, tokens) = server.embeddings.waiting();
    add("waiting_texts", "Texts that wait for the model", None, gauge(texts));
    add("waiting_tokens", "Tokens that wait for the model", None, gauge(tokens));
    add("waiting_searches", "Searches that wait for a thread", None, gauge(server.readers.waiting()));
    let counts = server.embeddings.counts();
    add("passes", "Passes through the model", None, counter(&counts.passes));
    add("embedded_texts", "Texts that went through the model", None, counter(&counts.texts));
    add("embedded_tokens", "Tokens that went through the model", None, counter(&counts.tokens));
    let busy = counts.busy_micros.load(Ordering::Relaxed) as f64 / 1e6;
    let help = "Time that passes took, summed over threads";
    add("passes_busy", help, Some(Unit::Seconds), Box::new(ConstCounter::new(busy)));
    if let Some(stored) = store {
        add("articles", "Articles in the store", None, gauge(stored.articles as usize));
        add(
            "unseen_changes",
            "Changes of the store that searches do not see yet",
            None,
            gauge(stored.unseen.max(0) as usize),
        );
        if let Some(articles) = stored.uncompared {
            add("uncompared_articles", "Articles that were not compared with the others yet", None, gauge(articles));
        }
    }
    let uptime = server.started.elapsed().as_secs_f64();
    add("uptime", "Time since the start", Some(Unit::Seconds), Box::new(ConstGauge::new(uptime)));
    if let Some(bytes) = resident() {
        add("resident", "Memory that is really held", Some(Unit::Bytes), gauge(bytes as usize));
    }
    registry
}

/// A metric of any kind.
#[derive(Debug)]
struct Boxed(Box<dyn Metric>);

impl EncodeMetric for Boxed {
    fn encode(&self, encoder: prometheus_client::encoding::MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> prometheus_client::metrics::MetricType {
        self.0.metric_type()
    }
}

/// Bytes of memory that this process really holds, mapped files included as far as they are in memory.
fn resident() -> Option<u64> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let this = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[this]), false, what);
    system.process(this).map(sysinfo::Process::memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::new();
        metrics.in_flight(2);
        metrics.answered("GET", "/v1/articles/{id}", 200, 0.003);
        metrics.answered("GET", "/v1/articles/{id}", 200, 40.0);
        metrics.answered("GET", "/v1/articles/{id}", 404, 0.0001);
        metrics.left("POST", "/v1/search");
        let mut text = String::new();
        encode_registry(&mut text, &metrics.registry).unwrap();
        for line in [
            "voisin_requests_total{method=\"GET\",route=\"/v1/articles/{id}\",status=\"200\"} 2",
            "voisin_requests_total{method=\"GET\",route=\"/v1/articles/{id}\",status=\"404\"} 1",
            "voisin_request_seconds_bucket{le=\"0.005\",method=\"GET\",route=\"/v1/articles/{id}\"} 2",
            "voisin_request_seconds_bucket{le=\"+Inf\",method=\"GET\",route=\"/v1/articles/{id}\"} 3",
            "voisin_requests_left_total{method=\"POST\",route=\"/v1/search\"} 1",
            "voisin_requests_in_flight 2",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn this_process_holds_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
    }
}
