//! Pictures in SVG: what all of them share.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

/// What is drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Boxed: plotters names the same error by two paths.
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// One for each subject; told apart by those who do not see red and green as different, too.
pub const COLORS: [RGBColor; 6] = [
    RGBColor(0, 90, 181),
    RGBColor(220, 50, 32),
    RGBColor(64, 128, 64),
    RGBColor(230, 159, 0),
    RGBColor(117, 112, 179),
    RGBColor(120, 120, 120),
];

/// A picture of so many pixels, on white.
///
/// # Errors
///
/// When something does not fit into it.
pub fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        draw(&area).map_err(|error| anyhow!("{error}"))?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}
