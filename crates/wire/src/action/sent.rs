//! From an action's name to its request, in every protocol.

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the list names every action")
)]
use super::*;
use crate::{Request, SqsError, each_action};

macro_rules! form {
    ($action:ident) => {
        $action
    };
    ($action:ident ($sent:ty)) => {
        $sent
    };
}

macro_rules! sent {
    ($($action:ident by $by:ident for $whom:ident $(sent as $sent:tt)? $(answers $reply:tt)?;)*) => {
        /// What was sent, in the form of one protocol.
        pub(crate) trait Sent {
            /// Reads the members of an action out of it. Those that the action does not have are
            /// ignored.
            fn members<I: Input>(&self) -> Result<I, SqsError>;

            /// The request of the action of that name; the case counts.
            fn request(&self, action: &str) -> Result<Request, SqsError> {
                match action {
                    $(stringify!($action) => self.read::<form!($action $($sent)?)>(),)*
                    _ => Err(SqsError::unknown_operation(action)),
                }
            }

            /// The members of an action, and the request that they make.
            fn read<I: Input>(&self) -> Result<Request, SqsError> {
                self.members::<I>()?.into_request()
            }
        }
    };
}

each_action!(sent);
