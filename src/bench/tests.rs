//! Statistics worked out by hand, reports that survive JSON, and texts for every mix.

use super::machine::{Machine, Watch, ceiling, peak_memory};
use super::report::{Former, Report};
use super::stats::Sample;
use super::workload::samples;
use crate::embed::precision::Wanted;
use crate::kernels::{Isa, Precision};

fn sample(values: &[f64]) -> Sample {
    values.iter().copied().collect()
}

#[test]
fn percentiles_are_interpolated() {
    // Sorted: 1 2 3 4; the place of p is 3p, counted from 0.
    let values = sample(&[4.0, 1.0, 3.0, 2.0]);
    assert_eq!(values.median(), 2.5);
    assert_eq!(values.percentile(0.0), 1.0);
    assert_eq!(values.percentile(1.0), 4.0);
    assert!((values.percentile(0.99) - 3.97).abs() < 1e-12);
    // Quartiles 1.75 and 3.25: half of 1.5, over 2.5.
    assert_eq!(values.spread(), Some(0.3));
    assert_eq!(sample(&[]).median(), 0.0);
    assert_eq!(sample(&[1.0, 2.0]).spread(), None, "two rounds say nothing of the spread");
}

fn report(value: f64, spread: &[f64]) -> Report {
    let mut report = Report::new("embed", Machine::this(Isa::best()), &[("model", "m".to_owned())]);
    report.add("texts", "short query", "", 12.0);
    report.add("tokens, 1 thread", "short query", "tokens/s", value);
    report.add_rounds("tokens, 2 threads", "short query", "tokens/s", &sample(spread));
    report
}

#[test]
fn a_report_is_compared_with_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    let old = report(100.0, &[10.0, 10.0, 10.0]);
    fs_err::write(&path, old.to_json(None).to_string()).unwrap();
    let former = Former::read(&path, "embed").unwrap();

    let mut new = report(150.0, &[9.0, 9.0, 9.0]);
    let changes: Vec<_> = new.measures.iter().map(|measure| former.change(measure)).collect();
    assert_eq!(changes[..2], [Some(0.0), Some(0.5)]);
    assert!((changes[2].unwrap() + 0.1).abs() < 1e-12);
    assert!(former.differences(&new).is_empty());
    new.settings[0].1 = "other".to_owned();
    new.machine.isa = "portable".to_owned();
    let differences = former.differences(&new);
    assert_eq!(differences, [format!("isa was {}", Isa::best()), "model was m".to_owned()]);

    for (bench, text, says) in [
        ("search", old.to_json(None).to_string(), "is a report of `bench embed`"),
        ("embed", "{}".to_owned(), "is no report of"),
        ("embed", "[".to_owned(), "is no report:"),
        ("embed", "{\"bench\": \"embed\", \"measures\": [{\"name\": \"x\"}]}".to_owned(), "a measure without a value"),
    ] {
        fs_err::write(&path, text).unwrap();
        let error = Former::read(&path, bench).unwrap_err();
        assert!(error.contains(says) && error.contains("old.json"), "{error:?} should say {says:?}");
    }
}

#[test]
fn noise_is_noted_and_quiet_is_not() {
    let mut quiet = report(100.0, &[100.0, 101.0, 99.0, 100.0]);
    quiet.note_noise();
    assert!(quiet.notes.is_empty(), "{:?}", quiet.notes);
    let mut noisy = report(100.0, &[60.0, 100.0, 140.0]);
    noisy.note_noise();
    // Quartiles 80 and 120: ±20 % of 100.
    assert!(noisy.notes[0].contains("\"tokens, 2 threads\" of short query varied by ±20 %"), "{:?}", noisy.notes);
}

#[test]
fn the_machine_can_be_described() {
    let machine = Machine::this(Isa::best());
    assert!(machine.cores > 0 && machine.memory > 1 << 28 && !machine.cpu.is_empty(), "{machine:?}");
    let time = std::time::Duration::from_millis(20);
    let peaks: Vec<f64> =
        Isa::available().flat_map(|isa| Precision::ALL.map(|precision| ceiling(isa, precision, 1, time))).collect();
    assert!(peaks.iter().all(|peak| *peak > 1e8), "{peaks:?}");
    if cfg!(unix) {
        assert!(peak_memory().unwrap() > 1 << 20);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_other_processes_take_is_seen() {
    let spin = "while :; do :; done";
    let watch = Watch::start();
    let mut others: Vec<_> = (0..crate::embed::cores())
        .map(|_| std::process::Command::new("sh").args(["-c", spin]).spawn().unwrap())
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let taken = watch.others();
    others.iter_mut().for_each(|other| {
        other.kill().unwrap();
        other.wait().unwrap();
    });
    // A container may see the CPUs of a host that it has a small part of, and a sandbox none.
    let all = fs_err::read_to_string("/proc/stat").unwrap().lines().filter(|line| line.starts_with("cpu")).count() - 1;
    if let Some(taken) = taken.filter(|_| all == crate::embed::cores()) {
        assert!(taken > 0.5, "others had all cores, and {taken} of them was seen");
    }
}

#[test]
fn the_samples_are_articles() {
    let articles = samples().unwrap();
    assert_eq!(articles.len(), 14);
    assert!(articles.iter().all(|article| article.text.len() > 500), "{articles:?}");
    assert!(articles.iter().filter(|article| article.title.is_some()).count() > 5);
}

#[cfg(feature = "bundled-model")]
#[test]
fn every_mix_has_texts_of_its_length() {
    use super::workload::mixes;
    use crate::embed::Embedder;
    use crate::embed::source::{ModelFiles, ModelRef};

    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    let embedder = Embedder::load(&files, Isa::best(), Wanted::Auto).unwrap();
    let mixes = mixes(&samples().unwrap(), "samples", &embedder).unwrap();
    let means: Vec<usize> = mixes
        .iter()
        .map(|mix| {
            let lengths: Vec<usize> =
                mix.texts.iter().map(|text| mix.tokens(&embedder, text).unwrap().ids.len()).collect();
            assert!(lengths.len() >= 10, "{}: {} texts", mix.name, lengths.len());
            lengths.iter().sum::<usize>() / lengths.len()
        })
        .collect();
    assert!(
        (8..25).contains(&means[0]) && (100..190).contains(&means[1]) && (190..=256).contains(&means[2]),
        "{means:?}"
    );

    let error = super::workload::mixes(&[], "nowhere", &embedder).err().unwrap().to_string();
    assert!(error.contains("nowhere holds no article"), "{error}");
}
