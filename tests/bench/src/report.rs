//! The document.

use std::fmt;

use crate::{machine, samples::Samples};

/// What a measurement ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a person has found out about the figures.
const NOTES: &str = include_str!("../notes.md");

/// What is promised of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The median is at most this.
    AtMost(f64),
    /// The median and the 95th percentile are at most these.
    AtMostBoth(f64, f64),
    /// The median is at least this.
    AtLeast(f64),
    /// Nothing: the figure explains others.
    None,
}

struct Row {
    what: String,
    unit: &'static str,
    target: Target,
    samples: Samples,
    load: String,
}

/// The same thing done by others.
struct Comparison {
    what: String,
    unit: &'static str,
    /// Who, ours first.
    contenders: Vec<(&'static str, Samples)>,
}

/// All figures.
pub(crate) struct Report {
    rows: Vec<Row>,
    comparisons: Vec<Comparison>,
    /// Further parts of the document, each with its title.
    sections: Vec<String>,
    /// What could not be measured, and what is missing for it.
    lacking: Vec<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), comparisons: Vec::new(), sections: Vec::new(), lacking: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        target: Target,
        samples: Samples,
    ) {
        let row = Row { what: what.into(), unit, target, samples, load: machine::load() };
        eprintln!("{}", row.to_string().trim_end());
        self.rows.push(row);
    }

    /// Adds a figure of ours, which comes first, beside those of others.
    pub(crate) fn add_compared(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        target: Target,
        contenders: Vec<(&'static str, Samples)>,
    ) {
        let what = what.into();
        if let Some((_, ours)) = contenders.first() {
            self.add(&what, unit, target, ours.clone());
        }
        let comparison = Comparison { what, unit, contenders };
        eprintln!("{}", comparison.to_string().trim_end());
        self.comparisons.push(comparison);
    }

    /// Adds a part of the document, in Markdown.
    pub(crate) fn add_section(&mut self, section: String) {
        self.sections.push(section);
    }

    /// Says what could not be measured, and why.
    pub(crate) fn lack(&mut self, what: String) {
        eprintln!("{what}");
        self.lacking.push(what);
    }
}

impl Comparison {
    /// How a median relates to ours.
    fn ratio(&self, samples: &Samples) -> String {
        let ours = self.contenders.first().map_or(0.0, |(_, ours)| ours.percentile(50));
        if ours > 0.0 { format!("{:.2}", samples.percentile(50) / ours) } else { "–".to_owned() }
    }
}

impl Target {
    /// Whether it is reached; none if there is nothing to reach.
    fn is_met(self, samples: &Samples) -> Option<bool> {
        let median = samples.percentile(50);
        match self {
            Self::AtMost(limit) => Some(median <= limit),
            Self::AtMostBoth(usual, rare) => Some(median <= usual && samples.percentile(95) <= rare),
            Self::AtLeast(limit) => Some(median >= limit),
            Self::None => None,
        }
    }
}

impl Row {
    /// The percentile that 95 of 100 samples are no worse than: of a rate, more is better.
    fn bad(&self) -> usize {
        if self.unit.ends_with("/s") { 5 } else { 95 }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {}", number(*limit)),
            Self::AtMostBoth(usual, rare) => write!(f, "≤ {}, p95 ≤ {}", number(*usual), number(*rare)),
            Self::AtLeast(limit) => write!(f, "≥ {}", number(*limit)),
            Self::None => f.write_str("–"),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.target.is_met(&self.samples) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "–",
        };
        let bad = match self.samples.len() {
            0 | 1 => "–".to_owned(),
            _ => number(self.samples.percentile(self.bad())),
        };
        writeln!(
            f,
            "| {} | {} | {} | {} | {bad} | {} | {verdict} | {} |",
            self.what,
            self.unit,
            self.target,
            number(self.samples.percentile(50)),
            self.samples.len(),
            self.load,
        )
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (who, samples) in &self.contenders {
            let [least, median, most] = [0, 50, 100].map(|percent| number(samples.percentile(percent)));
            writeln!(
                f,
                "| {} | {} | {who} | {least} | {median} | {} | {most} | {} | {} |",
                self.what,
                self.unit,
                number(samples.percentile(if self.unit.ends_with("/s") { 5 } else { 95 })),
                samples.len(),
                self.ratio(samples),
            )?;
        }
        Ok(())
    }
}

impl Report {
    fn write_comparisons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.comparisons.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n## Side by side\n\nThe same work on the same machine in the same run, by turns. *× ours* is the \
             ratio of the medians.\n"
        )?;
        writeln!(f, "| what | unit | who | least | p50 | p95 | most | n | × ours |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        self.comparisons.iter().try_for_each(|comparison| write!(f, "{comparison}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        writeln!(f, "Written by `cargo xtask bench` on {}: {}.\n", machine::date(), machine::describe())?;
        writeln!(
            f,
            "The parts are real: a service that stores in SQLite, nodes with their data in folders on disk, \
             WebRTC over the\nloopback interface. All of them share the cores, so a figure is what both sides \
             cost together. *p95* is what 95 of\n100 runs were no worse than, for rates too. *Load* is the \
             system's load average over the minute before the row was\nwritten, with the benchmark's own part; \
             a value far above the number of cores means that others took their share.\n"
        )?;
        writeln!(f, "| what | unit | target | p50 | p95 | n | verdict | load |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            row.fmt(f)?;
        }
        self.write_comparisons(f)?;
        for section in &self.sections {
            write!(f, "\n{section}")?;
        }
        if !self.lacking.is_empty() {
            writeln!(f, "\n## What could not be measured\n")?;
            self.lacking.iter().try_for_each(|what| writeln!(f, "- {what}"))?;
        }
        write!(f, "\n{NOTES}")
    }
}

/// Three digits that matter, thousands set apart.
fn number(value: f64) -> String {
    if value < 10.0 {
        return trimmed(&format!("{value:.2}"));
    }
    if value < 100.0 {
        return trimmed(&format!("{value:.1}"));
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "samples are returned as they were put in")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        let shown = [0.0, 0.125, 3.0, 12.34, 999.6, 1_234_567.0].map(number);
        assert_eq!(shown, ["0", "0.12", "3", "12.3", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_rate_is_bad_when_it_is_low() {
        let row = |unit| Row {
            what: String::new(),
            unit,
            target: Target::None,
            samples: Samples::default(),
            load: String::new(),
        };
        assert_eq!(["ms", "1/h", "MB/s"].map(|unit| row(unit).bad()), [95, 95, 5]);
    }

    #[test]
    fn a_target_is_met_at_its_limit() {
        let mut samples = Samples::default();
        (1..=100).for_each(|value| samples.push(f64::from(value)));
        assert_eq!(Target::AtLeast(51.0).is_met(&samples), Some(false));
        assert_eq!(Target::AtMostBoth(50.0, 95.0).is_met(&samples), Some(true));
        assert_eq!(Target::AtMostBoth(50.0, 94.0).is_met(&samples), Some(false));
    }
}
