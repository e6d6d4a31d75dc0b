//! The flags of the gallery, beside those that every application has.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use longshore::options::duration;

/// The flags of the gallery.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Gallery")]
pub struct Options {
    /// Directory of photos, of what was made of them, and of mails; apps and workers share it
    #[arg(long, env = "LONGSHORE_GALLERY", value_name = "DIR", default_value = "./gallery-data")]
    pub gallery: PathBuf,

    /// How long the archive takes for a photo beside packing it, so that a person sees it at work
    #[arg(
        long, env = "LONGSHORE_ARCHIVE_PACE", value_name = "DURATION",
        value_parser = duration, default_value = "2s"
    )]
    pub archive_pace: Duration,
}
