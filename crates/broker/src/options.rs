//! How a broker is opened, and why it may not be.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_storage::{Options as StoreOptions, ReserveError};
use longshore_types::{AccountId, Region};
use thiserror::Error;

use crate::clock::{Clock, ClockTrust, SystemClock};
use crate::core::Rules;
use crate::random::{RandomSource, SystemRandom};

/// How a broker is opened.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// The directory that holds the broker's log; it is created if need be, and one broker at a
    /// time uses it. `None` keeps everything in memory: it is gone when the broker is.
    pub data: Option<PathBuf>,
    /// The region of a request that names none in a credential scope. Default `us-east-1`.
    pub region: Region,
    /// The account of a request whose access key is not itself an account number. Default
    /// `000000000000`.
    pub account: AccountId,
    /// Whether SQS's 60-second rules hold: a queue cannot be purged again, nor a deleted one
    /// created again, for that long. Default no: tests create and purge all the time.
    pub strict: bool,
    /// Queues that there may be; beyond, none is created. Default 10,000.
    pub queues_max: usize,
    /// Bytes of all queues' tags and attributes; beyond, none is set. Default 32 MiB.
    pub catalog_bytes_max: u64,
    /// Receives that may wait for one queue; beyond, they are refused. Default 20,000.
    pub waiting_receives_max: usize,
    /// How the log is kept.
    pub store: StoreOptions,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// How far its wall clock is believed at the start.
    pub clock_trust: ClockTrust,
    /// Where message ids and the broker's secret come from.
    pub random: Arc<dyn RandomSource>,
}

impl BrokerOptions {
    /// What of this is a rule of the core.
    pub(crate) const fn rules(&self) -> Rules {
        Rules {
            strict: self.strict,
            queues_max: self.queues_max,
            catalog_bytes_max: self.catalog_bytes_max,
            waiting_receives_max: self.waiting_receives_max,
        }
    }
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            data: None,
            region: Region::default(),
            account: AccountId::default(),
            strict: false,
            queues_max: Rules::default().queues_max,
            catalog_bytes_max: Rules::default().catalog_bytes_max,
            waiting_receives_max: Rules::default().waiting_receives_max,
            store: StoreOptions::default(),
            clock: Arc::new(SystemClock::start()),
            clock_trust: ClockTrust::default(),
            random: Arc::new(SystemRandom),
        }
    }
}

/// Why a broker could not be opened. Nothing in its directory was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory cannot be opened or created.
    #[error("cannot open the data directory {directory}: {source}")]
    Directory {
        /// The directory.
        directory: String,
        /// Why.
        source: std::io::Error,
    },
    /// The log in the directory cannot be used.
    #[error("cannot open the data directory {directory}: {source}")]
    Store {
        /// The directory.
        directory: String,
        /// Why.
        source: longshore_storage::OpenError,
    },
    /// There is not even the room that is kept for starts, as where an earlier version filled the disk.
    #[error(
        "cannot start in the data directory {directory}: its disk or quota is full, or as many files \
         are open as may be, and what is kept for starts is used up: free some {bytes} bytes there, or \
         raise the limit, and start again; what is in the directory is kept"
    )]
    Full {
        /// The directory.
        directory: String,
        /// What the next file of the log takes.
        bytes: u64,
    },
    /// The log failed while the broker wrote that it had started.
    #[error("cannot write to the data directory: check that its disk is healthy, and start again")]
    FirstWrite,
}

impl OpenError {
    /// Why it could not be written that the broker had started.
    pub(crate) fn of_first_write(failure: ReserveError, options: &BrokerOptions) -> Self {
        let ReserveError::Full = failure else { return Self::FirstWrite };
        let directory = options.data.as_ref().map(|directory| directory.display().to_string());
        Self::Full { directory: directory.unwrap_or_default(), bytes: options.store.segment_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_a_start_for_which_there_is_no_room_says_where_and_what_to_do() {
        let options = BrokerOptions { data: Some("/data/broker".into()), ..Default::default() };
        let text = OpenError::of_first_write(ReserveError::Full, &options).to_string();
        for said in ["/data/broker", "quota is full", "free some 33554432 bytes", "is kept"] {
            assert!(text.contains(said), "{text}");
        }
        let failed = OpenError::of_first_write(ReserveError::Poisoned, &options);
        assert!(matches!(failed, OpenError::FirstWrite));
    }
}
