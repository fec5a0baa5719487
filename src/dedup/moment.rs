//! When an article was published, to the minute where its source says so: copies are mostly of one day.
//!
//! [`PartialDate`] ends with the day. What a source says beyond it stays in the metadata of the article as it was written
//! (`2020-07-02T19:09:00+02:00`, or `19h09` in a field beside the date), and is read here, so that nothing is stored twice and no
//! article has to be stored again. Midnight is what programs write where they know no time: it says nothing.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;
use serde_json::{Map, Value};

use crate::types::PartialDate;

/// When an article was published, as far as its source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    first: Date,
    last: Date,
    clock: Option<Clock>,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    /// Minutes since midnight.
    minute: i64,
    /// Minutes that the clock is ahead of UTC, where that is known.
    offset: Option<i64>,
}

impl Moment {
    /// The moment of an article of this date and metadata. Only a date that is a day can have a time; fields that contradict each
    /// other have none.
    pub fn new(date: PartialDate, metadata: &Map<String, Value>) -> Self {
        let (first, last) = (date.first_day(), date.last_day());
        let clock = if first == last { clock(first, metadata) } else { None };
        Self { first, last, clock }
    }

    /// The first and the last day that its date may mean.
    pub fn days(&self) -> (Date, Date) {
        (self.first, self.last)
    }

    /// Minutes since midnight, of UTC where the offset is known, where the time of day is known.
    pub fn minute(&self) -> Option<i64> {
        self.clock.map(|clock| clock.minute - clock.offset.unwrap_or(0))
    }

    /// The minutes from this to `other`, where both times are known and can be compared.
    pub fn minutes_to(&self, other: &Self) -> Option<i64> {
        let ((a, a_is_utc), (b, b_is_utc)) = (self.minutes()?, other.minutes()?);
        (a_is_utc == b_is_utc).then_some(b - a)
    }

    /// Whether this is certainly before `other`: by minutes where both have a time and the offsets of both from UTC are known, or
    /// of neither; else by days, as they are written.
    ///
    /// It orders two articles, not a list: where some have a time and others none, it is not transitive.
    pub fn is_before(&self, other: &Self) -> bool {
        self.minutes_to(other).map_or(self.last < other.first, |minutes| minutes > 0)
    }

    /// Minutes since some common day, and whether they are those of UTC.
    fn minutes(&self) -> Option<(i64, bool)> {
        let clock = self.clock?;
        let day = i64::from(self.first.since(Date::ZERO).ok()?.get_days());
        Some((day * 24 * 60 + clock.minute - clock.offset.unwrap_or(0), clock.offset.is_some()))
    }
}

/// The time of day that the fields of an article about its publication agree on.
fn clock(day: Date, metadata: &Map<String, Value>) -> Option<Clock> {
    let mut clocks = metadata.iter().filter_map(|(name, value)| {
        let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        if OTHER.iter().any(|word| name.contains(word)) || !PUBLISHED.iter().any(|word| name.contains(word)) {
            return None;
        }
        match value {
            Value::Number(number) => instant(day, number.as_f64()?),
            Value::String(text) => {
                text.trim().parse().ok().and_then(|number| instant(day, number)).or_else(|| read(day, text))
            }
            _ => None,
        }
    });
    let first = clocks.next()?;
    clocks
        .all(|clock| clock.minute == first.minute && (clock.offset.is_none() || clock.offset == first.offset))
        .then_some(first)
}

/// Parts of the names of fields that say when an article was published.
const PUBLISHED: [&str; 7] = ["date", "time", "publi", "pubdate", "created", "heure", "hour"];

/// Parts of the names of fields that say when something else was done to it.
const OTHER: [&str; 12] = [
    "modif", "update", "maj", "misajour", "crawl", "fetch", "collect", "scrap", "index", "access", "reading", "lecture",
];

/// A Unix time of this day, in seconds or milliseconds.
fn instant(day: Date, number: f64) -> Option<Clock> {
    let seconds = if number >= 1e11 { number / 1000.0 } else { number } as i64;
    let time = jiff::Timestamp::from_second(seconds).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let minute = i64::from(time.hour()) * 60 + i64::from(time.minute());
    (time.date() == day && minute > 0).then_some(Clock { minute, offset: Some(0) })
}

/// The first time of day in the value of a field: alone, or behind a date of the same year.
fn read(day: Date, text: &str) -> Option<Clock> {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        let time = r"(?i)(?:^|[\sT,à])(\d{1,2})\s?(?:h|:)\s?(\d{2})(?::\d{2}(?:[.,]\d+)?)?\s?(am|pm)?\s?(Z|UTC|GMT)?\s?([+-]\d{2}:?\d{2})?(?:\b|$)";
        Regex::new(time).expect("a valid pattern")
    });
    let text = text.trim();
    let found = TIME.captures(text)?;
    let is_alone = found.get(0)?.start() == 0;
    if text.len() > LONGEST || !is_alone && !text.contains(&format!("{:04}", day.year())) {
        return None;
    }
    let number = |group: usize| found.get(group).and_then(|part| part.as_str().parse::<i64>().ok());
    let (hour, minute) = (number(1)?, number(2)?);
    let hour = match found.get(3).map(|half| half.as_str().to_lowercase()).as_deref() {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("pm") => hour % 12 + 12,
        Some(_) => hour % 12,
        None => hour,
    };
    let offset = match (found.get(4), found.get(5)) {
        (_, Some(offset)) => {
            let digits: i64 = offset.as_str().replace(':', "").parse().ok()?;
            Some(digits / 100 * 60 + digits % 100)
        }
        (utc, None) => utc.map(|_| 0),
    };
    let minute = hour * 60 + minute;
    (hour < 24 && number(2)? < 60 && minute > 0).then_some(Clock { minute, offset })
}

/// Bytes of a field that can hold a time at most.
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn moment(date: &str, metadata: Value) -> Moment {
        Moment::new(date.parse().unwrap(), metadata.as_object().unwrap())
    }

    /// The time of an article of the 2nd of July 2020: minutes since midnight, and the offset.
    fn time(metadata: Value) -> Option<(i64, Option<i64>)> {
        moment("2020-07-02", metadata).clock.map(|clock| (clock.minute, clock.offset))
    }

    #[test]
    fn times_are_read_from_what_says_when_it_was_published() {
        let (local, utc) = (Some((1149, None)), Some((1149, Some(0))));
        for (metadata, expected) in [
            (json!({"time": "19h09"}), local),
            (json!({"Heure": "19:09"}), local),
            (json!({"heure de publication": "19 h 09"}), local),
            (json!({"date": "2020-07-02 19:09"}), local),
            (json!({"Date de publication": "02/07/2020 à 19h09"}), local),
            (json!({"pubDate": "2 juillet 2020 à 19h09, mis à jour à 21h30"}), local),
            (json!({"date": "July 2, 2020 at 7:09 pm"}), local),
            (json!({"date": "2020-07-02T19:09:00Z"}), utc),
            (json!({"date": "2020-07-02T19:09:00.123+02:00"}), Some((1149, Some(120)))),
            (json!({"date": "Thu, 2 Jul 2020 19:09:00 -0330"}), Some((1149, Some(-210)))),
            (json!({"date": "Thu Jul 02 2020 19:09:00 GMT+0200 (CEST)"}), Some((1149, Some(120)))),
            (json!({"timestamp": 1_593_716_940}), utc),
            (json!({"created_at": "1593716940000"}), utc),
            (json!({"date": "2020-07-02T19:09:00", "time": "19:09", "modified": "2020-07-02T22:00"}), local),
        ] {
            assert_eq!(time(metadata.clone()), expected, "{metadata}");
        }
    }

    #[test]
    fn what_says_nothing_of_the_time() {
        for metadata in [
            json!({}),
            json!({"date": "2020-07-02"}),
            json!({"date": "2020-07-02T00:00:00Z"}),
            json!({"modified": "2020-07-02T22:00"}),
            json!({"reading_time": "12:30"}),
            json!({"time": "3 min"}),
            json!({"time": "25h10"}),
            json!({"time": "19h75"}),
            json!({"time": "19h09", "date": "2020-07-02T20:00"}),
            json!({"author": "19h09"}),
            json!({"date": "le journal de 19h09"}),
            json!({"date": 20_200_702}),
            json!({"date": ["19h09"]}),
        ] {
            assert_eq!(time(metadata.clone()), None, "{metadata}");
        }
        assert!(moment("2020-07", json!({"time": "19h09"})).minute().is_none());
    }

    #[test]
    fn who_was_first() {
        let at = |date: &str, time: &str| moment(date, json!({"date": format!("{date}T{time}")}));
        for (a, b, expected) in [
            (at("2020-07-02", "19:09"), at("2020-07-02", "20:48"), true),
            (at("2020-07-02", "20:48"), at("2020-07-02", "19:09"), false),
            (at("2020-07-02", "19:09"), at("2020-07-02", "19:09"), false),
            (at("2020-07-02", "19:09+02:00"), at("2020-07-02", "18:00Z"), true),
            (at("2020-07-03", "00:30+02:00"), at("2020-07-02", "23:00Z"), true),
            // A time without its offset and one with: only the days tell.
            (at("2020-07-02", "19:09"), at("2020-07-02", "23:00Z"), false),
            (at("2020-07-02", "19:09"), at("2020-07-03", "01:00Z"), true),
            (moment("2020-07-02", json!({})), at("2020-07-02", "19:09"), false),
            (moment("2020-07", json!({})), at("2020-08-01", "19:09"), true),
            (moment("2020-07", json!({})), at("2020-07-31", "19:09"), false),
        ] {
            assert_eq!(a.is_before(&b), expected, "{a:?} {b:?}");
            assert!(!expected || !b.is_before(&a));
        }
    }

    proptest! {
        #[test]
        fn no_field_breaks_the_reader(name in "(time|date|heure|\\PC{0,6})", value in "([0-9]{1,4}|h|:|T|Z|\\+| |à|2020|pm|\\PC){0,12}") {
            let moment = moment("2020-07-02", json!({name: value}));
            prop_assert!(moment.clock.is_none_or(|clock| (1..24 * 60).contains(&clock.minute)));
            prop_assert!(!moment.is_before(&moment));
        }
    }
}
