//! A broker over a disk, a clock and random numbers of a simulator's, all on one thread.
//!
//! Everything but the threads is the broker that users run: its loops are tasks of the runtime that opens it, and what
//! blocks is done where it is asked for. The steps of its store are made by hand ([`Store::step_writer`]
//! and others).

use std::sync::Arc;

pub use longshore_storage::{Disk, Store, disk};

use crate::blocking::Blocking;
use crate::broker::Broker;
use crate::core::Rules;
use crate::founding::{self, Opened};
use crate::options::{BrokerOptions, OpenError};

/// All that a broker's log makes, in pieces.
pub type Told = Vec<Vec<u8>>;

/// What was opened, and has not started yet.
#[derive(Debug)]
pub struct Replayed {
    opened: Opened,
    options: BrokerOptions,
}

impl Replayed {
    /// Opens the store in `disk`, and replays its log.
    ///
    /// # Errors
    ///
    /// [`OpenError`], as of [`Broker::open`].
    pub fn open(disk: Arc<dyn Disk>, options: BrokerOptions) -> Result<Self, OpenError> {
        let opened = founding::open_stepped(disk, &options)?;
        Ok(Self { opened, options })
    }

    /// The store, for whoever makes its steps.
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.opened.store)
    }

    /// All that the log has made.
    pub fn tell(self) -> Told {
        let Opened { store, replay, .. } = self.opened;
        let mut ledger = replay.finish(Rules::default(), self.options.clock_trust, Box::new(store));
        ledger.tell_all()
    }

    /// Starts the broker, which answers nothing until somebody has made the steps that its log waits for.
    ///
    /// # Errors
    ///
    /// [`OpenError`], as of [`Broker::open`].
    pub async fn start(self) -> Result<Broker, OpenError> {
        Broker::start(self.options, self.opened, Blocking::Here).await
    }
}

impl Broker {
    /// [`Broker::close`], and all that was there at the end: a replay of the log makes the same of it. `None` if the
    /// log has failed.
    pub async fn close_and_tell(&self) -> Option<Told> {
        self.stop().await;
        let told = self.runtime().driver().tell_all();
        self.close_store().await;
        told
    }
}
