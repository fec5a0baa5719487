//! Three kinds of tests: values worked out by hand, answers of the references, and what must not change a metric.

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bootstrap::{SplitMix64, interval, mean_interval};
use super::*;

const GOLDEN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics/golden.json"));
const TOLERANCE: f64 = 1e-9;

/// The cases of one metric.
fn golden<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let mut all: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let cases: Vec<T> = serde_json::from_value(all[name].take()).unwrap();
    assert!(cases.len() >= 5, "{name}: only {} cases", cases.len());
    cases
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= TOLERANCE
}

#[track_caller]
fn close(found: f64, expected: f64, what: &str) {
    assert!(near(found, expected), "{what}: {found}, expected {expected}");
}

#[track_caller]
fn close_or_none(found: Option<f64>, expected: Option<f64>, what: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => close(found, expected, what),
        _ => assert_eq!(found, expected, "{what}"),
    }
}

// Correlation.

#[test]
fn correlations_worked_out_by_hand() {
    // Centred: (−1.5, −0.5, 0.5, 1.5) and (−1, −2, 2, 1); products 1.5 + 1 + 1 + 1.5 = 5, squares 5 and 10: 5 / √50.
    close_or_none(pearson(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 5.0, 4.0]), Some(5.0 / 50f64.sqrt()), "pearson");
    // Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4). Centred: (−1.5, 0, 0, 1.5) and (−1.5, −0.5, 0.5, 1.5); products 4.5,
    // squares 4.5 and 5: 4.5 / √22.5.
    let tied = spearman(&[10.0, 20.0, 20.0, 90.0], &[0.1, 0.2, 0.3, 0.4]);
    close_or_none(tied, Some(4.5 / 22.5f64.sqrt()), "spearman");
}

#[test]
fn a_correlation_that_is_not_defined_is_none() {
    for correlation in [pearson, spearman] {
        assert_eq!(correlation(&[], &[]), None);
        assert_eq!(correlation(&[1.0], &[1.0]), None);
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(correlation(&[0.0, -0.0], &[1.0, 2.0]), None);
        assert_eq!(correlation(&[1.0, f64::NAN, 2.0], &[1.0, 2.0, 3.0]), None);
    }
    assert_eq!(pearson(&[1.0, f64::INFINITY, 2.0], &[1.0, 2.0, 3.0]), None);
    close_or_none(spearman(&[1.0, f64::INFINITY, 2.0], &[1.0, 3.0, 2.0]), Some(1.0), "an infinity has a rank");
}

#[test]
fn correlations_agree_with_scipy() {
    #[derive(Deserialize)]
    struct Case {
        a: Vec<f64>,
        b: Vec<f64>,
        pearson: Option<f64>,
        spearman: Option<f64>,
    }
    for (at, case) in golden::<Case>("correlation").iter().enumerate() {
        close_or_none(pearson(&case.a, &case.b), case.pearson, &format!("case {at}, pearson"));
        close_or_none(spearman(&case.a, &case.b), case.spearman, &format!("case {at}, spearman"));
    }
}

// Ranking.

#[test]
fn a_ranking_worked_out_by_hand() {
    // Ranked: a (gain 1), d (none), c (none judged), b (gain 3); e (gain 2) is missing.
    let results = [("b", 0.1), ("c", 0.5), ("a", 0.9), ("d", 0.5)];
    let judged = Judged::new(results, [("a", 1), ("b", 3), ("e", 2), ("d", 0)]).unwrap();
    // Gain 1 at rank 1 and 3 at rank 4; the ideal has 3, 2, 1 at ranks 1, 2, 3. log2 of rank + 1: 1, log2 3, 2, log2 5.
    let ideal = 3.0 + 2.0 / 3f64.log2() + 0.5;
    close(judged.ndcg_at(10), (1.0 + 3.0 / 5f64.log2()) / ideal, "nDCG@10");
    close(judged.ndcg_at(2), 1.0 / (3.0 + 2.0 / 3f64.log2()), "nDCG@2: the ideal is cut too");
    close(judged.recall_at(3), 1.0 / 3.0, "one of three");
    close(judged.recall_at(4), 2.0 / 3.0, "two of three");
    close(judged.precision_at(4), 0.5, "two of four");
    close(judged.precision_at(8), 0.25, "two of eight places, though four are empty");
    close(judged.average_precision(), (1.0 + 2.0 / 4.0 + 0.0) / 3.0, "average precision");
    close(judged.mrr_at(1), 1.0, "the first is relevant");
}

#[test]
fn reciprocal_rank_ends_at_the_cut_off() {
    let judged = Judged::binary([("a", 3.0), ("b", 2.0), ("c", 1.0)], ["c"]).unwrap();
    assert_eq!((judged.mrr_at(2), judged.mrr_at(3), judged.mrr_at(9)), (0.0, 1.0 / 3.0, 1.0 / 3.0));
}

#[test]
fn equal_scores_come_by_document_from_the_last() {
    // Of a and b with the same score, b is first, as in trec_eval; zeros of both signs are the same score.
    for (a, b) in [(0.5, 0.5), (0.0, -0.0), (-0.0, 0.0)] {
        assert_eq!(Judged::binary([("a", a), ("b", b)], ["b"]).unwrap().mrr_at(2), 1.0);
        assert_eq!(Judged::binary([("a", a), ("b", b)], ["a"]).unwrap().mrr_at(2), 0.5);
    }
}

#[test]
fn a_ranking_without_results_is_worth_nothing() {
    let judged = Judged::binary([], ["a"]).unwrap();
    let all = [judged.ndcg_at(1), judged.recall_at(1), judged.precision_at(1), judged.mrr_at(1)];
    assert!(
        all.iter().chain([&judged.average_precision()]).all(|value| value.to_bits() == 0),
        "zero, and not minus zero"
    );
}

#[test]
fn what_cannot_be_judged_is_an_error_that_names_the_place() {
    let error = |results: &[(&'static str, f32)], gains: &[(&'static str, u32)]| {
        Judged::new(results.iter().copied(), gains.iter().copied()).unwrap_err()
    };
    assert_eq!(error(&[("a", 1.0)], &[]), RankingError::NothingRelevant);
    assert_eq!(error(&[("a", 1.0)], &[("a", 0)]), RankingError::NothingRelevant);
    assert_eq!(error(&[], &[("a", 1), ("b", 1), ("a", 1)]), RankingError::JudgedTwice { index: 2 });
    assert_eq!(error(&[("b", 1.0), ("b", 0.5)], &[("a", 1)]), RankingError::RankedTwice { index: 1 });
    assert_eq!(error(&[("b", 1.0), ("c", f32::NAN)], &[("a", 1)]), RankingError::NotANumber { index: 1 });
    let said = RankingError::RankedTwice { index: 1 }.to_string();
    assert!(said.starts_with("result 1 is a document that the ranking already holds"), "{said}");
}

#[test]
fn rankings_agree_with_trec_eval() {
    #[derive(Deserialize)]
    struct Case {
        results: Vec<(String, f64)>,
        gains: Vec<(String, u32)>,
        average_precision: f64,
        at: Vec<At>,
    }
    #[derive(Deserialize)]
    struct At {
        k: usize,
        ndcg: f64,
        recall: f64,
        precision: f64,
        mrr: f64,
    }
    for (number, case) in golden::<Case>("ranking").into_iter().enumerate() {
        let results = case.results.iter().map(|(document, score)| (document.as_str(), *score as f32));
        let judged =
            Judged::new(results, case.gains.iter().map(|(document, gain)| (document.as_str(), *gain))).unwrap();
        close(judged.average_precision(), case.average_precision, &format!("case {number}, average precision"));
        for at in case.at {
            let what = |metric: &str| format!("case {number}, {metric}@{}", at.k);
            close(judged.ndcg_at(at.k), at.ndcg, &what("nDCG"));
            close(judged.recall_at(at.k), at.recall, &what("recall"));
            close(judged.precision_at(at.k), at.precision, &what("precision"));
            close(judged.mrr_at(at.k), at.mrr, &what("MRR"));
        }
    }
}

// Pairs.

const SCORES: [f64; 5] = [0.9, 0.7, 0.7, 0.4, 0.1];

#[test]
fn average_precision_worked_out_by_hand() {
    // Steps: 0.9 finds 1 of 1 true, 0.7 finds 2 of 3, 0.4 finds 3 of 4. Each adds a third of recall at its precision:
    // (1 + 2/3 + 3/4) / 3.
    let found = average_precision(&SCORES, &[true, true, false, true, false]);
    close_or_none(found, Some((1.0 + 2.0 / 3.0 + 0.75) / 3.0), "average precision");
    assert_eq!(average_precision(&SCORES, &[false; 5]), None);
    assert_eq!(average_precision(&[], &[]), None);
    assert_eq!(
        average_precision(&[0.5; 4], &[true, false, false, false]),
        Some(0.25),
        "one threshold: order is nothing"
    );
}

#[test]
fn the_best_threshold_lies_between_distinct_scores_and_is_the_highest_of_equals() {
    // F1 = 2 · true found / (found + 3): 2·1/4, 2·2/6, 2·3/7 (best), 2·3/8. Halfway between 0.4 and 0.1.
    let best = best_f1(&SCORES, &[true, true, false, true, false]).unwrap();
    assert_eq!(best, Threshold { threshold: 0.25, f1: 6.0 / 7.0, precision: 0.75, recall: 1.0 });
    // One true pair, on top, and one at the bottom of four: 2·1/3 and 2·2/6 are equal.
    let best = best_f1(&[4.0, 3.0, 2.0, 1.0], &[true, false, false, true]).unwrap();
    assert_eq!(best, Threshold { threshold: 3.5, f1: 2.0 / 3.0, precision: 1.0, recall: 0.5 });
    // All scores equal: the only threshold is the score.
    let best = best_f1(&[0.5; 3], &[true, false, false]).unwrap();
    assert_eq!(best, Threshold { threshold: 0.5, f1: 0.5, precision: 1.0 / 3.0, recall: 1.0 });
    assert_eq!(best_f1(&SCORES, &[false; 5]), None);
}

#[test]
fn the_best_accuracy_may_be_to_call_nothing_positive() {
    // Right: none 3 of 5, from 0.9 on 4, from 0.7 on 4, from 0.4 on 3, all 2.
    let best = best_accuracy(&SCORES, &[true, true, false, false, false]).unwrap();
    assert_eq!(best, AccuracyThreshold { threshold: 0.8, accuracy: 0.8 });
    let best = best_accuracy(&SCORES, &[false, false, false, true, false]).unwrap();
    assert_eq!(best, AccuracyThreshold { threshold: 0.9f64.next_up(), accuracy: 0.8 });
    // All positive is right for all; the lowest threshold is the lowest score.
    assert_eq!(best_accuracy(&SCORES, &[true; 5]).unwrap(), AccuracyThreshold { threshold: 0.1, accuracy: 1.0 });
    assert_eq!(best_accuracy(&[], &[]), None);
}

#[test]
fn a_threshold_between_neighbouring_numbers_does_not_fall_onto_the_lower() {
    for (low, high) in [(1.0, 1f64.next_up()), (f64::NEG_INFINITY, 0.0), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)] {
        let best = best_f1(&[low, high], &[false, true]).unwrap();
        assert!(low < best.threshold && best.threshold <= high, "{low} {high}: {}", best.threshold);
    }
}

#[test]
fn shares_at_a_threshold() {
    // At 0.7 and above: three pairs, two of them true; one true pair and one false one below.
    let confusion = at_threshold(&SCORES, &[true, true, false, true, false], 0.7);
    let expected = Confusion { true_positives: 2, false_positives: 1, false_negatives: 1, true_negatives: 1 };
    assert_eq!(confusion, expected);
    assert_eq!(confusion.precision(), Some(2.0 / 3.0));
    assert_eq!(confusion.recall(), Some(2.0 / 3.0));
    assert_eq!(confusion.f1(), Some(4.0 / 6.0));
    assert_eq!(confusion.accuracy(), Some(0.6));
    let nothing = at_threshold(&SCORES, &[false; 5], 2.0);
    assert_eq!((nothing.precision(), nothing.recall(), nothing.f1()), (None, None, None));
    assert_eq!((nothing.accuracy(), Confusion::default().accuracy()), (Some(1.0), None));
}

#[test]
fn found_pairs_are_sets_without_order() {
    let counts = PairCounts::of([(1, 2), (2, 1), (3, 4), (5, 6)], [(2, 1), (4, 3), (7, 8), (7, 9)]);
    assert_eq!(counts, PairCounts { found_and_true: 2, found: 3, truth: 4 });
    assert_eq!((counts.precision(), counts.recall(), counts.f1()), (Some(2.0 / 3.0), Some(0.5), Some(4.0 / 7.0)));
    close(harmonic_mean(2.0 / 3.0, 0.5), 4.0 / 7.0, "the harmonic mean of both");
    let missed = PairCounts::of([], [(1, 2)]);
    assert_eq!((missed.precision(), missed.recall(), missed.f1()), (None, Some(0.0), Some(0.0)));
    assert_eq!(PairCounts::default().f1(), None);
    assert_eq!(harmonic_mean(0.0, 0.0), 0.0);
}

#[test]
fn pairs_agree_with_scikit_learn() {
    #[derive(Deserialize)]
    struct Case {
        scores: Vec<f64>,
        labels: Vec<bool>,
        average_precision: Option<f64>,
        best_f1: Option<Shares>,
        best_accuracy: Best,
        at: Shares,
    }
    #[derive(Deserialize)]
    struct Shares {
        threshold: f64,
        f1: Option<f64>,
        precision: Option<f64>,
        recall: Option<f64>,
        accuracy: f64,
    }
    #[derive(Deserialize)]
    struct Best {
        threshold: Option<f64>,
        accuracy: f64,
    }
    for (number, case) in golden::<Case>("pairs").into_iter().enumerate() {
        let what = |metric: &str| format!("case {number}, {metric}");
        let (scores, labels) = (&case.scores[..], &case.labels[..]);
        close_or_none(average_precision(scores, labels), case.average_precision, &what("average precision"));
        let best = best_f1(scores, labels);
        assert_eq!(best.is_some(), case.best_f1.is_some(), "{}", what("best F1"));
        if let (Some(best), Some(expected)) = (best, case.best_f1) {
            close(best.threshold, expected.threshold, &what("threshold of the best F1"));
            close_or_none(Some(best.f1), expected.f1, &what("best F1"));
            close_or_none(Some(best.precision), expected.precision, &what("precision of the best F1"));
            close_or_none(Some(best.recall), expected.recall, &what("recall of the best F1"));
        }
        let best = best_accuracy(scores, labels).unwrap();
        close(best.accuracy, case.best_accuracy.accuracy, &what("best accuracy"));
        let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        close(
            best.threshold,
            case.best_accuracy.threshold.unwrap_or(greatest),
            &what("threshold of the best accuracy"),
        );
        assert_eq!(best.threshold > greatest, case.best_accuracy.threshold.is_none(), "{}", what("best accuracy"));
        let confusion = at_threshold(scores, labels, case.at.threshold);
        close_or_none(confusion.f1(), case.at.f1, &what("F1"));
        close_or_none(confusion.precision(), case.at.precision, &what("precision"));
        close_or_none(confusion.recall(), case.at.recall, &what("recall"));
        close_or_none(confusion.accuracy(), Some(case.at.accuracy), &what("accuracy"));
    }
}

// Bitext.

#[test]
fn a_bitext_worked_out_by_hand() {
    // First by second. Nearest forward: 0, 0 (the first of two equals), 2. Nearest backward: 0, 2, 2.
    let similarities = [[0.8, 0.2, 0.2], [0.4, 0.4, 0.2], [0.2, 0.6, 0.8]];
    let bitext = Bitext::of(3, |i, j| similarities[i][j]);
    assert_eq!(bitext.forward(), [true, false, true]);
    assert_eq!(bitext.backward(), [true, false, true]);
    assert_eq!(bitext.accuracy(), BothWays { forward: 2.0 / 3.0, backward: 2.0 / 3.0 });
    // Forward, number 0 is predicted twice (F1 2/3), 2 once (F1 1), 1 never (F1 0); backward the same with 2 for 0.
    let f1 = bitext.nearest_f1();
    close(f1.forward, 5.0 / 9.0, "forward");
    close(f1.backward, 5.0 / 9.0, "backward");
    // There are three rows, so all are neighbours. Means forward: 0.4, 1/3, 1.6/3; backward: 1.4/3, 0.4, 0.4. Margins,
    // similarity over the mean of the two means: (0, 0) 0.8 / 0.4333 = 1.85, (2, 2) 0.8 / 0.4667 = 1.71, (2, 1) 0.6 /
    // 0.4667 = 1.29, (1, 1) 0.4 / 0.3667 = 1.09, (1, 0) 0.4 / 0.4 = 1. Proposed forward: (0, 0), (1, 1), (2, 2);
    // backward: (0, 0), (2, 1), (2, 2). Taken, best first: (0, 0), (2, 2), not (2, 1), since row 2 is taken,
    // and (1, 1). All are right.
    let best = bitext.margin_f1().unwrap();
    assert_eq!((best.f1, best.precision, best.recall), (1.0, 1.0, 1.0));
    close(best.threshold, 0.4 / ((1.0 / 3.0 + 0.4) / 2.0), "threshold");
}

#[test]
fn equal_margins_are_taken_forward_first_and_early_rows_first() {
    // All margins are 1. Proposed forward (0, 0), (1, 0), backward (0, 0), (0, 1): the first leaves no room for the
    // others. F1 is 2 · 1 / (1 found + 2 true).
    let best = Bitext::of(2, |_, _| 1.0).margin_f1().unwrap();
    assert_eq!(best, Threshold { threshold: 1.0, f1: 2.0 / 3.0, precision: 1.0, recall: 0.5 });
}

#[test]
fn a_margin_that_is_not_positive_is_no_proposal() {
    // Of rows 1 the means are −0.15 and 0.45, so the margin of (1, 1) is −0.1 / 0.15, though it is right.
    let similarities = [[1.0, 1.0], [-0.2, -0.1]];
    let best = Bitext::of(2, |i, j| similarities[i][j]).margin_f1().unwrap();
    assert_eq!((best.f1, best.recall), (2.0 / 3.0, 0.5));
}

#[test]
fn a_bitext_of_strangers_has_no_margin() {
    let bitext = Bitext::of(3, |_, _| 0.0);
    assert_eq!(bitext.margin_f1(), None);
    // All are equal, so the first is the nearest of all.
    assert_eq!(bitext.accuracy(), BothWays { forward: 1.0 / 3.0, backward: 1.0 / 3.0 });
}

#[test]
#[should_panic(expected = "the similarity of rows 1 and 0 is NaN")]
fn a_vector_that_is_not_finite_is_refused() {
    Bitext::new(&[1.0, 0.0, f32::NAN, 1.0], &[1.0, 0.0, 0.0, 1.0], 2);
}

#[test]
fn bitexts_agree_with_numpy_and_scikit_learn() {
    #[derive(Deserialize)]
    struct Case {
        dims: usize,
        first: Vec<f32>,
        second: Vec<f32>,
        accuracy: (f64, f64),
        nearest_f1: (f64, f64),
        margin_f1: Option<Mined>,
    }
    #[derive(Deserialize)]
    struct Mined {
        threshold: f64,
        f1: f64,
        precision: f64,
        recall: f64,
    }
    for (number, case) in golden::<Case>("bitext").into_iter().enumerate() {
        let what = |metric: &str| format!("case {number}, {metric}");
        let bitext = Bitext::new(&case.first, &case.second, case.dims);
        close(bitext.accuracy().forward, case.accuracy.0, &what("accuracy forward"));
        close(bitext.accuracy().backward, case.accuracy.1, &what("accuracy backward"));
        close(bitext.nearest_f1().forward, case.nearest_f1.0, &what("nearest F1 forward"));
        close(bitext.nearest_f1().backward, case.nearest_f1.1, &what("nearest F1 backward"));
        let best = bitext.margin_f1();
        assert_eq!(best.is_some(), case.margin_f1.is_some(), "{}", what("F1 by margin"));
        if let (Some(best), Some(expected)) = (best, case.margin_f1) {
            close(best.threshold, expected.threshold, &what("threshold"));
            close(best.f1, expected.f1, &what("F1 by margin"));
            close(best.precision, expected.precision, &what("precision"));
            close(best.recall, expected.recall, &what("recall"));
        }
    }
}

#[test]
fn vectors_in_tiles_multiply_as_three_loops_do() {
    // One row, whole tiles, one more and one less; dimensions that are no multiple of anything.
    let mut random = SplitMix64(5);
    for (rows, dims) in [(1, 1), (3, 7), (4, 5), (5, 3), (8, 2), (37, 11)] {
        let mut vectors = || (0..rows * dims).map(|_| random.next() as f32 / 2f32.powi(63) - 1.0).collect::<Vec<f32>>();
        let (first, second) = (vectors(), vectors());
        let row = |vectors: &[f32], at: usize| vectors[at * dims..][..dims].to_vec();
        let product = |i, j| {
            let (a, b) = (row(&first, i), row(&second, j));
            a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).fold(0.0, |sum, product| sum + product)
        };
        let (tiled, plain) = (Bitext::new(&first, &second, dims), Bitext::of(rows, product));
        assert_eq!(tiled.forward(), plain.forward());
        assert_eq!(tiled.backward(), plain.backward());
        assert_eq!(tiled.margin_f1(), plain.margin_f1(), "the same bits");
    }
}

// Clustering.

#[test]
fn groupings_worked_out_by_hand() {
    // Ordered pairs of 4 items: together in both 2 (the first two), in the truth alone 2, in what was found alone 4,
    // in none 4. 2 · (2·4 − 2·4) / … = 0: no better than chance.
    assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[5, 5, 5, 9]), 0.0);
    // Together in both 2, in the truth alone 2, in what was found alone 0, in none 8:
    // 2 · (2·8 − 0) / ((2+2)(2+8) + (2+0)(0+8)) = 32 / 56.
    close(adjusted_rand_index(&[0, 0, 1, 1], &["a", "a", "b", "c"]), 32.0 / 56.0, "adjusted Rand index");
    // The found groups are pure. Entropies: ln 2 of the truth; of what was found 0.5 ln 2 + 2 · 0.25 ln 4 = 1.5 ln 2.
    // What they share is ln 2.
    let measured = v_measure(&[0, 0, 1, 1], &["a", "a", "b", "c"]);
    close(measured.homogeneity, 1.0, "homogeneity");
    close(measured.completeness, 2.0 / 3.0, "completeness");
    close(measured.v_measure, 0.8, "V-measure");
}

#[test]
fn groupings_agree_with_scikit_learn() {
    #[derive(Deserialize)]
    struct Case {
        truth: Vec<u32>,
        found: Vec<u32>,
        adjusted_rand_index: f64,
        homogeneity: f64,
        completeness: f64,
        v_measure: f64,
    }
    for (number, case) in golden::<Case>("clustering").into_iter().enumerate() {
        let what = |metric: &str| format!("case {number}, {metric}");
        close(adjusted_rand_index(&case.truth, &case.found), case.adjusted_rand_index, &what("adjusted Rand index"));
        let measured = v_measure(&case.truth, &case.found);
        close(measured.homogeneity, case.homogeneity, &what("homogeneity"));
        close(measured.completeness, case.completeness, &what("completeness"));
        close(measured.v_measure, case.v_measure, &what("V-measure"));
    }
}

#[test]
fn ten_million_items_do_not_overflow() {
    // Two halves against an item put aside. Products reach 10^28, where 64 bits end at 10^19.
    let truth: Vec<u32> = (0..10_000_000).map(|item| item % 2).collect();
    let mut found = truth.clone();
    assert_eq!(adjusted_rand_index(&truth, &found), 1.0);
    found[0] = 9;
    let index = adjusted_rand_index(&truth, &found);
    assert!((0.999_999..1.0).contains(&index), "{index}");
}

// Bootstrap.

#[test]
fn the_generator_is_split_mix_64() {
    // The first numbers for this seed as other implementations print them (Rosetta Code, "Pseudo-random
    // numbers/Splitmix64").
    let mut random = SplitMix64(1_234_567);
    let expected = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ];
    assert_eq!([(); 5].map(|()| random.next()), expected);
}

/// The mean of the items drawn.
fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> {
    move |places| Some(places.iter().map(|&place| values[place]).sum::<f64>() / places.len() as f64)
}

#[test]
fn intervals_agree_with_numpy() {
    #[derive(Deserialize)]
    struct Case {
        values: Vec<f64>,
        resamples: usize,
        seed: u64,
        mean: [f64; 2],
        median: [f64; 2],
    }
    for (number, case) in golden::<Case>("bootstrap").into_iter().enumerate() {
        let check = |interval: Option<Interval>, expected: [f64; 2], what: &str| {
            let Interval { low, high } = interval.unwrap();
            assert!(near(low, expected[0]) && near(high, expected[1]), "case {number}, {what}: {low} to {high}");
        };
        check(mean_interval(&case.values, case.resamples, case.seed), case.mean, "mean");
        let median = |places: &[usize]| {
            let mut drawn: Vec<f64> = places.iter().map(|&place| case.values[place]).collect();
            drawn.sort_unstable_by(f64::total_cmp);
            Some((drawn[(drawn.len() - 1) / 2] + drawn[drawn.len() / 2]) / 2.0)
        };
        check(interval(case.values.len(), case.resamples, case.seed, median), case.median, "median");
    }
}

#[test]
fn resamples_without_a_result_are_left_out() {
    assert_eq!(interval(0, 10, 1, |_| Some(1.0)), None);
    assert_eq!(interval(3, 0, 1, |_| Some(1.0)), None);
    assert_eq!(interval(3, 10, 1, |_| None), None);
    assert_eq!(interval(3, 10, 1, |_| Some(f64::NAN)), None);
    assert_eq!(mean_interval(&[], 10, 1), None);
    // Undefined but for those that drew the first item first.
    let found = interval(3, 100, 1, |places| (places[0] == 0).then_some(7.0));
    assert_eq!(found, Some(Interval { low: 7.0, high: 7.0 }));
}

#[test]
fn the_interval_of_a_mean_is_about_two_standard_errors_wide() {
    // 400 values of 0 and 1, half each: the standard error is 0.5 / 20 = 0.025, and 1.96 of them 0.049.
    let values: Vec<f64> = (0..400).map(|at| f64::from(at % 2)).collect();
    let Interval { low, high } = mean_interval(&values, 4_000, 3).unwrap();
    assert!((low - 0.451).abs() < 0.005 && (high - 0.549).abs() < 0.005, "{low} to {high}");
}

// What must not change a metric.

/// Few distinct values, so that ties are common.
fn tied() -> impl Strategy<Value = f64> {
    (-6i32..6).prop_map(|level| f64::from(level) / 4.0)
}

/// Items, and the same items in another order.
fn shuffled<T: Clone + std::fmt::Debug + 'static>(
    item: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<(Vec<T>, Vec<T>)> {
    prop::collection::vec(item, 1..40).prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle())).boxed()
}

fn unzip<A: Copy, B: Copy>(pairs: &[(A, B)]) -> (Vec<A>, Vec<B>) {
    pairs.iter().copied().unzip()
}

proptest! {
    #[test]
    fn correlations_are_symmetric_and_blind_to_order_and_scale((items, again) in shuffled((tied(), tied()))) {
        let ((a, b), (c, d)) = (unzip(&items), unzip(&again));
        let rescaled: Vec<f64> = a.iter().map(|item| 3.0 * item - 7.0).collect();
        for correlation in [pearson, spearman] {
            let found = correlation(&a, &b);
            close_or_none(correlation(&b, &a), found, "symmetric");
            close_or_none(correlation(&c, &d), found, "another order");
            close_or_none(correlation(&rescaled, &b), found, "another scale");
            prop_assert!(found.is_none_or(|found| (-1.0..=1.0).contains(&found)));
        }
    }

    #[test]
    fn spearman_and_pairs_see_only_the_order_of_scores((items, again) in shuffled((tied(), any::<bool>()))) {
        let ((scores, labels), (other_scores, other_labels)) = (unzip(&items), unzip(&again));
        let raised: Vec<f64> = scores.iter().map(|score| score.exp() + score.powi(3)).collect();
        let grades: Vec<f64> = labels.iter().map(|&label| f64::from(label)).collect();
        close_or_none(spearman(&raised, &grades), spearman(&scores, &grades), "spearman");
        let found = average_precision(&scores, &labels);
        prop_assert_eq!(average_precision(&raised, &labels), found);
        prop_assert_eq!(average_precision(&other_scores, &other_labels), found);
        let best = best_f1(&scores, &labels);
        prop_assert_eq!(best_f1(&other_scores, &other_labels), best);
        prop_assert_eq!(best_f1(&raised, &labels).map(|best| best.f1), best.map(|best| best.f1));
        prop_assert_eq!(best_accuracy(&other_scores, &other_labels), best_accuracy(&scores, &labels));
    }

    #[test]
    fn the_best_thresholds_give_what_they_say_and_no_other_gives_more(
        (items, _) in shuffled((tied(), any::<bool>())),
        other in tied(),
    ) {
        let (scores, labels) = unzip(&items);
        let elsewhere = at_threshold(&scores, &labels, other);
        if let Some(best) = best_f1(&scores, &labels) {
            let there = at_threshold(&scores, &labels, best.threshold);
            let said = (Some(best.f1), Some(best.precision), Some(best.recall));
            prop_assert_eq!((there.f1(), there.precision(), there.recall()), said);
            prop_assert!(elsewhere.f1().is_none_or(|f1| f1 <= best.f1));
        }
        let best = best_accuracy(&scores, &labels).unwrap();
        prop_assert_eq!(at_threshold(&scores, &labels, best.threshold).accuracy(), Some(best.accuracy));
        prop_assert!(elsewhere.accuracy().unwrap() <= best.accuracy);
    }

    #[test]
    fn a_ranking_is_blind_to_the_order_given(
        (items, again) in shuffled((0..8u8, 0..4u32)),
        k in 1..50usize,
    ) {
        // The same documents with the same scores and gains: the place in `items` names the document.
        let documents: Vec<(usize, (u8, u32))> = items.iter().copied().enumerate().collect();
        let mut other = documents.clone();
        other.sort_by_key(|&(_, item)| again.iter().position(|&found| found == item));
        let judge = |documents: &[(usize, (u8, u32))], scale: f32| {
            let results = documents.iter().map(|&(name, (score, _))| (name, f32::from(score) * scale));
            let gains = documents.iter().map(|&(name, (_, gain))| (name, gain));
            Judged::new(results.filter(|(name, _)| name % 3 > 0), gains)
        };
        let metrics = |judged: Judged| {
            let shares = [judged.recall_at(k), judged.precision_at(k), judged.mrr_at(k)];
            (shares, judged.ndcg_at(k), judged.average_precision())
        };
        let found = judge(&documents, 1.0).map(metrics);
        prop_assert_eq!(judge(&other, 1.0).map(metrics), found);
        prop_assert_eq!(judge(&documents, 0.25).map(metrics), found);
        let all = found.into_iter().flat_map(|(shares, ndcg, precision)| shares.into_iter().chain([ndcg, precision]));
        for metric in all {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&metric), "{}", metric);
        }
    }

    #[test]
    fn the_best_ranking_has_an_ndcg_of_one(gains in prop::collection::vec(1..9u32, 1..20), k in 1..30usize) {
        let results = gains.iter().enumerate().map(|(name, &gain)| (name, gain as f32));
        let judged = Judged::new(results, gains.iter().copied().enumerate()).unwrap();
        close(judged.ndcg_at(k), 1.0, "nDCG");
        close(judged.average_precision(), 1.0, "average precision");
    }

    #[test]
    fn groupings_are_symmetric_and_blind_to_names_and_order((items, again) in shuffled((0..5u32, 0..4u32))) {
        let ((a, b), (c, d)) = (unzip(&items), unzip(&again));
        let renamed: Vec<usize> = a.iter().map(|&label| 1000 - 7 * label as usize).collect();
        let index = adjusted_rand_index(&a, &b);
        prop_assert_eq!(adjusted_rand_index(&b, &a), index);
        prop_assert_eq!(adjusted_rand_index(&renamed, &b), index);
        prop_assert_eq!(adjusted_rand_index(&c, &d), index);
        prop_assert_eq!(adjusted_rand_index(&a, &renamed), 1.0);
        let (there, back, other) = (v_measure(&a, &b), v_measure(&b, &a), v_measure(&c, &d));
        close(there.homogeneity, back.completeness, "the one way and the other");
        close(there.v_measure, back.v_measure, "V-measure, both ways");
        close(there.v_measure, other.v_measure, "V-measure, in another order");
        close(v_measure(&a, &renamed).v_measure, 1.0, "V-measure of the same");
    }

    #[test]
    fn a_bitext_is_the_same_from_the_other_side(
        similarities in prop::collection::vec(prop::collection::vec(1..20u8, 7), 7),
    ) {
        let similarity = |i: usize, j: usize| f64::from(similarities[i][j]) / 16.0;
        let (there, back) = (Bitext::of(7, similarity), Bitext::of(7, |i, j| similarity(j, i)));
        prop_assert_eq!(there.forward(), back.backward());
        prop_assert_eq!(there.nearest_f1().forward, back.nearest_f1().backward);
        // Powers of two leave every bit of the ratios.
        let louder = Bitext::of(7, |i, j| 8.0 * similarity(i, j));
        prop_assert_eq!(louder.margin_f1(), there.margin_f1());
        prop_assert!(there.nearest_f1().forward <= there.accuracy().forward + 1e-12);
    }

    #[test]
    fn the_fast_way_to_a_mean_gives_the_same_bits(values in prop::collection::vec(-1.0..1.0f64, 1..30), seed: u64) {
        let found = mean_interval(&values, 20, seed);
        prop_assert_eq!(interval(values.len(), 20, seed, mean_of(&values)), found);
        prop_assert_eq!(mean_interval(&values, 20, seed), found);
        let Interval { low, high } = found.unwrap();
        prop_assert!(low <= high);
    }
}
