//! How cases judge: what is not as it should be becomes an error that names the line.

use std::fmt::Debug;
use std::panic::Location;

use anyhow::{Result, bail};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// The two must be equal.
#[track_caller]
pub fn same<A: Debug + PartialEq<B>, B: Debug>(got: A, wanted: B) -> Result<()> {
    if got != wanted {
        bail!("{}: {got:?}, but wanted {wanted:?}", Location::caller());
    }
    Ok(())
}

/// The call must be refused with this code and HTTP status, by the variant of the operation's error that `is` tells.
#[track_caller]
pub fn refused<T: Debug, E: ProvideErrorMetadata + Debug>(
    reply: Result<T, SdkError<E>>,
    is: impl FnOnce(&E) -> bool,
    code: &str,
    status: u16,
) -> Result<()> {
    let at = Location::caller();
    let Err(SdkError::ServiceError(refusal)) = reply else {
        bail!("{at}: {reply:?}, but wanted {code}");
    };
    if !is(refusal.err()) {
        bail!("{at}: not the variant of {code}: {:?}", refusal.err());
    }
    let seen = (refusal.err().code(), refusal.raw().status().as_u16());
    if seen != (Some(code), status) {
        bail!("{at}: {seen:?}, but wanted {code} with {status}");
    }
    Ok(())
}

/// For codes that the SDK has no variant for.
pub fn unmodelled<E>(_: &E) -> bool {
    true
}
