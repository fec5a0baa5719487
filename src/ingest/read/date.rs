//! Reads dates as newspapers and data sets write them, to the precision that is written.
//!
//! French first: numbers between slashes are day, month, year. A date that no calendar has is no date, and nothing is
//! guessed from running text: only a field, a leading `date 2023-08` or a line of its own is read. Times and time zones
//! are accepted and dropped: the day is the one that is written, except for Unix times, whose day is that of UTC.

use crate::types::{DatePrecision, PartialDate};

/// Months by their names without accents, French then English, abbreviations included.
const MONTHS: [&[&str]; 12] = [
    &["janvier", "janv", "jan", "january"],
    &["fevrier", "fevr", "fev", "february", "feb"],
    &["mars", "mar", "march"],
    &["avril", "avr", "april", "apr"],
    &["mai", "may"],
    &["juin", "june", "jun"],
    &["juillet", "juil", "july", "jul"],
    &["aout", "aou", "august", "aug"],
    &["septembre", "sept", "sep", "september"],
    &["octobre", "oct", "october"],
    &["novembre", "nov", "november"],
    &["decembre", "dec", "december"],
];

/// Words that may stand before a date and say nothing more: week days and "published on".
#[rustfmt::skip]
const BEFORE: [&str; 36] = [
    "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche", "lun", "mer", "jeu", "ven", "sam", "dim",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "mon", "tue", "tues", "wed", "thu",
    "thur", "thurs", "fri", "sat", "sun", "le", "on", "publie", "publiee", "published", "posted",
];

/// Words that may stand after a date, beside the time of day.
const AFTER: [&str; 17] = [
    "a", "at", "am", "pm", "h", "min", "z", "gmt", "utc", "cet", "cest", "est", "edt", "pst", "pdt", "heure", "heures",
];

/// Words after which the rest of a byline is about something else.
const UPDATED: [&str; 8] = ["mis", "mise", "maj", "modifie", "modifiee", "actualise", "updated", "modified"];

/// Longest byline in characters: beyond, a line is running text.
const BYLINE_CHARACTERS: usize = 100;

/// Reads the value of a date field; `None` where it is no date that exists.
///
/// Understands ISO 8601 dates and times, `20230822`, `2023/08/22`, years, months of a year, `22/08/2023` day first,
/// French and English long forms with or without accents and abbreviated, RFC 2822 and Unix times in seconds or
/// milliseconds. Years of two digits are refused: they would have to be guessed.
pub fn parse_date(text: &str) -> Option<PartialDate> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 {
        return None;
    }
    number(text).or_else(|| numeric(text)).or_else(|| words(text))
}

/// Reads the date that some plain texts begin with, such as ` date 2023-08 La récolte…`.
///
/// Returns the date and the byte where the text after it begins. `Err` holds a value that stands in the place of the
/// date and is none, `None` says that the text begins with no such form.
pub fn leading_date(text: &str) -> Option<Result<(PartialDate, usize), String>> {
    let trimmed = text.trim_start();
    let rest = trimmed.get(..4).filter(|word| word.eq_ignore_ascii_case("date")).map(|_| &trimmed[4..])?;
    let after = rest.trim_start_matches([' ', '\t', ':', '\u{A0}']);
    if after.len() == rest.len() {
        return None;
    }
    let value = &after[..after.find(char::is_whitespace).unwrap_or(after.len())];
    let shaped = value.len() >= 4 && value.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if !shaped || !value.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    match value.parse() {
        Ok(date) => Some(Ok((date, text.len() - after[value.len()..].trim_start().len()))),
        Err(_) => Some(Err(value.to_owned())),
    }
}

/// Reads a line that holds a date and nothing else, such as `Publié le 22 août 2023 à 10h12`.
///
/// A month of a year is the least: a line that holds a lone number says nothing.
pub fn byline_date(line: &str) -> Option<PartialDate> {
    let line = line.trim();
    if line.chars().count() > BYLINE_CHARACTERS || !line.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let date = numeric(line).or_else(|| words(line))?;
    (date.precision() != crate::types::DatePrecision::Year).then_some(date)
}

/// The day in the dateline of a dispatch: `AUBENAS (Ardèche), 12 septembre 2023 (AFP) – Deux personnes…`.
///
/// The place comes first and the agency, in parentheses before a dash, last: without both it is a sentence, and no date is
/// taken from it.
pub fn dateline_date(line: &str) -> Option<PartialDate> {
    let (head, rest) = line.split_once(['–', '—']).or_else(|| line.split_once(" - "))?;
    let (head, agency) = head.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    let named = agency.chars().next().is_some_and(char::is_uppercase) && agency.chars().count() <= 20;
    if !named || rest.trim().is_empty() || head.chars().count() > 100 || !head.starts_with(char::is_uppercase) {
        return None;
    }
    let mut parts = head.trim_end().splitn(2, ',');
    let mut after_place = parts.nth(1)?;
    loop {
        match words(after_place) {
            Some(date) if date.precision() == DatePrecision::Day => return Some(date),
            _ => after_place = after_place.split_once(',')?.1,
        }
    }
}

/// Digits alone: a year, `20230822`, `202308` or a Unix time.
fn number(text: &str) -> Option<PartialDate> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    let plain = text.len() == digits.len();
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i16>().ok());
    match digits.len() {
        4 if text.len() - digits.len() <= 2 && !text.starts_with('-') => PartialDate::new(year(value)?, None, None),
        6 if plain => PartialDate::new(year(part(0..4)?.into())?, Some(part(4..6)? as i8), None),
        8 if plain => PartialDate::new(year(part(0..4)?.into())?, Some(part(4..6)? as i8), Some(part(6..8)? as i8)),
        9 | 10 => unix(jiff::Timestamp::from_second(value).ok()?),
        12 | 13 => unix(jiff::Timestamp::from_millisecond(value).ok()?),
        _ => None,
    }
}

fn unix(instant: jiff::Timestamp) -> Option<PartialDate> {
    let day = instant.to_zoned(jiff::tz::TimeZone::UTC).date();
    PartialDate::new(day.year(), Some(day.month()), Some(day.day()))
}

/// A year that articles can have: four digits, no leading zero.
fn year(value: i64) -> Option<i16> {
    (1000..=2999).contains(&value).then_some(value as i16)
}

/// Numbers between separators: `2023-08-22`, `2023/08`, `22/08/2023`, each with or without a time after it.
fn numeric(text: &str) -> Option<PartialDate> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '/' | '.')).unwrap_or(text.len());
    let (date, rest) = text.split_at(end);
    let date = date.trim_end_matches('.');
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    if !is_time(rest) {
        return None;
    }
    let parts: Vec<&str> = date.split(separator).collect();
    let small = |part: &str| part.parse::<i8>().ok().filter(|_| (1..=2).contains(&part.len()));
    let long = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() == 4).and_then(year);
    match parts[..] {
        [y, m] if y.len() == 4 => PartialDate::new(long(y)?, Some(small(m)?), None),
        [m, y] if separator == '/' => PartialDate::new(long(y)?, Some(small(m)?), None),
        [y, m, d] if y.len() == 4 => PartialDate::new(long(y)?, Some(small(m)?), Some(small(d)?)),
        [d, m, y] => PartialDate::new(long(y)?, Some(small(m)?), Some(small(d)?)),
        _ => None,
    }
}

/// Whether what follows a numeric date is a time of day, or nothing.
fn is_time(rest: &str) -> bool {
    let Some(first) = rest.chars().next() else { return true };
    if !matches!(first, 'T' | 't' | ' ' | ',' | '\u{A0}' | '\u{202F}') {
        return false;
    }
    let rest = rest[first.len_utf8()..].to_lowercase();
    tokens(&rest).iter().all(|token| is_clock(token) || AFTER.contains(&token.as_str()))
}

/// A token of digits and what joins them in a time or zone: `10h12`, `10:00:00.123z`, `+0200`, `gmt+0200`.
fn is_clock(token: &str) -> bool {
    let token = token.trim_start_matches("gmt").trim_start_matches("utc");
    token.bytes().any(|b| b.is_ascii_digit())
        && token
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'h' | b'.' | b'+' | b'-' | b'z' | b'm' | b's'))
}

/// Words of a date: lower case without accents, split at white space, commas and brackets, without final stops.
fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '|' | '–' | '—' | '•' | '·'))
        .map(|token| fold(token.trim_end_matches(['.', ':'])))
        .filter(|token| !token.is_empty() && token != "-" && token != "/")
        .collect()
}

/// Lower case, without the accents of French.
pub(super) fn fold(text: &str) -> String {
    let plain = |c: char| match c {
        'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    // Combining accents fall away, so that decomposed text folds to the same letters.
    text.to_lowercase().chars().filter(|c| !('\u{300}'..='\u{36F}').contains(c)).map(plain).collect()
}

/// Long forms: `[mardi] 22 août 2023 [à 10h12]`, `August 22, 2023`, `août 2023`.
fn words(text: &str) -> Option<PartialDate> {
    let tokens = tokens(text);
    let mut rest = tokens.iter().map(String::as_str).skip_while(|token| BEFORE.contains(token)).peekable();
    // The French for Tuesday, March and the month of March shorten to "mar": a week day only before a day.
    if rest.peek() == Some(&"mar") && tokens.iter().skip_while(|t| *t != "mar").skip(2).any(|t| month(t).is_some()) {
        rest.next();
    }
    let first = rest.next()?;
    let date = match (day(first), month(first)) {
        (Some(day), _) => {
            let month = month(rest.next()?)?;
            PartialDate::new(long_year(rest.next()?)?, Some(month), Some(day))?
        }
        (None, Some(month)) => {
            let second = rest.next()?;
            match (long_year(second), day(second)) {
                (Some(year), _) => PartialDate::new(year, Some(month), None)?,
                (None, Some(day)) => PartialDate::new(long_year(rest.next()?)?, Some(month), Some(day))?,
                _ => return None,
            }
        }
        _ => return None,
    };
    for token in rest {
        if UPDATED.contains(&token) {
            break;
        }
        if !is_clock(token) && !AFTER.contains(&token) {
            return None;
        }
    }
    Some(date)
}

fn month(token: &str) -> Option<i8> {
    MONTHS.iter().position(|names| names.contains(&token)).map(|at| at as i8 + 1)
}

fn day(token: &str) -> Option<i8> {
    let digits = token.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let suffix = &token[digits.len()..];
    let known = matches!(suffix, "" | "er" | "st" | "nd" | "rd" | "th");
    digits.parse().ok().filter(|day| known && digits.len() <= 2 && (1..=31).contains(day))
}

fn long_year(token: &str) -> Option<i16> {
    (token.len() == 4 && token.bytes().all(|b| b.is_ascii_digit())).then(|| year(token.parse().ok()?)).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        parse_date(text).map_or("none".into(), |date| date.to_string())
    }

    #[test]
    fn reads_the_forms_of_fields() {
        for (text, expected) in [
            ("2023-08-22", "2023-08-22"),
            ("2023-08-22T10:00:00Z", "2023-08-22"),
            ("2023-08-22T23:30:00.123+02:00", "2023-08-22"),
            ("2023-08-22 10:00:00 UTC", "2023-08-22"),
            ("20230822", "2023-08-22"),
            ("2023/08/22", "2023-08-22"),
            ("2023-8-2", "2023-08-02"),
            ("2023", "2023"),
            ("2023.0", "2023"),
            ("2023-08", "2023-08"),
            ("202308", "2023-08"),
            ("08/2023", "2023-08"),
            ("22/08/2023", "2023-08-22"),
            ("22.08.2023", "2023-08-22"),
            ("22-08-2023 à 10h12", "2023-08-22"),
            ("03/04/2023", "2023-04-03"),
            ("22 août 2023", "2023-08-22"),
            ("22 aout 2023", "2023-08-22"),
            ("22 AOÛT 2023", "2023-08-22"),
            ("22 aou\u{302}t 2023", "2023-08-22"),
            ("1er janvier 2020", "2020-01-01"),
            ("mardi 22 août 2023", "2023-08-22"),
            ("mar. 7 mars 2023", "2023-03-07"),
            ("mars 2023", "2023-03"),
            ("mar 2023", "2023-03"),
            ("août 2023", "2023-08"),
            ("3 févr. 2021", "2021-02-03"),
            ("15 janv. 2021 à 8 h 30", "2021-01-15"),
            ("August 22, 2023", "2023-08-22"),
            ("22nd August 2023", "2023-08-22"),
            ("Tuesday, August 22nd, 2023 at 10:15 am", "2023-08-22"),
            ("Tue, 22 Aug 2023 10:00:00 +0200", "2023-08-22"),
            ("Tue Aug 22 2023 10:00:00 GMT+0200 (CEST)", "2023-08-22"),
            ("1692698400", "2023-08-22"),
            ("1692698400000", "2023-08-22"),
            ("1692698400.5", "2023-08-22"),
            ("Publié le 22 août 2023 à 10h12", "2023-08-22"),
            ("22 août 2023 à 10h12, mis à jour le 24 août 2023", "2023-08-22"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_dateline_has_a_place_a_day_and_an_agency() {
        for (line, expected) in [
            ("AUBENAS (Ardèche), 12 septembre 2023 (APO) – Deux personnes", Some("2023-09-12")),
            ("Paris, 1er mars 2020 (AFP) - Le gouvernement", Some("2020-03-01")),
            ("BENGHAZI, Libya, Aug. 22, 2023 (APO) — A delegation", Some("2023-08-22")),
            ("Paris, 30 février 2020 (AFP) – Le gouvernement", None),
            ("Paris, mars 2020 (AFP) – Le gouvernement", None),
            ("Le 12 septembre 2023 (un mardi) – jour de crue – il pleut", None),
            ("Elle est née à Paris, 12 rue Haute (au fond) – c'est là", None),
            ("Paris, 12 septembre 2023 – Le gouvernement", None),
        ] {
            assert_eq!(dateline_date(line).map(|date| date.to_string()).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn refuses_what_no_calendar_has_or_what_would_be_a_guess() {
        for text in [
            "2023-02-30",
            "30 février 2023",
            "20230230",
            "31/02/2023",
            "08/22/2023",
            "22/08/23",
            "2023-13",
            "hier",
            "",
            "12",
            "22",
            "0000",
            "22 août",
            "août",
            "2023-08-22-01",
            "le 22 août 2023 la ville",
            "1/2/3/2023",
            "-2023",
            "2023-08-22 la ville",
        ] {
            assert_eq!(read(text), "none", "{text}");
        }
    }

    #[test]
    fn a_leading_date_ends_where_the_text_begins() {
        let text = " date 2023-08 La récolte";
        let (date, at) = leading_date(text).unwrap().unwrap();
        assert_eq!((date.to_string().as_str(), &text[at..]), ("2023-08", "La récolte"));
        let text = "Date: 2023-08-22\n\nUne";
        let (date, at) = leading_date(text).unwrap().unwrap();
        assert_eq!((date.to_string().as_str(), &text[at..]), ("2023-08-22", "Une"));
    }

    #[test]
    fn a_leading_date_that_is_none_is_said_and_prose_is_left_alone() {
        assert_eq!(leading_date(" date 2023-13 Une"), Some(Err("2023-13".into())));
        for text in ["date limite fixée au 3 mai", "dates 2023-08 x", "Le 22 août", "", "dat", "date", "éàü 2023"]
        {
            assert_eq!(leading_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_byline_is_a_line_of_its_own() {
        assert_eq!(byline_date("Publié le 22 août 2023 à 10h12").unwrap().to_string(), "2023-08-22");
        assert_eq!(byline_date("22/08/2023").unwrap().to_string(), "2023-08-22");
        for line in ["2023", "20230822", "Le 22 août 2023, la ville dort", "22", "Mis à jour le 22 août 2023"] {
            assert_eq!(byline_date(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,40}") {
            let _ = (parse_date(&text), byline_date(&text));
            if let Some(Ok((_, at))) = leading_date(&text) {
                prop_assert!(text.is_char_boundary(at));
            }
        }

        #[test]
        fn digits_and_separators_never_break_it(text in "[0-9./: TZ+-]{0,24}") {
            let _ = (parse_date(&text), leading_date(&format!("date {text}")));
        }

        #[test]
        fn what_is_written_is_read_back(year in 1000i16..2999, month in 1i8..=12, day in 1i8..=31) {
            let date = PartialDate::new(year, Some(month), Some(day));
            let written = format!("{day} {} {year}", MONTHS[month as usize - 1][0]);
            prop_assert_eq!(parse_date(&written), date);
            prop_assert_eq!(parse_date(&format!("{day:02}/{month:02}/{year}")), date);
            prop_assert_eq!(parse_date(&format!("{year}-{month:02}-{day:02}")), date);
        }
    }
}
