//! A chore as a list of steps: run them in order, say which one is running, and end with one table.
//!
//! A failed step does not stop the ones after it, so that one run shows everything there is to mend; only a step that
//! needs a failed one is left out. What a step could not try is a remark below the table, and no failure.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::stopwatch::Stopwatch;
use crate::workspace;

/// One thing to do.
pub(crate) struct Step {
    name: String,
    needs: Option<&'static str>,
    action: Action,
}

/// It may add lines to what is printed at the end of the chore.
type Action = Box<dyn FnOnce(&mut Vec<String>) -> Result<()>>;

impl Step {
    /// A step that succeeds if the command does.
    pub(crate) fn command(name: impl Into<String>, mut command: Command) -> Self {
        Self::call(name, move || workspace::succeed(&mut command))
    }

    /// A step that succeeds if the function does.
    pub(crate) fn call(
        name: impl Into<String>,
        action: impl FnOnce() -> Result<()> + 'static,
    ) -> Self {
        Self::remarking(name, |_| action())
    }

    /// A step that succeeds if the function does, which may add remarks.
    pub(crate) fn remarking(
        name: impl Into<String>,
        action: impl FnOnce(&mut Vec<String>) -> Result<()> + 'static,
    ) -> Self {
        Self { name: name.into(), needs: None, action: Box::new(action) }
    }

    /// Leaves this step out unless the step of that name, earlier in the list, succeeded.
    pub(crate) fn needing(mut self, name: &'static str) -> Self {
        self.needs = Some(name);
        self
    }

    fn run(self, so_far: &[Report]) -> Report {
        let unmet = self.needs.filter(|name| !so_far.iter().any(|report| report.succeeded(name)));
        if let Some(name) = unmet {
            let ending = Ending::LeftOut(name);
            return Report {
                name: self.name,
                elapsed: Duration::ZERO,
                ending,
                remarks: Vec::new(),
            };
        }
        let watch = Stopwatch::start();
        let mut remarks = Vec::new();
        let ending = match (self.action)(&mut remarks) {
            Ok(()) => Ending::Succeeded,
            Err(failure) => Ending::Failed(format!("{failure:#}")),
        };
        Report { name: self.name, elapsed: watch.elapsed(), ending, remarks }
    }
}

/// How a step ended.
struct Report {
    name: String,
    elapsed: Duration,
    ending: Ending,
    remarks: Vec<String>,
}

enum Ending {
    Succeeded,
    Failed(String),
    /// Not run, since the step of this name did not succeed.
    LeftOut(&'static str),
}

impl Report {
    fn succeeded(&self, name: &str) -> bool {
        self.name == name && matches!(self.ending, Ending::Succeeded)
    }
}

/// Runs the steps of a chore in order and prints a table of them.
///
/// # Errors
///
/// Names every step that did not succeed.
pub(crate) fn run_all(chore: &str, steps: Vec<Step>) -> Result<()> {
    let total = Stopwatch::start();
    let count = steps.len();
    let mut reports = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        println!(
            "\n==> {chore} {}/{count}: {} (after {})",
            index + 1,
            step.name,
            seconds(total.elapsed())
        );
        reports.push(step.run(&reports));
    }
    println!("\n{}", table(chore, &reports, total.elapsed()));
    conclude(chore, &reports)
}

fn conclude(chore: &str, reports: &[Report]) -> Result<()> {
    let missing: Vec<_> = reports
        .iter()
        .filter(|report| !matches!(report.ending, Ending::Succeeded))
        .map(|report| report.name.as_str())
        .collect();
    if !missing.is_empty() {
        bail!("{chore} failed: {}", missing.join(", "));
    }
    Ok(())
}

fn table(chore: &str, reports: &[Report], total: Duration) -> String {
    let width = reports.iter().map(|report| report.name.len()).max().unwrap_or(0).max(chore.len());
    let mut table = String::new();
    for Report { name, elapsed, ending, .. } in reports {
        let ending = match ending {
            Ending::Succeeded => "ok".to_owned(),
            Ending::Failed(why) => format!("FAILED: {why}"),
            Ending::LeftOut(needed) => format!("not run, since it needs: {needed}"),
        };
        let _ = writeln!(table, "{name:width$}  {:>8}  {ending}", seconds(*elapsed));
    }
    for remark in reports.iter().flat_map(|report| &report.remarks) {
        let _ = writeln!(table, "{remark}");
    }
    let _ = write!(table, "{chore:width$}  {:>8}", seconds(total));
    table
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(name: &str) -> Step {
        Step::call(name, || bail!("the reason"))
    }

    fn reports(steps: Vec<Step>) -> Vec<Report> {
        steps.into_iter().fold(Vec::new(), |mut so_far, step| {
            so_far.push(step.run(&so_far));
            so_far
        })
    }

    #[test]
    fn a_failed_step_fails_the_chore_and_is_named() {
        let steps = vec![failing("lint"), Step::call("test", || Ok(()))];
        assert_eq!(run_all("ci", steps).unwrap_err().to_string(), "ci failed: lint");
    }

    #[test]
    fn a_step_that_needs_a_failed_one_is_left_out_and_fails_the_chore() {
        let steps =
            vec![failing("build"), Step::call("run", || panic!("must not run")).needing("build")];
        assert_eq!(run_all("test", steps).unwrap_err().to_string(), "test failed: build, run");
    }

    #[test]
    fn steps_after_a_failed_one_still_run() {
        let reports = reports(vec![failing("lint"), Step::call("test", || Ok(()))]);
        assert!(reports[1].succeeded("test"));
    }

    #[test]
    fn a_remark_is_shown_whether_its_step_succeeds_or_not() {
        let remarking = |ending: fn() -> Result<()>| {
            Step::remarking("test", move |remarks| {
                remarks.push("not tried: this".to_owned());
                ending()
            })
        };
        for ending in [|| Ok(()), || bail!("the reason")] {
            let reports = reports(vec![remarking(ending)]);
            assert!(table("test", &reports, Duration::ZERO).contains("\nnot tried: this\n"));
        }
    }

    #[test]
    fn the_table_gives_every_step_its_ending_and_the_reason_of_a_failure() {
        let reports = reports(vec![failing("lint"), Step::call("test", || Ok(()))]);
        let table = table("ci", &reports, Duration::from_secs(3));
        assert!(table.contains("lint     0.0 s  FAILED: the reason"), "{table}");
        assert!(
            table.contains("test     0.0 s  ok") && table.ends_with("ci       3.0 s"),
            "{table}"
        );
    }
}
