//! What becomes of those who wait by leave of a queue's policy.

use longshore_wire::{RemovePermission, SetQueueAttributes};

use super::*;
use crate::access::Identity;
use crate::caller::Rights;
use crate::core::Asker;
use crate::policy::RequestContext;

const ALLOWED: &str = r#"{"Statement":[{"Sid":"all","Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"}]}"#;

/// Somebody of another account, who is checked.
fn stranger() -> Caller {
    let account = longshore_types::AccountId::parse("222222222222").unwrap();
    let place = Place { account: account.clone(), ..Place::default() };
    let context = RequestContext {
        now: Timestamp::ZERO,
        source_ip: None,
        secure_transport: false,
        user_agent: None,
    };
    Caller {
        identity: Some(Identity { account, user: None }),
        rights: Rights::Granted(context),
        ..Caller::new("http://localhost", place)
    }
}

impl World {
    fn receive_as_stranger(&mut self, receive: Receive) -> Told {
        let (client, told) = Client::new(&Rc::default());
        let caller = stranger();
        self.core.receive(receive, Asker::new(&caller, "ReceiveMessage"), client, self.now);
        told
    }

    fn set_policy(&mut self) {
        let attributes = [("Policy".to_owned(), ALLOWED.to_owned())].into();
        self.ask(SetQueueAttributes { queue_url: URL.into(), attributes });
        self.sync();
    }
}

#[test]
fn c17_a_receive_that_waits_does_not_outlive_the_policy_that_let_it_in() {
    let mut world = World::with_queue();
    world.set_policy();
    let (stranger, owner) =
        (world.receive_as_stranger(long_receive()), world.receive(long_receive()));
    assert!(stranger.borrow().is_none());
    world.ask(RemovePermission { queue_url: URL.into(), label: "all".into() });
    world.ask(Send);
    world.sync();
    assert_eq!(delivered(&stranger), Some(0));
    assert_eq!(delivered(&owner), Some(1), "the owner waits on");
    let refused = world.receive_as_stranger(long_receive());
    assert!(matches!(&*refused.borrow(), Some(Err(SqsError::AccessDenied(_)))));
}

#[test]
fn c17_who_waits_is_not_concerned_by_other_attributes() {
    let mut world = World::with_queue();
    world.set_policy();
    let stranger = world.receive_as_stranger(long_receive());
    let attributes = [("VisibilityTimeout".to_owned(), "77".to_owned())].into();
    world.ask(SetQueueAttributes { queue_url: URL.into(), attributes });
    world.sync();
    assert!(stranger.borrow().is_none());
}
