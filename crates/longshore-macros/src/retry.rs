//! `retry(attempts = 8, backoff = "2s..15m")`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Path, Result};

use crate::argument::Argument;
use crate::duration_text::parse_duration;
use crate::expand::duration;
use crate::list::Known;

const OPTIONS: &[Known] = &[
    Known { name: "attempts", example: "attempts = 8" },
    Known { name: "backoff", example: r#"backoff = "2s..15m""# },
];

/// As long as SQS can hold a message back.
const WAIT_MAX: Duration = Duration::from_secs(43_200);

/// What `retry` says.
#[derive(Default)]
pub(crate) struct Retry {
    attempts: Option<u32>,
    backoff: Option<(Duration, Duration)>,
}

impl Retry {
    pub(crate) fn read(argument: &Argument<'_>) -> Result<Self> {
        let mut retry = Self::default();
        argument.list(OPTIONS, |argument| {
            match argument.name() {
                "attempts" => retry.attempts = Some(argument.count()?.value),
                _ => retry.backoff = Some(read_backoff(&argument.text()?)?),
            }
            Ok(())
        })?;
        Ok(retry)
    }

    /// The policy, as a person would write it.
    pub(crate) fn expand(&self, krate: &Path) -> TokenStream {
        let attempts = self.attempts.map(|attempts| quote!(.attempts(#attempts)));
        let backoff = self.backoff.map(|(first, last)| {
            let (first, last) = (duration(first), duration(last));
            quote!(.backoff(#krate::Backoff::new(#first, #last)))
        });
        quote!(#krate::RetryPolicy::default() #attempts #backoff)
    }
}

fn read_backoff(text: &LitStr) -> Result<(Duration, Duration)> {
    let value = text.value();
    let fault = |message: String| Error::new(text.span(), message);
    let (first, last) = value.split_once("..").ok_or_else(|| {
        fault(format!("`{value}` is not a range of waits: write the first and the last, as in backoff = \"2s..15m\""))
    })?;
    let (first, last) =
        (parse_duration(first).map_err(fault)?, parse_duration(last).map_err(fault)?);
    match impossible(first, last) {
        Some(why) => Err(fault(format!("`backoff` {why}"))),
        None => Ok((first, last)),
    }
}

/// Why no task could wait so.
fn impossible(first: Duration, last: Duration) -> Option<&'static str> {
    if first > last {
        return Some("begins with a longer wait than it ends with: write the shorter one first");
    }
    if first.is_zero() {
        return Some("begins at 0, which doubling leaves at 0: begin with 1ms or more");
    }
    if last > WAIT_MAX {
        return Some(
            "ends over 12h, and SQS cannot hold a message back longer: end with 12h or less",
        );
    }
    None
}
