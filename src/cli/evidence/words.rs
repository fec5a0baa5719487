//! What is said of two articles, in words and figures. The first is called A, the second B.

use crate::dedup::comparison::{Comparison, Precedence, Relation};
use crate::dedup::credits::{Credit, CreditKind};
use crate::store::Header;
use crate::types::DatePrecision;

use crate::cli::tables::thousands;

/// Confidence below which it is said no more of a shared source than what is seen.
const DOUBTFUL: f32 = 0.3;

/// What the two are to each other. Who took from whom is said only where it is known who came first.
pub(super) fn relation(relation: Option<Relation>, precedence: Precedence, confidence: f32) -> &'static str {
    let known = precedence == Precedence::Known;
    match relation {
        Some(Relation::Identical) => "A and B are identical",
        Some(Relation::Republished) if known => "B republishes A",
        Some(Relation::Republished) => "A and B are the same but for a few words",
        Some(Relation::Updated) if known => "B updates A",
        Some(Relation::Updated) => "A and B are versions of one article",
        Some(Relation::Contains) => "B contains A",
        Some(Relation::Excerpt) => "B is an excerpt of A",
        Some(Relation::SharedSource) if confidence < DOUBTFUL => {
            "A and B have text in common, as series and templates have"
        }
        Some(Relation::SharedSource) => "A and B draw on the same source",
        Some(Relation::SameStory) => "A and B tell the same story in other words",
        None => "no relation between A and B was found",
    }
}

/// Who was first, and by how much, as far as the dates tell.
pub(super) fn first(a: &Header, b: &Header, precedence: Precedence, minutes: Option<i64>) -> String {
    match (precedence, a.date, b.date) {
        (Precedence::Known, ..) if minutes.is_some_and(|minutes| minutes < 24 * 60) => {
            let minutes = minutes.unwrap_or_default().unsigned_abs() as usize;
            let hours = if minutes >= 60 { count(minutes / 60, "hour") + " " } else { String::new() };
            let rest = if minutes.is_multiple_of(60) { String::new() } else { count(minutes % 60, "minute") };
            format!("A, by {}", format!("{hours}{rest}").trim_end())
        }
        (Precedence::SameTime, Some(date), Some(_)) if minutes == Some(0) => {
            format!("the same minute of {date}: which came first is not known")
        }
        (Precedence::Known, ..) if minutes.is_some() => {
            let minutes = minutes.unwrap_or_default().unsigned_abs() as usize;
            format!("A, by {}", count(minutes / (24 * 60), "day"))
        }
        (Precedence::Known, Some(a), Some(b)) => {
            let days = (b.first_day() - a.last_day()).get_days();
            let exact = [a, b].iter().all(|date| date.precision() == DatePrecision::Day);
            format!("A, by {}{}", count(days.unsigned_abs() as usize, "day"), if exact { "" } else { " or more" })
        }
        (Precedence::SameTime, Some(a), Some(b)) if a == b && a.precision() == DatePrecision::Day => {
            format!("same day {a}: which came first is not known")
        }
        (Precedence::SameTime, Some(a), Some(b)) => {
            format!("{a} and {b} may be the same day: which came first is not known")
        }
        (_, None, None) => "not known: both are undated".to_owned(),
        (_, None, Some(_)) => "not known: A is undated".to_owned(),
        (_, Some(_), None) => "not known: B is undated".to_owned(),
        (Precedence::Undated, Some(_), Some(_)) => "not known".to_owned(),
    }
}

/// How long a version came after the first of its group: `+35 min`, `+7 h`; `?` where the order is not known, nothing where the
/// dates say it.
pub(super) fn lag(precedence: Precedence, minutes: Option<i64>) -> String {
    match (precedence, minutes) {
        (Precedence::Known, Some(minutes @ 0..60)) => format!("+{minutes} min"),
        (Precedence::Known, Some(minutes @ 60..1440)) => format!("+{} h", minutes / 60),
        (Precedence::Known, _) => String::new(),
        (Precedence::SameTime, Some(0)) => "0 min".to_owned(),
        (Precedence::SameTime | Precedence::Undated, _) => "?".to_owned(),
    }
}

/// Which agencies the two name as their source: a hint, where it is one that both name.
pub(super) fn credits(comparison: &Comparison) -> Option<String> {
    let (a, b) = (&comparison.a.credits, &comparison.b.credits);
    let both = |kinds: &[CreditKind]| -> Vec<&str> {
        let (a, b) = (agencies(a, kinds), agencies(b, kinds));
        a.into_iter().filter(|agency| b.contains(agency)).collect()
    };
    let (signed, named) = (both(&[CreditKind::Signed]), both(&[CreditKind::Signed, CreditKind::Cited]));
    if !signed.is_empty() {
        return Some(format!("both are signed {}: perhaps one dispatch", signed.join(", ")));
    }
    if !named.is_empty() {
        return Some(format!("both name {}: perhaps one source", named.join(", ")));
    }
    let mut said = Vec::new();
    for (letter, credits) in [("A", a), ("B", b)] {
        for (kind, verb) in [(CreditKind::Signed, "is signed"), (CreditKind::Cited, "cites")] {
            let agencies = agencies(credits, &[kind]);
            if !agencies.is_empty() {
                said.push(format!("{letter} {verb} {}", agencies.join(", ")));
            }
        }
    }
    (!said.is_empty()).then(|| said.join(", "))
}

/// The agencies of credits of some kinds, each once.
fn agencies(credits: &[Credit], kinds: &[CreditKind]) -> Vec<&'static str> {
    let mut agencies = Vec::new();
    for credit in credits.iter().filter(|credit| kinds.contains(&credit.kind)) {
        if !agencies.contains(&credit.agency) {
            agencies.push(credit.agency);
        }
    }
    agencies
}

/// How much of each stands in the other.
pub(super) fn shares(a_in_b: f32, b_in_a: f32) -> String {
    format!("{} of A is in B, {} of B is in A", percent(a_in_b), percent(b_in_a))
}

/// A share in percent, which is 0 and 100 only where it is nothing and all.
pub(super) fn percent(share: f32) -> String {
    match (100.0 * share).round() {
        0.0 if share > 0.0 => "<1 %".to_owned(),
        100.0 if share < 1.0 => "99 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// A number of things: `1 day`, `1,204 characters`.
pub(in crate::cli) fn count(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number as f64), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ArticleId;

    fn dated(date: Option<&str>) -> Header {
        let date = date.map(|date| date.parse().unwrap());
        Header { id: ArticleId(1), key: "k".into(), title: None, date, url: None, source: None, language: None }
    }

    #[test]
    fn who_was_first_is_said_as_precisely_as_it_is_known() {
        use Precedence::{Known, SameTime, Undated};
        let said = |a, b, precedence| first(&dated(a), &dated(b), precedence, None);
        let timed = |precedence, minutes| {
            first(&dated(Some("2020-07-02")), &dated(Some("2020-07-02")), precedence, Some(minutes))
        };
        assert_eq!(timed(Known, 35), "A, by 35 minutes");
        assert_eq!(timed(Known, 121), "A, by 2 hours 1 minute");
        assert_eq!(timed(Known, 60), "A, by 1 hour");
        assert_eq!(timed(SameTime, 0), "the same minute of 2020-07-02: which came first is not known");
        assert_eq!(said(Some("2020-07-02"), Some("2020-07-03"), Known), "A, by 1 day");
        assert_eq!(said(Some("2020-02-28"), Some("2021-03-01"), Known), "A, by 367 days");
        assert_eq!(said(Some("2020-06"), Some("2020-07-03"), Known), "A, by 3 days or more");
        assert_eq!(
            said(Some("2020-07-02"), Some("2020-07-02"), SameTime),
            "same day 2020-07-02: which came first is not known"
        );
        assert_eq!(
            said(Some("2020-07"), Some("2020-07"), SameTime),
            "2020-07 and 2020-07 may be the same day: which came first is not known"
        );
        assert_eq!(said(Some("2020"), None, Undated), "not known: B is undated");
        assert_eq!(said(None, None, Undated), "not known: both are undated");
    }

    #[test]
    fn nothing_and_all_are_not_rounded_to() {
        let shares = [0.0, 0.001, 0.006, 0.784, 0.996, 1.0].map(percent);
        assert_eq!(shares, ["0 %", "<1 %", "1 %", "78 %", "99 %", "100 %"]);
    }

    #[test]
    fn nobody_is_said_to_have_copied_where_the_order_is_not_known() {
        for relation in Relation::ALL {
            for precedence in [Precedence::SameTime, Precedence::Undated] {
                let said = super::relation(Some(relation), precedence, 0.9);
                assert!(!said.contains("updates") && !said.contains("republishes"), "{said}");
            }
        }
    }
}
