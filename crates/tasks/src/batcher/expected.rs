//! What is known of requests to come, and so until when a batch waits for another.

use tokio::time::Instant;

use super::Linger;
use super::company::Company;
use super::others::Others;
use crate::trials::Trials;

/// Requests of a batch whose wait was worth it.
pub(super) const WORTH_ENTRIES: usize = 3;

/// What is known of requests to come.
#[derive(Debug)]
pub(super) enum Expected {
    /// Nothing: all the time is waited.
    Unknown,
    Guessed(Company),
    Known {
        others: Others,
        waits: Trials,
        /// Whether the batch that is being filled waits for them.
        is_waiting: bool,
    },
}

impl Expected {
    pub(super) fn of(linger: Linger) -> Self {
        match linger {
            Linger::None | Linger::Whole(_) => Self::Unknown,
            Linger::ForCompany(linger) => Self::Guessed(Company::new(linger)),
            Linger::ForOthers(_, others) => {
                Self::Known { others, waits: Trials::default(), is_waiting: false }
            }
        }
    }

    /// Until when the first request of a batch waits for another.
    pub(super) fn first(&mut self, came_at: Instant, leaves_at: Instant) -> Instant {
        if let Self::Known { others, waits, is_waiting } = self {
            *is_waiting = others.count() > 0 && waits.is_due();
        }
        match self {
            Self::Guessed(company) => company.first(came_at),
            Self::Unknown | Self::Known { .. } => self.next(came_at, leaves_at),
        }
    }

    /// Until when a batch with that latest request waits for another.
    pub(super) fn next(&mut self, came_at: Instant, leaves_at: Instant) -> Instant {
        match self {
            Self::Known { is_waiting: false, .. } => came_at,
            Self::Unknown | Self::Known { .. } => leaves_at,
            Self::Guessed(company) => company.next(came_at),
        }
    }

    pub(super) fn left(&mut self, entries: usize, in_silence: bool) {
        match self {
            Self::Unknown | Self::Known { is_waiting: false, .. } => {}
            Self::Known { waits, .. } => waits.note(entries >= WORTH_ENTRIES),
            Self::Guessed(company) => company.left(entries, in_silence),
        }
    }

    /// Waits until nobody is left who may hand something in, where that is known.
    pub(super) async fn nobody_left(&self) {
        match self {
            Self::Unknown | Self::Guessed(_) => std::future::pending().await,
            Self::Known { others, .. } => others.none_left().await,
        }
    }
}
