//! Texts to vectors.

use std::time::{Duration, Instant};

use ndarray::ArrayView1;

use super::machine::{Machine, Watch, ceiling, peak_memory};
use super::stats::Sample;
use super::workload::{Mix, mixes};
use super::{BenchError, Report};
use crate::embed::batch::{TOKENS_PER_PASS, share};
use crate::embed::precision::Wanted;
use crate::embed::source::ModelRef;
use crate::embed::spec::{Role, Spec};
use crate::embed::tokenize::Tokens;
use crate::embed::{Embedder, Passage, Query, QueryEmbedder};
use crate::engine::{self, Options};
use crate::kernels::Precision;
use crate::types::Article;

/// Rounds of every throughput, and the fewest, where a model is so slow that they would take too long.
const ROUNDS: (u32, u32) = (7, 3);

/// Passes that each thread should run in a round: it may wait for the others during one.
const PASSES: usize = 6;

/// Times that the model is loaded.
const LOADS: usize = 3;

/// Single texts whose latency is taken, at least.
const SINGLES: usize = 20;

/// How long the peak of the arithmetic is looked for, in all.
const PEAK: Duration = Duration::from_secs(2);

/// What to run.
pub struct Settings<'a> {
    /// The model.
    pub model: &'a ModelRef,
    /// How it is loaded.
    pub options: &'a Options,
    /// Threads that embed.
    pub threads: usize,
    /// Time to measure for.
    pub time: Duration,
    /// Articles that texts are taken from, and where those are from.
    pub articles: (&'a [Article], String),
}

/// Throughput on one thread and on all, end to end from text to vector; latency of single texts; loading; memory; and all of
/// it against the peak of the same instructions.
///
/// Texts are tokenised and then embedded, both on all threads, as [`Embedder::embed_passages`] does.
///
/// # Errors
/// When there is no text, or the model fails.
pub fn embed(settings: &Settings<'_>) -> Result<Report, BenchError> {
    let isa = settings.options.isa;
    let mut loads = Sample::default();
    for _ in 1..LOADS {
        timed(&mut loads, || engine::load_model(settings.model, settings.options))?;
    }
    let (embedder, identity) = timed(&mut loads, || engine::load_model(settings.model, settings.options))?;
    let (articles, from) = &settings.articles;
    let mixes = mixes(articles, from, &embedder)?;
    let spec = embedder.spec();
    let mut report = Report::new(
        "embed",
        Machine::this(isa),
        &[
            ("model", identity.id),
            ("revision", identity.revision),
            ("layers", format!("{} of {} components", spec.layers, spec.hidden)),
            ("precision", embedder.precision().name().to_owned()),
            ("threads", settings.threads.to_string()),
            ("texts", from.clone()),
        ],
    );

    let threads = if settings.threads == 1 { vec![1] } else { vec![1, settings.threads] };
    // A quarter of the time goes to single texts.
    let slot = settings.time.mul_f64(0.75) / (ROUNDS.0 * (mixes.len() * threads.len()) as u32);
    let least = (PASSES * TOKENS_PER_PASS) as f64;
    let speeds = mixes.iter().map(|mix| warm_up(mix, &embedder, slot)).collect::<Result<Vec<f64>, _>>()?;
    let slowest = speeds.iter().copied().fold(f64::INFINITY, f64::min);
    let wanted = slot.as_secs_f64() * slowest / least * f64::from(ROUNDS.0);
    let rounds = (wanted as u32).clamp(ROUNDS.1, ROUNDS.0);
    let loads_of: Vec<Vec<Load>> = mixes
        .iter()
        .zip(&speeds)
        .map(|(mix, speed)| {
            let tokens = slot.as_secs_f64() * speed * f64::from(ROUNDS.0) / f64::from(rounds);
            threads.iter().map(|&threads| Load::new(mix, tokens * threads as f64)).collect()
        })
        .collect();
    if wanted < f64::from(ROUNDS.1) && settings.threads > 1 {
        report.notes.push(format!(
            "rounds are so short that {} threads cannot share them evenly, and look slower than they are: give more --seconds",
            settings.threads
        ));
    }
    let peak_time = PEAK / (rounds * threads.len() as u32);
    let mut peaks = vec![0.0f64; threads.len()];
    let mut results: Vec<Vec<Throughput>> =
        mixes.iter().map(|_| threads.iter().map(|_| Throughput::default()).collect()).collect();
    let watch = Watch::start();
    for _ in 0..rounds {
        for (peak, &threads) in peaks.iter_mut().zip(&threads) {
            *peak = peak.max(ceiling(isa, embedder.precision(), threads, peak_time));
        }
        for (at, mix) in mixes.iter().enumerate() {
            for (&threads, (load, result)) in threads.iter().zip(loads_of[at].iter().zip(&mut results[at])) {
                result.round(mix, load, &embedder, threads)?;
            }
        }
    }
    report.note_others(&watch);

    for ((mix, results), loads) in mixes.iter().zip(&results).zip(&loads_of) {
        let group = mix.name;
        let (one, all) = (&results[0], &results[results.len() - 1]);
        report.add("different texts", group, "", loads[loads.len() - 1].0.len().min(mix.texts.len()) as f64);
        report.add("length, mean", group, "tokens", all.tokens / all.texts);
        for (&threads, (result, peak)) in threads.iter().zip(results.iter().zip(&peaks)) {
            let name = |what: &str| on_threads(what, threads);
            let text = result.bytes / 1e6;
            report.add_rounds(&name("tokens"), group, "tokens/s", &result.rate(result.tokens));
            report.add_rounds(&name("texts"), group, "texts/s", &result.rate(result.texts));
            report.add_rounds(&name("text"), group, "MB/s", &result.rate(text));
            if threads > 1 {
                let (cores, each) = (threads as f64, format!("of {threads}"));
                report.add_rounds(
                    &format!("tokens, a thread {each}"),
                    group,
                    "tokens/s",
                    &result.rate(result.tokens / cores),
                );
                report.add_rounds(&format!("text, a thread {each}"), group, "MB/s", &result.rate(text / cores));
            }
            let operations = result.lengths.iter().map(|&length| operations(spec, length)).sum::<f64>();
            report.add_rounds(&name("share of the peak"), group, "%", &result.rate(100.0 * operations / peak));
        }
        report.add("tokenising, share of 1 thread", group, "%", 100.0 * one.tokenising.total() / one.seconds.total());
        let singles = singles(mix, &embedder, settings.time.mul_f64(0.25) / mixes.len() as u32)?;
        report.add("one text alone, p50", group, "ms", singles.percentile(0.5));
        report.add_p99("one text alone, p99", group, "ms", &singles);
    }
    report.add_rounds("loading the model", "process", "ms", &loads);
    if let Some(bytes) = peak_memory() {
        report.add("memory, most", "process", "MB", bytes as f64 / 1e6);
    }
    for (&threads, peak) in threads.iter().zip(&peaks) {
        report.add(&on_threads("peak", threads), "process", "Gop/s", peak / 1e9);
    }
    if embedder.precision() != Precision::F32 {
        let exact = Options { precision: Wanted::Exactly(Precision::F32), ..*settings.options };
        let (exact, _) = engine::load_model(settings.model, &exact)?;
        for mix in &mixes {
            let time = settings.time / (2 * mixes.len()) as u32;
            let distances = distances(mix, &embedder, &exact, settings.threads, time)?;
            report.add("compared with f32", mix.name, "texts", distances.len() as f64);
            report.add("1 - cosine to f32, mean", mix.name, "", distances.total() / distances.len() as f64);
            report.add("1 - cosine to f32, most", mix.name, "", distances.percentile(1.0));
        }
    }
    report.note_noise();
    report.notes.push(format!("{rounds} rounds"));
    Ok(report)
}

/// The name of what was measured on so many threads.
fn on_threads(what: &str, threads: usize) -> String {
    format!("{what}, {threads} {}", if threads == 1 { "thread" } else { "threads" })
}

/// Runs `work` and adds its milliseconds.
fn timed<T, E>(times: &mut Sample, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let start = Instant::now();
    let result = work()?;
    times.push_ms(start.elapsed());
    Ok(result)
}

/// How far the vectors of a mix are from those of `exact`, one a text, for some time: 1 less the cosine.
fn distances(
    mix: &Mix,
    embedder: &Embedder,
    exact: &Embedder,
    threads: usize,
    time: Duration,
) -> Result<Sample, BenchError> {
    let dot = |a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let (start, mut distances) = (Instant::now(), Sample::default());
    for texts in mix.texts.chunks(32 * threads) {
        let tokens = share(texts, threads, |text| mix.tokens(embedder, text))?;
        let (ours, exact) = (embedder.embed_all(&tokens, threads)?, exact.embed_all(&tokens, threads)?);
        for (a, b) in ours.rows().into_iter().zip(exact.rows()) {
            distances.push(1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt());
        }
        if start.elapsed() >= time {
            break;
        }
    }
    Ok(distances)
}

/// Embeds texts of a mix on one thread for a while; returns the tokens of a second.
fn warm_up(mix: &Mix, embedder: &Embedder, time: Duration) -> Result<f64, BenchError> {
    let start = Instant::now();
    let mut tokens = 0;
    for texts in mix.texts.chunks(8).cycle() {
        let texts = texts.iter().map(|text| mix.tokens(embedder, text)).collect::<Result<Vec<Tokens>, _>>()?;
        embedder.embed_all(&texts, 1)?;
        tokens += texts.iter().map(|text| text.ids.len()).sum::<usize>();
        if start.elapsed() >= time {
            break;
        }
    }
    Ok(tokens as f64 / start.elapsed().as_secs_f64())
}

/// The texts of one round.
struct Load<'a>(Vec<&'a str>);

impl<'a> Load<'a> {
    /// About so many tokens, judged by the letters; the texts of the mix again and again where they are fewer.
    fn new(mix: &'a Mix, tokens: f64) -> Self {
        const BYTES_PER_TOKEN: f64 = 4.2;
        let mut left = tokens * BYTES_PER_TOKEN;
        let texts = mix.texts.iter().map(String::as_str).cycle().take_while(|text| {
            let more = left > 0.0;
            left -= text.len() as f64;
            more
        });
        Self(texts.collect())
    }
}

/// The rounds of one mix on so many threads.
#[derive(Default)]
struct Throughput {
    seconds: Sample,
    tokenising: Sample,
    /// Of one round.
    tokens: f64,
    texts: f64,
    bytes: f64,
    lengths: Vec<usize>,
}

impl Throughput {
    fn round(&mut self, mix: &Mix, load: &Load<'_>, embedder: &Embedder, threads: usize) -> Result<(), BenchError> {
        let start = Instant::now();
        let tokens = share(&load.0, threads, |text| mix.tokens(embedder, text))?;
        let tokenised = start.elapsed().as_secs_f64();
        std::hint::black_box(embedder.embed_all(&tokens, threads)?);
        self.seconds.push(start.elapsed().as_secs_f64());
        self.tokenising.push(tokenised);
        self.lengths = tokens.iter().map(|text| text.ids.len()).collect();
        self.tokens = self.lengths.iter().sum::<usize>() as f64;
        self.texts = load.0.len() as f64;
        self.bytes = load.0.iter().map(|text| text.len()).sum::<usize>() as f64;
        Ok(())
    }

    /// `amount` of each round, a second.
    fn rate(&self, amount: f64) -> Sample {
        self.seconds.values().iter().map(|seconds| amount / seconds).collect()
    }
}

/// Milliseconds of one text after the other, from text to vector, on this thread.
fn singles(mix: &Mix, embedder: &Embedder, time: Duration) -> Result<Sample, BenchError> {
    let mut times = Sample::default();
    let start = Instant::now();
    for text in mix.texts.iter().cycle() {
        timed(&mut times, || match mix.role {
            Role::Query => embedder.embed_query(Query(text)).map(drop),
            Role::Passage => embedder.embed_passages(&[Passage(text)], 1).map(drop),
        })?;
        if start.elapsed() >= time && times.len() >= SINGLES {
            break;
        }
    }
    Ok(times)
}

/// Floating-point operations of the products of a text's forward pass: two for a multiply-add. The linear layers of
/// attention and feed-forward, and the two products of attention with what a token may see; all else is small beside them.
pub fn operations(spec: &Spec, tokens: usize) -> f64 {
    let (hidden, inner) = (spec.hidden as f64, spec.intermediate as f64);
    let (queries, keys, feed_forward) = match &spec.rotary {
        None => (hidden, hidden, 2.0 * hidden * inner),
        // Gated: three layers.
        Some(rotary) => {
            let width = |heads: usize| (heads * rotary.head_width) as f64;
            (width(spec.heads), width(rotary.key_value_heads), 3.0 * hidden * inner)
        }
    };
    let linear = tokens as f64 * (2.0 * hidden * (queries + keys) + feed_forward);
    let all = (tokens * tokens) as f64;
    let seen: f64 = match &spec.rotary {
        None => spec.layers as f64 * all,
        Some(rotary) => rotary.views.iter().map(|view| view.pairs(tokens, rotary.causal) as f64).sum(),
    };
    2.0 * (spec.layers as f64 * linear + 2.0 * seen * queries)
}
