//! Ways to be wrong, one at a time, so that it can be shown that the comparison sees them.
//!
//! A mutant changes what the engine is set to, or what is recorded and applied; the engine itself
//! is the one that ships.

use std::time::Duration;

use longshore_engine::{Event, Message, MessageKey, Queue, Receipt};
use longshore_model::Kind;
use longshore_types::{Settings, Timestamp};

use crate::command::{Sort, arn};
use crate::shares::{Share, Sharing, Turn};

/// A way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Not wrong at all.
    None,
    DeliversNewestFirst,
    /// Every receive is the first one, for the receiver and for the redrive policy.
    ForgetsToCountReceives,
    KeepsDeletedMessages,
    /// Compares with `>=` where the contract says `>`.
    DeadLettersOneReceiveEarly,
    DeadLettersOneReceiveLate,
    EndsLeasesLate,
    EndsLeasesEarly,
    TreatsNoVisibilityTimeoutAsOneMillisecond,
    AddsToTheQueuesVisibilityTimeout,
    IgnoresDelays,
    EndsDelaysLate,
    KeepsMessagesLonger,
    ForgetsToPurge,
    ResetsTheCountAtAMove,
    RestartsRetentionAtAMove,
    LosesMessagesAtAMove,
    IgnoresNewSettings,
    KeepsMovedMessages,
    ForgetsWhereMessagesCameFrom,
    /// Does the right thing, and forgets to record it.
    ForgetsToRecordMoves,
    ForgetsToRecordDeletes,
    ForgetsToRecordReceives,
    // Of FIFO queues only.
    AcceptsDuplicates,
    DeduplicatesInTheOtherScope,
    OrdersAllGroupsAsOne,
    LocksNoGroup,
    MovesMessagesWithoutTheirGroup,
    LeavesDelaysOfMessagesAsTheyWere,
    HonoursOldReceipts,
    ForgetsAttempts,
    RepeatsWithoutANewLease,
    ForgetsToRecordSends,
    AnswersDuplicatesAsNew,
    EndsDeduplicationEarly,
    RemembersDuplicatesOverAPurge,
    // Of fair queues only.
    ForgetsGroups,
    TakesMessagesWithoutAGroupForOne,
    DeliversOldestFirstWhateverTheGroup,
    DeliversNoisyGroupsFirst,
    WithholdsNoisyGroups,
    NeverLetsAGroupBeQuietAgain,
    IsNoisyWith29InFlight,
    IsNoisyWith31InFlight,
    IsNoisyWithATenth,
    IsNoisyWithoutATenth,
    LooksAgainWhoIsNoisyWithinAReceive,
    /// Not wrong: shares out by the code of those that are, with the right rule.
    SharesOutByHand,
}

impl Mutant {
    /// The mutants that are wrong in histories of that sort.
    pub(crate) fn wrong(sort: Sort) -> &'static [Self] {
        match sort {
            Sort::Standard => &Self::WRONG,
            Sort::Fair => &Self::WRONG_FAIR,
            Sort::Fifo => &Self::WRONG_FIFO,
        }
    }

    /// The mutant of that name, which is the one in this file.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Sort::ALL.into_iter().flat_map(Self::wrong);
        all.find(|mutant| format!("{mutant:?}") == name).copied()
    }

    const WRONG: [Self; 22] = [
        Self::DeliversNewestFirst,
        Self::ForgetsToCountReceives,
        Self::KeepsDeletedMessages,
        Self::DeadLettersOneReceiveEarly,
        Self::DeadLettersOneReceiveLate,
        Self::EndsLeasesLate,
        Self::EndsLeasesEarly,
        Self::TreatsNoVisibilityTimeoutAsOneMillisecond,
        Self::AddsToTheQueuesVisibilityTimeout,
        Self::IgnoresDelays,
        Self::EndsDelaysLate,
        Self::KeepsMessagesLonger,
        Self::ForgetsToPurge,
        Self::ResetsTheCountAtAMove,
        Self::RestartsRetentionAtAMove,
        Self::LosesMessagesAtAMove,
        Self::IgnoresNewSettings,
        Self::KeepsMovedMessages,
        Self::ForgetsWhereMessagesCameFrom,
        Self::ForgetsToRecordMoves,
        Self::ForgetsToRecordDeletes,
        Self::ForgetsToRecordReceives,
    ];

    const WRONG_FAIR: [Self; 19] = [
        Self::ForgetsGroups,
        Self::TakesMessagesWithoutAGroupForOne,
        Self::OrdersAllGroupsAsOne,
        Self::MovesMessagesWithoutTheirGroup,
        Self::DeliversOldestFirstWhateverTheGroup,
        Self::DeliversNoisyGroupsFirst,
        Self::WithholdsNoisyGroups,
        Self::NeverLetsAGroupBeQuietAgain,
        Self::IsNoisyWith29InFlight,
        Self::IsNoisyWith31InFlight,
        Self::IsNoisyWithATenth,
        Self::IsNoisyWithoutATenth,
        Self::LooksAgainWhoIsNoisyWithinAReceive,
        Self::DeliversNewestFirst,
        Self::EndsLeasesLate,
        Self::KeepsDeletedMessages,
        Self::ForgetsToPurge,
        Self::LosesMessagesAtAMove,
        Self::ForgetsToRecordReceives,
    ];

    const WRONG_FIFO: [Self; 24] = [
        Self::AnswersDuplicatesAsNew,
        Self::EndsDeduplicationEarly,
        Self::RemembersDuplicatesOverAPurge,
        Self::DeadLettersOneReceiveEarly,
        Self::DeadLettersOneReceiveLate,
        Self::LosesMessagesAtAMove,
        Self::KeepsMovedMessages,
        Self::ForgetsToRecordMoves,
        Self::AcceptsDuplicates,
        Self::DeduplicatesInTheOtherScope,
        Self::OrdersAllGroupsAsOne,
        Self::LocksNoGroup,
        Self::MovesMessagesWithoutTheirGroup,
        Self::LeavesDelaysOfMessagesAsTheyWere,
        Self::HonoursOldReceipts,
        Self::ForgetsAttempts,
        Self::RepeatsWithoutANewLease,
        Self::ForgetsToRecordSends,
        Self::DeliversNewestFirst,
        Self::EndsLeasesLate,
        Self::KeepsDeletedMessages,
        Self::ForgetsToPurge,
        Self::ForgetsToRecordDeletes,
        Self::ForgetsToRecordReceives,
    ];

    /// The kind of a queue that ought to be of `kind`.
    pub(crate) fn kind(self, kind: Kind) -> Kind {
        match (self, kind) {
            (Self::DeduplicatesInTheOtherScope, Kind::Fifo { by_group }) => {
                Kind::Fifo { by_group: !by_group }
            }
            (_, kind) => kind,
        }
    }

    /// What a queue takes a receipt for.
    pub(crate) fn receipt(self, receipt: Receipt, queue: &Queue) -> Receipt {
        let last = queue.delivery(receipt.key).map(|delivery| delivery.number);
        match (self, last) {
            (Self::HonoursOldReceipts, Some(delivery)) => Receipt { delivery, ..receipt },
            _ => receipt,
        }
    }

    /// What a queue is set to that ought to be set to `settings`.
    pub(crate) fn settings(self, mut settings: Settings) -> Settings {
        if self == Self::KeepsMessagesLonger {
            settings.retention += Duration::from_millis(1);
        }
        if let Some(policy) = &mut settings.redrive {
            policy.receive_count_max = self.receive_count_max(policy.receive_count_max);
        }
        settings
    }

    fn receive_count_max(self, receive_count_max: u32) -> u32 {
        if self == Self::DeadLettersOneReceiveEarly {
            receive_count_max - 1
        } else if self == Self::DeadLettersOneReceiveLate {
            receive_count_max + 1
        } else if self == Self::ForgetsToCountReceives {
            u32::MAX
        } else {
            receive_count_max
        }
    }

    /// What happens where `event` ought to.
    pub(crate) fn event(self, event: Event, queue: &Queue, now: Timestamp) -> Option<Event> {
        let event = match (self, event) {
            (Self::EndsLeasesLate, Event::Received { deliveries }) => leased(&deliveries, later),
            (Self::EndsLeasesEarly, Event::Received { deliveries }) => leased(&deliveries, earlier),
            (Self::TreatsNoVisibilityTimeoutAsOneMillisecond, Event::Received { deliveries }) => {
                leased(&deliveries, |until| until.max(later(now)))
            }
            (Self::AddsToTheQueuesVisibilityTimeout, Event::VisibilityChanged { key, until }) => {
                Event::VisibilityChanged { key, until: until + queue.settings().visibility_timeout }
            }
            (Self::IgnoresDelays, Event::Sent { key, id, bytes, available_at: _, group }) => {
                Event::Sent { key, id, bytes, available_at: now, group }
            }
            (Self::EndsDelaysLate, Event::Sent { key, id, bytes, available_at, group }) => {
                Event::Sent { key, id, bytes, available_at: later(available_at), group }
            }
            (wrong, Event::SentFifo { key, id, bytes, group, deduplication_id }) => {
                let (group, deduplication_id) = wrong.ids(key, group, deduplication_id);
                Event::SentFifo { key, id, bytes, group, deduplication_id }
            }
            (wrong, Event::Sent { key, id, bytes, available_at, group }) => {
                Event::Sent { key, id, bytes, available_at, group: wrong.group(group) }
            }
            (Self::ForgetsWhereMessagesCameFrom, Event::Arrived { messages, source }) => {
                let other = if source == arn(0) { arn(1) } else { arn(0) };
                Event::Arrived { messages, source: other }
            }
            (Self::MovesMessagesWithoutTheirGroup, Event::Arrived { messages, source }) => {
                Event::Arrived { messages: each(messages, |message| message.group = None), source }
            }
            (Self::LeavesDelaysOfMessagesAsTheyWere, Event::SettingsChanged { settings }) => {
                let delay = queue.settings().delay;
                Event::SettingsChanged { settings: Settings { delay, ..settings } }
            }
            (Self::ResetsTheCountAtAMove, Event::Arrived { messages, source }) => Event::Arrived {
                messages: each(messages, |message| message.receive_count = 0),
                source,
            },
            (Self::RestartsRetentionAtAMove, Event::Arrived { messages, source }) => {
                Event::Arrived { messages: each(messages, |message| message.sent_at = now), source }
            }
            (Self::KeepsDeletedMessages, Event::Deleted { .. })
            | (Self::ForgetsToPurge, Event::Purged)
            | (Self::LosesMessagesAtAMove, Event::Arrived { .. })
            | (Self::KeepsMovedMessages, Event::DeadLettered { .. })
            | (Self::ForgetsAttempts, Event::Attempted { .. })
            | (Self::RepeatsWithoutANewLease, Event::Repeated { .. })
            | (Self::IgnoresNewSettings, Event::SettingsChanged { .. }) => return None,
            (_, event) => event,
        };
        Some(event)
    }

    /// The group that a message of a standard queue gets.
    fn group(self, group: Option<String>) -> Option<String> {
        if self == Self::ForgetsGroups {
            None
        } else if self == Self::TakesMessagesWithoutAGroupForOne {
            Some(group.unwrap_or_default())
        } else if self == Self::OrdersAllGroupsAsOne {
            group.map(|_| "one".to_owned())
        } else {
            group
        }
    }

    /// How a fair queue shares out, where it is not the engine that does.
    pub(crate) fn sharing(self) -> Option<Sharing> {
        let right = Sharing::RIGHT;
        let rules = [
            (Self::SharesOutByHand, right),
            (
                Self::DeliversOldestFirstWhateverTheGroup,
                Sharing { in_flight_min: usize::MAX, ..right },
            ),
            (Self::DeliversNoisyGroupsFirst, Sharing { turn: Turn::First, ..right }),
            (Self::WithholdsNoisyGroups, Sharing { turn: Turn::Never, ..right }),
            (Self::NeverLetsAGroupBeQuietAgain, Sharing { for_ever: true, ..right }),
            (Self::IsNoisyWith29InFlight, Sharing { in_flight_min: 29, ..right }),
            (Self::IsNoisyWith31InFlight, Sharing { in_flight_min: 31, ..right }),
            (Self::IsNoisyWithATenth, Sharing { share: Share::ATenth, ..right }),
            (Self::IsNoisyWithoutATenth, Sharing { share: Share::Any, ..right }),
            (Self::LooksAgainWhoIsNoisyWithinAReceive, Sharing { one_by_one: true, ..right }),
        ];
        rules.into_iter().find(|(mutant, _)| *mutant == self).map(|(_, rule)| rule)
    }

    /// The group and the deduplication id that a message gets.
    fn ids(self, key: MessageKey, group: String, id: String) -> (String, String) {
        let group = if self == Self::OrdersAllGroupsAsOne {
            "one".to_owned()
        } else if self == Self::LocksNoGroup {
            format!("{group}-{key}")
        } else {
            group
        };
        (group, if self == Self::AcceptsDuplicates { format!("{id}-{key}") } else { id })
    }

    /// What the receiver is told instead of `receive_count`.
    pub(crate) fn receive_count(self, receive_count: u32) -> u32 {
        if self == Self::ForgetsToCountReceives { 1 } else { receive_count }
    }

    /// Whether the event reaches the log.
    pub(crate) fn is_logged(self, event: &Event) -> bool {
        !matches!(
            (self, event),
            (Self::ForgetsToRecordSends, Event::SentFifo { .. })
                | (Self::ForgetsToRecordMoves, Event::Arrived { .. })
                | (Self::ForgetsToRecordDeletes, Event::Deleted { .. })
                | (Self::ForgetsToRecordReceives, Event::Received { .. })
        )
    }
}

fn leased(
    deliveries: &[(MessageKey, Timestamp)],
    change: impl Fn(Timestamp) -> Timestamp,
) -> Event {
    Event::Received {
        deliveries: deliveries.iter().map(|(key, until)| (*key, change(*until))).collect(),
    }
}

fn each(mut messages: Vec<Message>, change: impl Fn(&mut Message)) -> Vec<Message> {
    messages.iter_mut().for_each(change);
    messages
}

fn later(time: Timestamp) -> Timestamp {
    time + Duration::from_millis(1)
}

fn earlier(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis() - 1)
}
