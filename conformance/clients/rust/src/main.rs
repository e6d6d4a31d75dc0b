//! The AWS SDK for Rust against an SQS-compatible broker: `conformance-client ENDPOINT [CASE…]`
//!
//! It runs its cases one after the other, and says of each, in one line of JSON, whether it held. A case is a function
//! of the module of its subject; [`wire`] is what it has at hand, [`expect`] how it judges.
//!
//! # Invariants
//!
//! - Each case makes the queues that it uses, and nothing that another case depends on.
//! - The last case looks at which operations were called, so all others come before it.

mod batches;
mod dead_letters;
mod expect;
mod fifo;
mod load;
mod messages;
mod queues;
mod refusals;
mod sdk;
mod wire;

use std::env;
use std::pin::Pin;

use anyhow::Result;
use serde_json::json;

use wire::Wire;

type Judging<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;
type Case = (&'static str, fn(&Wire) -> Judging<'_>);

macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), |wire| Box::pin($module::$name(wire)))),+),+]
    };
}

const CASES: &[Case] = cases! {
    queues:
        queues_are_made_found_and_deleted,
        queue_attributes_are_kept,
        tags_are_kept,
        queues_are_listed_page_by_page,
        sources_of_dead_letters_are_listed,
        permissions_become_the_policy;
    messages:
        a_message_keeps_its_body_and_every_attribute,
        only_the_attributes_asked_for_come,
        a_mebibyte_fits_and_one_byte_more_does_not,
        visibility_ends_and_is_changed,
        a_delayed_message_comes_when_its_delay_ends,
        a_long_poll_is_woken_by_a_send,
        a_long_poll_without_messages_ends_in_time,
        a_purge_takes_every_message;
    batches:
        a_batch_fails_entry_by_entry,
        a_batch_of_a_wrong_shape_is_refused_whole;
    refusals:
        a_missing_queue_is_an_exception_of_its_own,
        a_bad_receipt_handle_is_an_exception_of_its_own,
        refusals_bear_the_codes_of_sqs;
    fifo:
        a_fifo_queue_keeps_order_and_locks_groups,
        a_fifo_queue_takes_a_message_once,
        the_content_can_be_the_deduplication_id;
    dead_letters:
        what_is_received_too_often_becomes_a_dead_letter,
        dead_letters_are_moved_back,
        a_move_of_dead_letters_is_cancelled;
    load:
        twenty_consumers_drain_a_queue_exactly_once;
    sdk:
        every_operation_was_called;
};

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let endpoint = words.next().unwrap_or_default();
    let only: Vec<String> = words.collect();
    for (name, case) in CASES {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            let wire = Wire::new(&endpoint);
            let judged = case(&wire).await;
            wire.close().await;
            let detail = judged.as_ref().err().map(|error| format!("{error:?}"));
            println!("{}", json!({"case": name, "ok": judged.is_ok(), "detail": detail}));
        }
    }
    Ok(())
}
