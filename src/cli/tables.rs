//! The tables of `voisin eval` and `voisin bench`: Markdown, so that they can be pasted into an issue as they are.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::print::one_line;
use crate::bench::Report;
use crate::bench::report::Former;
use crate::eval::{Metric, Row};

/// Rows of an evaluation, with the change of each metric against `former` rows of the same task and data; if these were the
/// `whole` of it, with those of them that were not measured again.
pub(super) fn rows(rows: &[Row], former: &[Row], whole: bool) -> String {
    let mut table =
        table(&["task", "data", "model", "precision", "n", "metric", "value", "95 %", "change", "also", "seconds"]);
    let mut notes = Vec::new();
    for row in rows {
        let then = former.iter().find(|then| row.measures_as(then));
        let Some((main, others)) = row.metrics.split_first() else { continue };
        let change = |metric: &Metric| then.and_then(|then| row.change(then, &metric.name)).map(signed);
        let others: Vec<String> = others
            .iter()
            .map(|metric| {
                let change = change(metric).map(|change| format!(" ({change})")).unwrap_or_default();
                format!("{} {:.4}{change}", metric.name, metric.value)
            })
            .collect();
        table.add_row([
            row.mode.as_ref().map_or_else(|| row.task.clone(), |mode| format!("{} {mode}", row.task)),
            plain(&row.data),
            plain(&row.model),
            row.precision.clone(),
            row.n.to_string(),
            main.name.clone(),
            format!("{:.4}", main.value),
            main.interval.map_or_else(String::new, |interval| format!("{:.3}-{:.3}", interval.low, interval.high)),
            change(main).unwrap_or_default(),
            others.join(", "),
            format!("{:.1}", row.seconds),
        ]);
        if let Some(then) = then.filter(|then| then.n != row.n) {
            notes.push(format!("{} had n = {} then", plain(&row.data), then.n));
        }
        if let Some(then) = then.filter(|then| then.model != row.model) {
            notes.push(format!("{} was of the model {} then", plain(&row.data), plain(&then.model)));
        }
        notes.extend(row.notes.iter().map(|note| format!("{}: {}", plain(&row.data), plain(note))));
    }
    right(&mut table, &[4, 6, 7, 8, 10]);
    if whole {
        let gone: Vec<_> = former.iter().filter(|then| !rows.iter().any(|row| row.measures_as(then))).collect();
        if let Some(first) = gone.first() {
            let example = format!("{} {}", first.task, plain(&first.data));
            notes.push(format!("{} of the earlier rows were not measured now, such as {example}", gone.len()));
        }
    }
    let mut text = format!("{table}\n");
    notes.dedup();
    notes.iter().for_each(|note| text.push_str(&format!("\nNote: {note}.")));
    text
}

/// A change with its sign, of which one too small to show has none.
fn signed(change: f64) -> String {
    format!("{:+.4}", (change * 1e4).round() / 1e4 + 0.0)
}

/// A name as a cell of a table: on one line, without what ends a cell.
fn plain(name: &str) -> String {
    one_line(name).replace('|', "\\|")
}

/// A report: what it ran on, then a table with a row for each measure and a column for each group, then the notes.
pub(super) fn report(report: &Report, former: Option<&Former>) -> String {
    let mut text =
        format!("voisin {} bench {}\n{}\n", env!("CARGO_PKG_VERSION"), report.bench, report.machine.describe());
    let settings: Vec<String> =
        report.settings.iter().map(|(name, value)| format!("{name} {}", one_line(value))).collect();
    let _ = writeln!(text, "{}\n", settings.join(" · "));

    let mut groups: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for measure in &report.measures {
        if !groups.contains(&measure.group.as_str()) {
            groups.push(&measure.group);
        }
        if !names.contains(&measure.name.as_str()) {
            names.push(&measure.name);
        }
    }
    let mut table = table(&[&["measure", "unit"], groups.as_slice()].concat());
    for name in names {
        let mut row = report.measures.iter().filter(|measure| measure.name == name).peekable();
        let unit = row.peek().map_or("", |first| first.unit.as_str());
        let measures: Vec<_> = row.collect();
        let cells = groups.iter().map(|group| {
            let found = measures.iter().find(|measure| measure.group == *group);
            found.map_or_else(String::new, |measure| {
                let mut cell = number(measure.value);
                if measure.unit != unit {
                    // The column of units has that of the row's first number.
                    let _ = write!(cell, " {}", measure.unit);
                }
                if let Some(spread) = measure.spread {
                    let _ = write!(cell, " ±{:.1} %", 100.0 * spread);
                }
                if let Some(change) = former.and_then(|former| former.change(measure)) {
                    let _ = write!(cell, " ({:+.1} %)", (1000.0 * change).round() / 10.0 + 0.0);
                }
                cell
            })
        });
        table.add_row([name.to_owned(), unit.to_owned()].into_iter().chain(cells));
    }
    right(&mut table, &(2..2 + groups.len()).collect::<Vec<_>>());
    let _ = writeln!(text, "{table}\n");
    if report.measures.iter().any(|measure| measure.spread.is_some()) {
        text.push_str("± is half the distance between the quartiles of the rounds.\n");
    }
    if let Some(former) = former {
        text.push_str("In parentheses: the change against the earlier report.\n");
        former.differences(report).iter().for_each(|difference| text.push_str(&format!("Differs: {difference}.\n")));
    }
    report.notes.iter().for_each(|note| text.push_str(&format!("Note: {note}.\n")));
    text
}

/// A number with three digits that mean something, or all of a whole part that has more.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 999.5 {
        return thousands(value);
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let whole = if size < 1.0 { size.log10().floor() } else { size.log10().floor().max(0.0) };
    format!("{value:.*}", (2.0 - whole).clamp(0.0, 9.0) as usize)
}

/// A whole number with its thousands set apart.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn table(names: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(names);
    table
}

fn right(table: &mut Table, columns: &[usize]) {
    for &at in columns {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (0.000_123_4, "0.000123"),
            (0.0333, "0.0333"),
            (0.956, "0.956"),
            (3.846, "3.85"),
            (44.17, "44.2"),
            (123.4, "123"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-45.67, "-45.7"),
            (-1000.0, "-1,000"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn names_cannot_break_the_table() {
        assert_eq!(plain("a|b\x1b[31m\nc"), "a\\|b[31m c");
    }
}
