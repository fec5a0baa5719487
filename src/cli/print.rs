//! Answers on standard output: for people, and as JSON Lines for programs.

use std::io::Write;

use anstyle::Style;
use serde::Serialize;
use serde_json::json;

use super::CliError;
use crate::dedup::Known;
use crate::doctor::{Finding, Status};
use crate::embed::spec::{Head, Spec};
use crate::ingest::Summary;
use crate::kernels::Precision;
use crate::store::{ModelIdentity, Stats};
use crate::wire;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// What is known of copies, in words.
fn described(known: Known) -> String {
    let Known { counts, behind } = known;
    let lag = if behind > 0 { format!(", without {behind} articles that changed since") } else { String::new() };
    format!("{} articles are versions of an earlier one, in {} groups{lag}", counts.copies, counts.groups)
}

/// The state of a store, with its place, which is told on the machine itself alone.
#[derive(Serialize)]
struct Here {
    folder: String,
    #[serde(flatten)]
    status: wire::Status,
}

/// Standard output, without colours where it is no terminal or they are not wanted.
pub(super) struct Printer {
    out: std::io::BufWriter<anstream::AutoStream<std::io::Stdout>>,
    pub(super) json: bool,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { out: std::io::BufWriter::new(anstream::stdout()), json }
    }

    pub(super) fn line(&mut self, line: &str) -> Result<(), CliError> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// An object on a line of its own.
    pub(super) fn object(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let line = serde_json::to_string(value).map_err(std::io::Error::from)?;
        self.line(&line)
    }

    /// Text of several lines.
    pub(super) fn text(&mut self, text: &str) -> Result<(), CliError> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// What was printed so far is seen now.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }

    /// To be called last: says whether all could be written.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }

    /// Names of fields, with the numbers of articles that have them.
    pub(super) fn label_names(&mut self, names: &[(String, u64)]) -> Result<(), CliError> {
        if self.json {
            return names.iter().try_for_each(|name| self.object(&wire::LabelName::from(name)));
        }
        names.iter().try_for_each(|(name, articles)| self.line(&format!("{articles:>8}  {}", one_line(name))))
    }

    /// Values of a field, with the numbers of articles that have them; under its name where it is one of several.
    pub(super) fn facets(&mut self, name: &str, values: &[(String, u64)], several: bool) -> Result<(), CliError> {
        if self.json {
            return wire::Facet::of(name, values).iter().try_for_each(|facet| self.object(facet));
        }
        if several {
            self.line(&format!("{BOLD}{}{BOLD:#}", one_line(name)))?;
        }
        values.iter().try_for_each(|(value, articles)| self.line(&format!("{articles:>8}  {}", one_line(value))))
    }

    /// What a doctor found, with what to do below it.
    pub(super) fn finding(&mut self, finding: &Finding) -> Result<(), CliError> {
        if self.json {
            return self.object(finding);
        }
        let status = match finding.status {
            Status::Ok => "ok",
            Status::Advice => "advice",
            Status::Wrong => "WRONG",
        };
        self.line(&format!("{status:<7}{}", finding.check))?;
        let advice = finding.advice.iter().map(|advice| format!("{BOLD}{}{BOLD:#}", one_line(advice)));
        let seen = finding.seen.iter().map(|seen| one_line(seen));
        seen.chain(advice).try_for_each(|line| self.line(&format!("         {line}")))
    }

    pub(super) fn summary(&mut self, summary: &Summary, store: &Stats) -> Result<(), CliError> {
        if self.json {
            return self.object(&json!({ "run": summary, "store": wire::Stats::from(store) }));
        }
        let per_second = |count: u64| count as f64 / summary.seconds.max(1e-9);
        self.line(&format!(
            "{} added, {} changed, {} unchanged, {} skipped, {} ignored in {:.1} s",
            summary.added, summary.changed, summary.unchanged, summary.skipped, summary.ignored, summary.seconds
        ))?;
        if summary.embedded > 0 {
            self.line(&format!(
                "{} passages, {} of them embedded: {:.1} articles/s, {:.1} passages/s, {:.0} tokens/s",
                summary.passages,
                summary.embedded,
                per_second(summary.added + summary.changed),
                per_second(summary.passages),
                per_second(summary.tokens)
            ))?;
        }
        if summary.from_cache > 0 {
            self.line(&format!(
                "{} texts were embedded before: their vectors came from the cache",
                summary.from_cache
            ))?;
        }
        if summary.dropped_tokens > 0 {
            self.line(&format!(
                "{} tokens were beyond the model's limit and are not in any vector",
                summary.dropped_tokens
            ))?;
        }
        self.line(&format!("the store holds {} articles in {} passages", store.articles, store.passages))
    }

    pub(super) fn status(
        &mut self,
        folder: &std::path::Path,
        model: &ModelIdentity,
        stats: &Stats,
        copies: Option<Known>,
    ) -> Result<(), CliError> {
        if self.json {
            let status = wire::Status::new(model, stats, copies);
            return self.object(&Here { folder: folder.display().to_string(), status });
        }
        let languages: Vec<String> =
            stats.languages.iter().map(|(language, count)| format!("{language} {count}")).collect();
        let days = match (&stats.first_day, &stats.last_day) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "none".to_owned(),
        };
        for (name, value) in [
            ("store", folder.display().to_string()),
            ("model", format!("{} (revision {}, {} components)", model.id, model.revision, model.dims)),
            ("articles", format!("{} ({} without a date)", stats.articles, stats.undated)),
            ("identical", format!("{} articles read like an earlier one", stats.identical)),
            ("copies", copies.map_or_else(|| "not looked for yet: run `voisin duplicates`".to_owned(), described)),
            ("dates", days),
            ("languages", languages.join(", ")),
            ("passages", format!("{} ({} different texts)", stats.passages, stats.vectors)),
            ("tokens", stats.tokens.to_string()),
            (
                "text",
                format!("{} characters, {} of them page furniture", stats.characters, stats.boilerplate_characters),
            ),
            ("size", format!("{:.1} MB on disk", stats.bytes as f64 / 1e6)),
        ] {
            self.line(&format!("{BOLD}{name:<10}{BOLD:#} {value}"))?;
        }
        Ok(())
    }

    /// A model: one that makes vectors, or a cross-encoder with its head.
    pub(super) fn model(&mut self, spec: &Spec, head: Option<&Head>, precision: Precision) -> Result<(), CliError> {
        let limit = (spec.max_tokens < usize::MAX).then_some(spec.max_tokens);
        let prompt = |prompt: &Option<String>| prompt.as_ref().map_or("none".to_owned(), |text| format!("{text:?}"));
        if self.json {
            return self.object(&json!({
                "id": spec.id,
                "commit": spec.commit,
                "revision": spec.revision,
                "family": spec.family.name(),
                "layers": spec.layers,
                "heads": spec.heads,
                "hidden": spec.hidden,
                "intermediate": spec.intermediate,
                "causal": spec.rotary.as_ref().is_some_and(|rotary| rotary.causal),
                "key_value_heads": spec.rotary.as_ref().map_or(spec.heads, |rotary| rotary.key_value_heads),
                "reach": spec.rotary.as_ref().map(|r| r.views.iter().map(|view| view.reach).collect::<Vec<_>>()),
                "vocabulary": spec.vocabulary,
                "pooling": spec.pooling.name(),
                "dense": spec.dense.iter().map(|dense| dense.rows).collect::<Vec<_>>(),
                "dims": head.is_none().then_some(spec.dims),
                "full_dims": head.is_none().then_some(spec.full_dims),
                "normalise": spec.normalise,
                "labels": head.map(|head| head.scoring.labels()),
                "scoring": head.map(|head| head.scoring.name()),
                "precision": precision.name(),
                "max_tokens": limit,
                "prompts": { "query": spec.prompts.query, "passage": spec.prompts.passage },
            }));
        }
        let mut rows = vec![
            ("model", spec.id.clone()),
            ("revision", spec.revision.clone()),
            ("commit", spec.commit.clone().unwrap_or_else(|| "none: not from the hub".to_owned())),
            ("family", family(spec)),
            ("attention", attention(spec)),
            ("pooling", pooling(spec)),
            head.map_or_else(|| ("vectors", vectors(spec)), |head| ("scores", scores(head))),
            ("precision", precision.name().to_owned()),
            ("vocabulary", format!("{} tokens", spec.vocabulary)),
            ("limit", limit.map_or("none".to_owned(), |limit| format!("{limit} tokens"))),
        ];
        if head.is_none() {
            let prompts = &spec.prompts;
            rows.push(("prompts", format!("query {}, passage {}", prompt(&prompts.query), prompt(&prompts.passage))));
        }
        for (name, value) in rows {
            self.line(&format!("{BOLD}{name:<10}{BOLD:#} {value}"))?;
        }
        Ok(())
    }
}

fn family(spec: &Spec) -> String {
    let name = spec.family.name();
    match spec.layers {
        0 => format!("{name} of {} components", spec.hidden),
        layers => format!("{name}, {layers} layers of {} components, feed-forward {}", spec.hidden, spec.intermediate),
    }
}

/// What a token sees, and by how many heads.
fn attention(spec: &Spec) -> String {
    let heads = format!("{} heads", spec.heads);
    let Some(rotary) = &spec.rotary else {
        return if spec.heads == 0 { "none".to_owned() } else { format!("both ways, {heads}") };
    };
    let mut text = format!("{}, {heads}", if rotary.causal { "causal" } else { "both ways" });
    if rotary.key_value_heads < spec.heads {
        text.push_str(&format!(" over {} of keys and values", rotary.key_value_heads));
    }
    let near: Vec<usize> = rotary.views.iter().filter_map(|view| view.reach).collect();
    if let Some(reach) = near.first() {
        text.push_str(&format!(", within {reach} tokens in {} layers of {}", near.len(), spec.layers));
    }
    text
}

/// What a cross-encoder gives for a pair.
fn scores(head: &Head) -> String {
    let labels = head.scoring.labels();
    format!("cross-encoder, {labels} {}, {}", if labels == 1 { "label" } else { "labels" }, head.scoring.name())
}

fn pooling(spec: &Spec) -> String {
    let mut text = spec.pooling.name().to_owned();
    for dense in &spec.dense {
        text.push_str(&format!(", then a linear layer to {}", dense.rows));
    }
    text
}

fn vectors(spec: &Spec) -> String {
    let kept = if spec.dims < spec.full_dims { format!(", the first of {}", spec.full_dims) } else { String::new() };
    format!("{} components{kept}, {}", spec.dims, if spec.normalise { "unit length" } else { "as they come" })
}

/// A text on one line, without the control characters by which it could speak to the terminal.
pub(super) fn one_line(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control() && !c.is_whitespace(), "");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
