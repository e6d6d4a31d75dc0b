//! The gallery as its users meet it, on virtual time: nothing listens, and days pass in milliseconds.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod albums;
mod archives;
mod cost;
mod ledger;
mod reminders;
mod site;
mod uploads;
