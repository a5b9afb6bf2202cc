//! The comparison as pictures: what stands where beside its aim, and for each part who needs how much.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Comparison;
use super::case::Part;
use super::judge::{Judged, judge};
use super::rounds::DIRECT;
use crate::plot::{Area, COLORS, Drawn, svg};
use crate::quantiles::Sorted;
use crate::report::{Row, figure};

/// Pixels: of a picture's width, of its left part for words, of what is right of it for values.
const WIDTH: i32 = 1100;
const WORDS: i32 = 430;
const VALUES: i32 = 90;

/// Pixels from one line to the next.
const LINE: i32 = 18;

/// Pixels above the first line, for a title and an axis.
const HEAD: i32 = 60;

/// The ratios that have a place; what is beyond stands at the edge.
const RATIOS: (f64, f64) = (0.1, 10.0);

/// The pictures, and what their files are called.
pub(super) fn draw(comparison: &Comparison) -> Result<Vec<(String, String)>> {
    let judged = judge(&comparison.report, &comparison.cases, &comparison.peers());
    let mut all = Vec::new();
    let beside: Vec<&Judged<'_>> = judged.iter().filter(|it| it.beside.is_some()).collect();
    if !beside.is_empty() {
        let size = size(beside.len());
        let picture = svg(size, |area| ratios(&beside, area))?;
        all.push(("ratios.svg".to_owned(), picture));
    }
    for part in comparison.parts() {
        let rows = rows(comparison, &judged, part);
        if !rows.is_empty() {
            let lines = rows.len() * (subjects(comparison).len() + 2);
            let picture = svg(size(lines), |area| bars(comparison, part, &rows, area))?;
            all.push((format!("{part:?}.svg").to_lowercase(), picture));
        }
    }
    Ok(all)
}

fn size(lines: usize) -> (u32, u32) {
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    (WIDTH as u32, lines * LINE as u32 + HEAD as u32 + 20)
}

/// The figures of a part that have an aim, each once.
fn rows<'a>(comparison: &Comparison, judged: &[Judged<'a>], part: Part) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = judged.iter().map(|it| it.row).collect();
    rows.retain(|row| comparison.part(*row) == Some(part));
    rows.dedup();
    rows
}

fn subjects(comparison: &Comparison) -> Vec<&'static str> {
    let names = comparison.proxies.iter().map(|it| it.peer.name());
    names.chain([DIRECT]).collect()
}

/// Words that end, or begin, at a point of the line's middle.
fn words(area: &Area<'_>, text: &str, at: (i32, i32), to: HPos, size: i32) -> Drawn {
    let style = ("sans-serif", size).into_text_style(area);
    let style = style.pos(Pos::new(to, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), style: ShapeStyle) -> Drawn {
    area.draw(&PathElement::new([from, to], style))?;
    Ok(())
}

/// Every aim: where the ratio is, its interval, and where it should be.
fn ratios(judged: &[&Judged<'_>], area: &Area<'_>) -> Drawn {
    let title =
        "mesh-gateway ÷ peer, 95 % interval; the black mark is the aim; blue: met, red: missed";
    words(area, title, (15, 18), HPos::Left, 17)?;
    let bottom = HEAD + LINE * judged.len() as i32;
    for ratio in [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0] {
        let x = across(ratio);
        let shade = if ratio == 1.0 { 0.6 } else { 0.15 };
        line(area, (x, HEAD - 8), (x, bottom), BLACK.mix(shade).into())?;
        words(area, &format!("{ratio}"), (x, HEAD - 18), HPos::Center, 12)?;
    }
    for (nth, it) in judged.iter().enumerate() {
        let y = HEAD + LINE * nth as i32 + LINE / 2;
        let other = it.beside.map(|(other, _)| other.to_string());
        let other = other.unwrap_or_default();
        let name = format!("{}: {} ÷ {other}", it.row.work, it.row.what);
        words(area, &name, (WORDS - 12, y), HPos::Right, 12)?;
        let color = if it.is_met() { COLORS[0] } else { COLORS[1] };
        let ends = [it.ratio.low, it.ratio.high].map(|ratio| (across(ratio), y));
        line(area, ends[0], ends[1], color.stroke_width(3))?;
        let at = (across(it.ratio.value), y);
        area.draw(&Circle::new(at, 4, color.filled()))?;
        let aim = across(it.bound.value());
        line(area, (aim, y - 7), (aim, y + 7), BLACK.stroke_width(2))?;
        let value = format!("{:.2}", it.ratio.value);
        words(area, &value, (WIDTH - 15, y), HPos::Right, 12)?;
    }
    Ok(())
}

/// Where a ratio has its place.
fn across(ratio: f64) -> i32 {
    let (low, high) = RATIOS;
    let share = (ratio.clamp(low, high) / low).log10() / (high / low).log10();
    WORDS + (share * f64::from(WIDTH - VALUES - WORDS)) as i32
}

/// A group of bars for each figure: medians, and from the least to the greatest round.
fn bars(comparison: &Comparison, part: Part, rows: &[Row<'_>], area: &Area<'_>) -> Drawn {
    words(area, part.title(), (15, 18), HPos::Left, 17)?;
    let subjects = subjects(comparison);
    let mut y = HEAD;
    for row in rows {
        let title = format!("{}: {}, {}", row.work, row.what, row.unit);
        words(area, &title, (15, y), HPos::Left, 14)?;
        y += LINE;
        let values = |subject: &&str| comparison.report.values(subject, *row);
        let values = subjects.iter().map(|subject| {
            let values = values(subject).unwrap_or_default();
            Sorted::of(values.iter().copied())
        });
        let values: Vec<Sorted> = values.collect();
        let known = values.iter().map(Sorted::max).filter(|it| it.is_finite());
        let most = known.fold(f64::MIN_POSITIVE, f64::max);
        for (nth, (subject, values)) in subjects.iter().zip(&values).enumerate() {
            bar(
                area,
                (subject, COLORS[nth % COLORS.len()]),
                values,
                (most, y),
            )?;
            y += LINE;
        }
        y += LINE;
    }
    Ok(())
}

fn bar(
    area: &Area<'_>,
    (subject, color): (&str, RGBColor),
    values: &Sorted,
    (most, y): (f64, i32),
) -> Drawn {
    /// Pixels for the names of programs.
    const NAMES: i32 = 130;
    words(area, subject, (NAMES - 10, y), HPos::Right, 12)?;
    if values.values().is_empty() {
        return words(area, "–", (NAMES, y), HPos::Left, 12);
    }
    let across = |value: f64| NAMES + (value / most * f64::from(WIDTH - VALUES - NAMES)) as i32;
    let end = (across(values.median()), y + LINE / 2 - 3);
    let whole = Rectangle::new([(NAMES, y - LINE / 2 + 3), end], color.mix(0.7).filled());
    area.draw(&whole)?;
    let ends = [values.min(), values.max()].map(|value| (across(value), y));
    line(area, ends[0], ends[1], BLACK.into())?;
    let value = figure(values.median());
    words(area, &value, (ends[1].0 + 8, y), HPos::Left, 12)
}
