//! Plots of what was seen, as SVG: over what is held, and over what has passed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::{
    BLUE, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, LineSeries, SVGBackend, WHITE,
};

use super::store::Looked;
use super::table::lossy;

/// Width and height of a file, which has four plots.
const SIZE: (u32, u32) = (1000, 640);

/// What a plot shows of a step.
type Value = fn(&Looked) -> Option<f64>;

/// The plots of a file, each with what its axis says.
const SHOWN: [(&str, Value); 4] = [
    ("memory after a start, MiB", |looked| Some(lossy(looked.memory) / f64::from(1 << 20))),
    ("disk, MiB", |looked| Some(lossy(looked.disk) / f64::from(1 << 20))),
    ("start after a kill, ms", |looked| Some(looked.after_kill.as_secs_f64() * 1e3)),
    ("messages a second, sent, received and deleted", |looked| looked.rate),
];

/// Draws `growth-held.svg` and `growth-passed.svg`, each if there is more than one step to show.
pub(super) fn draw(directory: &Path, looked: &[Looked]) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let last = looked.last().map_or(0, |last| last.passed);
    let held = looked.iter().filter(|looked| looked.passed == last);
    let passed = looked.iter().filter(|looked| looked.held == 0);
    let held: Vec<_> = held.map(|looked| (lossy(looked.held) / 1e6, looked)).collect();
    let passed: Vec<_> = passed.map(|looked| (lossy(looked.passed) / 1e6, looked)).collect();
    file(&directory.join("growth-held.svg"), "million messages held", &held)?;
    file(&directory.join("growth-passed.svg"), "million messages passed", &passed)
}

fn file(path: &Path, over: &str, steps: &[(f64, &Looked)]) -> Result<()> {
    if steps.len() < 2 {
        return Ok(());
    }
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, (title, value)) in root.split_evenly((2, 2)).iter().zip(SHOWN) {
        let points = steps.iter().filter_map(|(at, looked)| Some((*at, value(looked)?))).collect();
        plot(area, title, over, points)?;
    }
    root.present().with_context(|| format!("cannot write {}", path.display()))?;
    println!("drew {}", path.display());
    Ok(())
}

fn plot(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    over: &str,
    points: Vec<(f64, f64)>,
) -> Result<()> {
    let most = |of: fn(&(f64, f64)) -> f64| 1.1 * points.iter().map(of).fold(0.001, f64::max);
    let (width, height) = (most(|point| point.0), most(|point| point.1));
    let mut builder = ChartBuilder::on(area);
    builder
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56);
    let mut chart = builder.build_cartesian_2d(0.0..width, 0.0..height)?;
    chart.configure_mesh().x_desc(over).light_line_style(WHITE).draw()?;
    chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, BLUE.filled())))?;
    chart.draw_series(LineSeries::new(points, &BLUE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn looked(passed: u64, held: u64) -> Looked {
        Looked {
            passed,
            held,
            after_stop: Duration::from_millis(12),
            after_kill: Duration::from_millis(13),
            memory: 10 << 20,
            memory_running: 11 << 20,
            disk: 100 << 20,
            open_files: 9,
            rate: Some(1000.0),
        }
    }

    #[test]
    fn what_is_held_and_what_has_passed_have_a_file_each() {
        let directory = tempfile::tempdir().unwrap();
        draw(directory.path(), &[looked(0, 0), looked(9, 0), looked(9, 5)]).unwrap();
        let text = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert!(text("growth-held.svg").contains("million messages held"));
        assert!(text("growth-passed.svg").contains("million messages passed"));
    }

    #[test]
    fn a_single_step_is_no_plot() {
        let directory = tempfile::tempdir().unwrap();
        draw(directory.path(), &[looked(0, 0)]).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
