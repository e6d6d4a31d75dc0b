//! Any bytes as a policy: parsed or refused, and a stranger is let in by an `Allow` alone.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use longshore_broker::policy::{Access, Decision, Policy, Principal, RequestContext, decide};
use longshore_types::{AccountId, QueueArn, QueueName, Region, Timestamp};

fn queue() -> QueueArn {
    QueueArn {
        region: Region::default(),
        account: AccountId::default(),
        name: QueueName::parse("q").expect("a letter is a name"),
    }
}

fn stranger() -> Principal {
    let account = AccountId::parse("123456789012").expect("twelve digits are an account");
    Principal::Iam { account, arn: "arn:aws:iam::123456789012:user/stranger".to_owned() }
}

fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::parse(text) else { return };
    let context = RequestContext {
        now: Timestamp::from_millis(1_795_400_000_000),
        source_ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        secure_transport: false,
        user_agent: Some("sdk".to_owned()),
    };
    let queue = queue();
    for principal in [Principal::Anonymous, stranger()] {
        for action in ["SendMessage", "ReceiveMessage", "DeleteMessageBatch", "DeleteQueue"] {
            let access = Access { principal: &principal, action, queue: &queue, context: &context };
            let allowed = matches!(decide(Some(&policy), &access), Decision::Allowed);
            let said = text.contains("llow") || text.contains("\\u");
            assert!(!allowed || said, "{action} was allowed without an Allow");
            assert!(!allowed || action != "DeleteQueue", "only the owner deletes a queue");
        }
    }
});
