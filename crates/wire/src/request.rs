//! Every request that can be decoded, and every reply that can be encoded.
//!
//! Both enums are closed on purpose: whoever answers requests must think of each action. They are made
//! from the one list of actions, [`each_action`].

use serde::Serialize;

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the list names every action")
)]
use crate::action::*;
use crate::each_action;

/// An action of SQS: the members that it is sent with, and what goes with them.
pub trait Action: Into<Request> {
    /// What it is called, as SQS spells it.
    const NAME: &'static str;

    /// What it answers when it succeeds; `()` if it has no output.
    type Reply: Into<Reply>;

    /// Which queue it is for, in the words of its caller.
    fn queue(&self) -> Named<'_>;
}

/// How an action names the queue that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// By a queue's URL, or a bare name in its place.
    Url(&'a str),
    /// By a queue's name.
    Name(&'a str),
    /// By an ARN.
    Arn(&'a str),
    /// It is for none.
    None,
}

macro_rules! named {
    ($action:ident url) => {
        Named::Url(&$action.queue_url)
    };
    ($action:ident name) => {
        Named::Name(&$action.queue_name)
    };
    ($action:ident arn) => {
        Named::Arn(&$action.source_arn)
    };
    ($action:ident none) => {
        Named::None
    };
}

macro_rules! is_for_anyone {
    (anyone) => {
        true
    };
    (owner) => {
        false
    };
}

/// What stands in the list, or what stands for it if nothing does.
macro_rules! or {
    (($listed:ty) $other:ty) => {
        $listed
    };
    ($other:ty) => {
        $other
    };
}

macro_rules! requests {
    ($($action:ident by $by:ident for $whom:ident $(sent as $sent:tt)? $(answers ($reply:ident))?;)*) => {
        /// A decoded request: its required members are there, nothing else has been checked.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Request {
            $(#[doc = concat!("`", stringify!($action), "`.")] $action($action),)*
        }

        impl Request {
            /// The name of every action that can be decoded.
            pub const ACTIONS: &'static [&'static str] = &[$($action::NAME),*];

            /// The action's name, as SQS spells it.
            pub const fn action(&self) -> &'static str {
                match self { $(Self::$action(_) => $action::NAME,)* }
            }

            /// Whether a queue's policy can let anyone carry out the action of that name, or only the
            /// owner may; `None` if there is no such action.
            pub fn is_for_anyone(action: &str) -> Option<bool> {
                match action {
                    $(stringify!($action) => Some(is_for_anyone!($whom)),)*
                    _ => None,
                }
            }

            /// Which queue the request is for, in the words of its caller.
            pub fn queue(&self) -> Named<'_> {
                match self { $(Self::$action(action) => action.queue(),)* }
            }
        }

        $(impl Action for $action {
            const NAME: &'static str = stringify!($action);

            type Reply = or!($(($reply))? ());

            fn queue(&self) -> Named<'_> {
                named!(self $by)
            }
        }

        impl From<$action> for Request {
            fn from(action: $action) -> Self {
                Self::$action(action)
            }
        })*

        /// What an action that succeeded answers; it is serialized as the members of its output.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Reply {
            $($(
                #[doc = concat!("Answers `", stringify!($action), "`.")]
                $action($reply),
            )?)*
            /// Answers every action that has no output.
            Empty,
        }

        $($(impl From<$reply> for Reply {
            fn from(reply: $reply) -> Self {
                Self::$action(reply)
            }
        })?)*

        impl From<()> for Reply {
            fn from((): ()) -> Self {
                Self::Empty
            }
        }
    };
}

each_action!(requests);
