//! `cargo xtask crash`: the real broker is killed, cut off from its power, filled up and told the wrong time, and must
//! keep what it acknowledged.
//!
//! The kit itself is `verification/crashkit`; here its options are typed, the broker is built, and the programs that some
//! parts need are installed, where that can be done. A part whose programs cannot be had is skipped by the kit.

use anyhow::Result;
use longshore_crashkit::Options;

use crate::step::Step;
use crate::test::servers::{debian, on_path};
use crate::workspace;

/// The broker on its own, which a user would build.
const BROKER: [&str; 3] = ["build", "--package", "longshore-cli"];

/// Programs that parts of the kit need, and Debian's packages that have them.
const PROGRAMS: [(&str, &str); 4] = [
    ("strace", "strace"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.ext4", "e2fsprogs"),
    ("faketime", "faketime"),
];

/// For how long the kit is played with the other tests, all parts together; each part ends what it has begun.
const SMOKE_SECONDS: u64 = 35;
/// The seed that is played then. It is the same in each run, so that what fails is the change's.
const SMOKE_SEED: u64 = 7_000_001;

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
    play(&options).map(drop)
}

/// A short run with the other tests, of the broker that they have built.
///
/// # Errors
///
/// Nobody knows where that is.
pub(crate) fn step() -> Result<Step> {
    let binary = Some(workspace::dev_profile()?.join("longshore"));
    let options = Options { seconds: SMOKE_SECONDS, seed: Some(SMOKE_SEED), only: None, binary };
    Ok(Step::remarking("crash", move |remarks| {
        remarks.extend(play(&options)?);
        Ok(())
    }))
}

/// Says what could not be played.
fn play(options: &Options) -> Result<Vec<String>> {
    let missing: Vec<_> = PROGRAMS
        .into_iter()
        .filter_map(|(program, package)| on_path(program).is_none().then_some(package))
        .collect();
    if !missing.is_empty()
        && let Err(failure) = debian::install(&missing)
    {
        println!("{failure:#}");
    }
    longshore_crashkit::run(options)
}
