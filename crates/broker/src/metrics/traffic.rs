//! What is counted of HTTP: connections, requests by action, protocol and outcome, durations.
//!
//! # Invariants
//!
//! - The actions are those that there are, one for looks at messages, and one for all else; a code is one of SQS's or the
//!   reason phrase of a status. So a client cannot make labels.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_metrics::{Durations, Spread};
use longshore_wire::Request;

use crate::bounds::Pressure;

/// What a request is called that names no action that there is, cannot be read or is not let in.
pub(crate) const UNKNOWN_ACTION: &str = "unknown";

/// What a look at messages is called, which is no action of SQS.
pub(crate) const PEEK_ACTION: &str = "PeekMessages";

/// The code of a request that was not refused.
const OK: &str = "OK";

/// The requests of one action, protocol and outcome.
pub(super) type RequestCount = ((&'static str, &'static str, &'static str), u64);

/// What came over HTTP since the broker started.
#[derive(Debug)]
pub(crate) struct Traffic {
    connections: AtomicU64,
    pressure: Arc<Pressure>,
    by_action: BTreeMap<&'static str, OfAction>,
}

/// The requests of one action.
#[derive(Debug, Default)]
struct OfAction {
    json: AtomicU64,
    query: AtomicU64,
    /// By protocol and code.
    refused: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    durations: Durations,
}

impl Default for Traffic {
    fn default() -> Self {
        let actions = Request::ACTIONS.iter().chain([&PEEK_ACTION, &UNKNOWN_ACTION]);
        let by_action = actions.map(|action| (*action, OfAction::default())).collect();
        Self { connections: AtomicU64::new(0), pressure: Arc::default(), by_action }
    }
}

/// A connection, counted as long as it lasts.
#[derive(Debug)]
pub(crate) struct Connection<'a>(&'a Traffic);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

impl Traffic {
    /// Counts a connection until what is answered is dropped.
    pub(crate) fn connect(&self) -> Connection<'_> {
        self.connections.fetch_add(1, Relaxed);
        Connection(self)
    }

    /// Counts a request that was answered: `refused` says with which code, unless it succeeded.
    pub(crate) fn count(
        &self,
        action: &str,
        protocol: &'static str,
        refused: Option<&'static str>,
        took: Duration,
    ) {
        let of_action = self.by_action.get(action).or_else(|| self.by_action.get(UNKNOWN_ACTION));
        let Some(of_action) = of_action else { return };
        of_action.durations.observe(took);
        match refused {
            Some(code) => of_action.refuse(protocol, code),
            None if protocol == "json" => drop(of_action.json.fetch_add(1, Relaxed)),
            None => drop(of_action.query.fetch_add(1, Relaxed)),
        }
    }

    /// What is counted of the bounds.
    pub(crate) const fn pressure(&self) -> &Arc<Pressure> {
        &self.pressure
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// The requests that there were, by action, protocol and code.
    pub(super) fn requests(&self) -> Vec<RequestCount> {
        self.by_action.iter().flat_map(|(action, counted)| counted.requests(action)).collect()
    }

    /// How long the requests of each action took, of those actions that were asked for.
    pub(super) fn durations(&self) -> Vec<(&'static str, Spread)> {
        let spreads = self.by_action.iter().map(|(action, of)| (*action, of.durations.spread()));
        spreads.filter(|(_, spread)| spread.count() > 0).collect()
    }
}

impl OfAction {
    fn refuse(&self, protocol: &'static str, code: &'static str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry((protocol, code)).or_default() += 1;
    }

    fn requests(&self, action: &'static str) -> Vec<RequestCount> {
        let ok = [("json", &self.json), ("query", &self.query)];
        let ok = ok.map(|(protocol, count)| ((action, protocol, OK), count.load(Relaxed)));
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refused =
            refused.iter().map(|((protocol, code), count)| ((action, *protocol, *code), *count));
        ok.into_iter().filter(|(_, count)| *count > 0).chain(refused).collect()
    }
}
