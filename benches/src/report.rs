//! Figures over all rounds: collected, put in a table for people, and given raw to programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::quantiles::Sorted;
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

/// What one figure of one piece of work is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The work.
    pub work: &'a str,
    /// What was measured.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
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

    /// Forgets what a subject did of some work.
    pub fn remove(&mut self, subject: &str, work: &str) {
        let is = |series: &Series| series.subject == subject && series.work == work;
        self.series.retain(|series| !is(series));
    }

    /// All figures of all work, whoever did it, in the order in which they first came.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        for Series {
            work, what, unit, ..
        } in &self.series
        {
            let row = Row { work, what, unit };
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }

    /// The values of a subject, one a round.
    #[must_use]
    pub fn values(&self, subject: &str, row: Row<'_>) -> Option<&[f64]> {
        let is = |it: &&Series| it.subject == subject && it.work == row.work && it.what == row.what;
        Some(&self.series.iter().find(is)?.values)
    }

    /// A table in Markdown, one row a figure.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut table = String::from(
            "| | work | figure | unit | median | min | max | spread |\n\
             |---|---|---|---|---:|---:|---:|---:|\n",
        );
        for series in &self.series {
            let sorted = series.sorted();
            let (subject, work) = (&series.subject, &series.work);
            let (what, unit) = (series.what, series.unit);
            let [median, min, max] = [sorted.median(), sorted.min(), sorted.max()].map(figure);
            let spread = sorted.spread() * 100.0;
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
        let spreads = Sorted::of(spreads.map(|it| it.sorted().spread()));
        let (median, max) = (spreads.median() * 100.0, spreads.max() * 100.0);
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
                "median": series.sorted().median(),
                "values": series.values,
            })
        });
        series.collect()
    }
}

impl Series {
    fn sorted(&self) -> Sorted {
        Sorted::of(self.values.iter().copied())
    }
}

/// Three digits, or all before the point.
#[must_use]
pub fn figure(value: f64) -> String {
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
        let row = report.rows()[0];
        assert_eq!(report.values("gateway", row), Some(&[1.0, 3.0][..]));
        report.remove("gateway", "short");
        assert!(report.rows().is_empty());
    }
}
