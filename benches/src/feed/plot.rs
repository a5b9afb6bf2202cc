//! The figures as a picture, in SVG.

use anyhow::Result;
use plotters::prelude::*;

use super::figures::Figures;
use super::latency::{Latency, curve};
use crate::plot::{Area, COLORS, Drawn, svg};
use crate::quantiles::Sorted;

const SIZE: (u32, u32) = (1000, 900);

/// One line of a picture.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// How long failovers took, above; what the bridge adds, below.
pub(super) fn draw(figures: &Figures) -> Result<String> {
    svg(SIZE, |area| {
        let (above, below) = area.split_vertically(SIZE.1 / 2);
        if !figures.failovers.is_empty() {
            pauses(figures, &above)?;
        }
        if !figures.latency.is_empty() {
            latencies(&figures.latency, &below)?;
        }
        Ok(())
    })
}

fn pauses(figures: &Figures, area: &Area<'_>) -> Drawn {
    let line = |it: &super::failovers::Failovers| {
        let times = Sorted::of(it.each.iter().filter_map(|it| it.pause));
        let count = times.values().len().max(1) as f64;
        let shares = (1..).map(|nth| 100.0 * f64::from(nth) / count);
        Line {
            name: format!("{} (N = {})", it.name(), it.each.len()),
            points: times.values().iter().copied().zip(shares).collect(),
        }
    };
    let timed = figures.failovers.iter().filter(|it| it.fault.is_timed());
    let lines: Vec<Line> = timed.map(line).collect();
    let (min, max) = reach(lines.iter().flat_map(|it| it.points.iter().map(|it| it.0)));
    let mut chart = ChartBuilder::on(area)
        .caption(
            "Pause of the consumer when the active server ends",
            ("sans-serif", 20),
        )
        .margin(15)
        .margin_right(30)
        .x_label_area_size(45)
        .y_label_area_size(60)
        .build_cartesian_2d((min..max).log_scale(), 0.0..100.0)?;
    chart
        .configure_mesh()
        .max_light_lines(2)
        .x_desc("ms (logarithmic)")
        .y_desc("% of failovers")
        .x_label_formatter(&|it| format!("{it}"))
        .draw()?;
    for (line, color) in lines.into_iter().zip(COLORS) {
        chart
            .draw_series(LineSeries::new(line.points, color.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .draw()?;
    Ok(())
}

fn latencies(ways: &[Latency], area: &Area<'_>) -> Drawn {
    // The share of later messages, as a power of ten: 2 is 99 %.
    let nines = |(share, micros): (f64, f64)| (-(1.0 - share).log10(), micros);
    let line = |latency: &Latency| Line {
        name: latency.way.to_string(),
        points: curve(&latency.all).into_iter().map(nines).collect(),
    };
    let lines: Vec<Line> = ways.iter().map(line).collect();
    let (min, max) = reach(lines.iter().flat_map(|it| it.points.iter().map(|it| it.1)));
    let rate = ways.first().map_or(0, |it| it.rate);
    let caption = format!("From the schedule to the consumer, {rate} messages/s");
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 20))
        .margin(15)
        .margin_right(30)
        .x_label_area_size(45)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..5.0, (min..max).log_scale())?;
    chart
        .configure_mesh()
        .max_light_lines(2)
        .x_desc("% of messages that took no longer")
        .y_desc("µs (logarithmic)")
        .x_labels(6)
        .x_label_formatter(&|it: &f64| format!("{}", 100.0 - 10_f64.powf(2.0 - it.round())))
        .y_label_formatter(&|it| format!("{it}"))
        .draw()?;
    for (line, color) in lines.into_iter().zip(COLORS) {
        chart
            .draw_series(LineSeries::new(line.points, color.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .draw()?;
    Ok(())
}

/// From below the least to above the greatest, for a logarithmic axis.
fn reach(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let known = values.filter(|it| it.is_finite() && *it > 0.0);
    let values = Sorted::of(known);
    match values.values().is_empty() {
        true => (1.0, 10.0),
        false => (values.min() / 1.2, values.max() * 1.2),
    }
}
