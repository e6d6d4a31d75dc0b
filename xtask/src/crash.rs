//! `cargo xtask crash`: the real broker is killed, cut off from its power, filled up and told the wrong time, and must
//! keep what it acknowledged.
//!
//! The kit itself is `verification/crashkit`; here its options are typed and the broker is built.

use anyhow::Result;
use longshore_crashkit::Options;

use crate::step::Step;
use crate::workspace;

/// The broker on its own, as `cargo xtask test` builds it too.
const BROKER: [&str; 3] = ["build", "--package", "longshore-cli"];
/// As long as every run of the tests plays, all parts together: each part ends what it has begun.
const SMOKE_SECONDS: u64 = 30;
/// The seed that is played with the other tests, the same in each run, so that what fails then is the change's.
const SMOKE_SEED: u64 = 7_000_000;

/// Builds the broker, unless one is named, and plays the kit against it.
///
/// # Errors
///
/// A promise was broken, or the broker does not build.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut options = options.clone();
    if options.binary.is_none() {
        workspace::succeed(&mut workspace::cargo(BROKER))?;
        options.binary = Some(workspace::dev_profile()?.join("longshore"));
    }
    longshore_crashkit::run(&options)
}

/// A short run against the broker that the tests built.
pub(crate) fn smoke() -> Result<Step> {
    let binary = Some(workspace::dev_profile()?.join("longshore"));
    let options = Options { seconds: SMOKE_SECONDS, seed: Some(SMOKE_SEED), only: None, binary };
    Ok(Step::call("crash", move || longshore_crashkit::run(&options)))
}
