//! Figures over all rounds: collected, put in a table for people, and given raw to programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::work::Reading;

/// All readings so far, in the order in which they first came.
#[derive(Clone, Debug, Default)]
pub struct Report {
    series: Vec<Series>,
}

/// One figure of one piece of work, a value per round.
#[derive(Clone, Debug)]
struct Series {
    subject: String,
    work: String,
    what: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

/// What a series comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    median: f64,
    min: f64,
    max: f64,
}

impl Report {
    /// Adds the readings of one round.
    pub fn add(&mut self, subject: &str, work: &str, readings: &[Reading]) {
        for reading in readings {
            let known = self.series.iter_mut().find(|series| {
                series.subject == subject && series.work == work && series.what == reading.what
            });
            match known {
                Some(series) => series.values.push(reading.value),
                None => self.series.push(Series {
                    subject: subject.to_owned(),
                    work: work.to_owned(),
                    what: reading.what,
                    unit: reading.unit,
                    values: vec![reading.value],
                }),
            }
        }
    }

    /// A table in Markdown, one row a figure.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut table = String::from(
            "| | work | figure | unit | median | min | max | spread |\n\
             |---|---|---|---|---:|---:|---:|---:|\n",
        );
        for series in &self.series {
            let summary = Summary::of(&series.values);
            let (subject, work) = (&series.subject, &series.work);
            let (what, unit) = (series.what, series.unit);
            let [median, min, max] = [summary.median, summary.min, summary.max].map(figure);
            let spread = summary.spread() * 100.0;
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "| {subject} | {work} | {what} | {unit} | {median} | {min} | {max} | {spread:.0} % |"
            );
        }
        table
    }

    /// How far to trust a difference, in words.
    #[must_use]
    pub fn noise(&self) -> String {
        let spreads = self.series.iter();
        let spreads: Vec<f64> = spreads.map(|it| Summary::of(&it.values).spread()).collect();
        let Summary { median, max, .. } = Summary::of(&spreads);
        let (median, max) = (median * 100.0, max * 100.0);
        format!("spread (max - min, of the median): median {median:.0} %, greatest {max:.0} %")
    }

    /// Every value of every round.
    #[must_use]
    pub fn json(&self) -> Value {
        let series = self.series.iter().map(|series| {
            json!({
                "subject": series.subject,
                "work": series.work,
                "figure": series.what,
                "unit": series.unit,
                "median": Summary::of(&series.values).median,
                "values": series.values,
            })
        });
        series.collect()
    }
}

impl Summary {
    fn of(values: &[f64]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: f64::midpoint(at(low), at(high)),
            min: at(0),
            max: at(values.len().saturating_sub(1)),
        }
    }

    /// From the least to the greatest, as a share of the median.
    fn spread(&self) -> f64 {
        match self.median {
            0.0 => 0.0,
            median => (self.max - self.min) / median,
        }
    }
}

/// Three digits, or all before the point.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_of_odd_and_even_counts() {
        let odd = Summary::of(&[3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!(odd.spread(), 1.0);
        assert_eq!(Summary::of(&[4.0, 1.0]).median, 2.5);
    }

    #[test]
    fn readings_of_later_rounds_join_their_series() {
        let mut report = Report::default();
        for value in [1.0, 3.0] {
            let (what, unit) = ("rate", "/s");
            report.add("gateway", "short", &[Reading { what, unit, value }]);
        }
        assert!(
            report
                .markdown()
                .ends_with("| gateway | short | rate | /s | 2.00 | 1.00 | 3.00 | 100 % |\n")
        );
        assert_eq!(report.json()[0]["values"], json!([1.0, 3.0]));
    }
}
