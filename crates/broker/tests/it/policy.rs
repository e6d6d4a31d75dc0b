//! What policies let whom do: a statement, somebody who asks, and the decision.

mod conditions;

use longshore_broker::policy::{
    Access, Decision, Denial, Policy, PolicyError, Principal, RequestContext, decide,
};
use longshore_types::{AccountId, QueueArn, Timestamp};
use longshore_wire::SqsError;
use proptest::prelude::{any, prop_assert, proptest};

use crate::support::{in_memory, try_create};

const ALLOWED: Decision = Decision::Allowed;
const EXPLICIT: Decision = Decision::Denied(Denial::Explicit);
const NOT_ALLOWED: Decision = Decision::Denied(Denial::NotAllowed);

const OWNER: &str = "000000000000";
const OTHER: &str = "111111111111";

fn queue() -> QueueArn {
    QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:jobs").unwrap()
}

/// A user `alice` of an account.
fn alice(account: &str) -> Principal {
    let arn = format!("arn:aws:iam::{account}:user/team/alice");
    Principal::Iam { account: AccountId::parse(account).unwrap(), arn }
}

/// A request at 2026-09-21T14:13:20Z from 10.1.2.3, without TLS.
fn context() -> RequestContext {
    RequestContext {
        now: Timestamp::from_millis(1_790_000_000_000),
        source_ip: Some("10.1.2.3".parse().unwrap()),
        secure_transport: false,
        user_agent: Some("Boto3/1.42".to_owned()),
    }
}

/// Decides by statements, given as the elements of a list of JSON.
#[track_caller]
fn decided(statements: &str, principal: &Principal, action: &str) -> Decision {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = Policy::parse(&text).unwrap();
    let (queue, context) = (queue(), context());
    decide(Some(&policy), &Access { principal, action, queue: &queue, context: &context })
}

/// A statement, given its effect and the principals, actions and resources as JSON.
fn statement(effect: &str, principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Resource":{resource}}}"#
    )
}

#[test]
fn without_a_policy_the_account_of_the_owner_may_and_nobody_else() {
    let (queue, context) = (queue(), context());
    let cases =
        [(alice(OWNER), ALLOWED), (alice(OTHER), NOT_ALLOWED), (Principal::Anonymous, NOT_ALLOWED)];
    for (principal, decision) in cases {
        for action in ["SendMessage", "DeleteQueue"] {
            let access = Access { principal: &principal, action, queue: &queue, context: &context };
            assert_eq!(decide(None, &access), decision, "{principal:?} {action}");
        }
    }
}

#[test]
fn a_principal_is_meant_by_its_arn_its_account_and_everybody() {
    let cases = [
        (r#""*""#, [ALLOWED, ALLOWED]),
        (r#"{"AWS":"*"}"#, [ALLOWED, ALLOWED]),
        (r#"{"AWS":"111111111111"}"#, [ALLOWED, NOT_ALLOWED]),
        (r#"{"AWS":["222222222222","arn:aws:iam::111111111111:root"]}"#, [ALLOWED, NOT_ALLOWED]),
        (r#"{"AWS":"arn:aws:iam::111111111111:user/team/alice"}"#, [ALLOWED, NOT_ALLOWED]),
        (r#"{"AWS":"arn:aws:iam::111111111111:user/alice"}"#, [NOT_ALLOWED, NOT_ALLOWED]),
        (r#"{"AWS":"222222222222"}"#, [NOT_ALLOWED, NOT_ALLOWED]),
        (r#"{"Service":"sns.amazonaws.com"}"#, [NOT_ALLOWED, NOT_ALLOWED]),
    ];
    for (principals, decisions) in cases {
        let allow = statement("Allow", principals, r#""sqs:SendMessage""#, r#""*""#);
        let found = [alice(OTHER), Principal::Anonymous]
            .map(|principal| decided(&allow, &principal, "SendMessage"));
        assert_eq!(found, decisions, "{principals}");
    }
}

#[test]
fn an_action_is_meant_in_any_case_by_wildcards_and_as_a_batch() {
    let cases = [
        (r#""*""#, "SendMessage", ALLOWED),
        (r#""SQS:*""#, "SendMessage", ALLOWED),
        (r#""sqs:sendMESSAGE""#, "SendMessage", ALLOWED),
        (r#""sqs:Send*""#, "SendMessageBatch", ALLOWED),
        (r#""sqs:SendMessage""#, "SendMessageBatch", ALLOWED),
        (r#""sqs:ChangeMessageVisibility""#, "ChangeMessageVisibilityBatch", ALLOWED),
        (r#"["sqs:Get?ueueUrl","sqs:DeleteMessage"]"#, "DeleteMessageBatch", ALLOWED),
        (r#""sqs:SendMessageBatch""#, "SendMessageBatch", NOT_ALLOWED),
        (r#""sqs:Send""#, "SendMessage", NOT_ALLOWED),
        (r#""sns:*""#, "SendMessage", NOT_ALLOWED),
    ];
    for (actions, action, decision) in cases {
        let allow = statement("Allow", r#""*""#, actions, r#""*""#);
        assert_eq!(decided(&allow, &alice(OTHER), action), decision, "{actions} {action}");
    }
}

#[test]
fn what_only_an_owner_can_do_is_denied_to_others_whatever_the_policy_says() {
    let allow = statement("Allow", r#""*""#, r#""sqs:*""#, r#""*""#);
    for action in
        ["DeleteQueue", "SetQueueAttributes", "AddPermission", "TagQueue", "ListQueueTags"]
    {
        assert_eq!(decided(&allow, &alice(OTHER), action), NOT_ALLOWED, "{action}");
        assert_eq!(decided(&allow, &Principal::Anonymous, action), NOT_ALLOWED, "{action}");
        assert_eq!(decided(&allow, &alice(OWNER), action), ALLOWED, "{action}");
    }
    assert_eq!(decided(&allow, &alice(OTHER), "FooBar"), NOT_ALLOWED);
}

#[test]
fn a_queue_is_meant_by_its_arn_with_wildcards() {
    let cases = [
        ("arn:aws:sqs:us-east-1:000000000000:jobs", ALLOWED),
        ("arn:aws:sqs:*:000000000000:j*", ALLOWED),
        ("arn:aws:sqs:*", ALLOWED),
        ("arn:aws:sqs:us-east-1:000000000000:Jobs", NOT_ALLOWED),
        ("arn:aws:sqs:eu-west-1:000000000000:jobs", NOT_ALLOWED),
        ("arn:aws:sqs:us-east-1:000000000000:${aws:username}", NOT_ALLOWED),
    ];
    for (resource, decision) in cases {
        let allow = statement("Allow", r#""*""#, r#""*""#, &format!("\"{resource}\""));
        assert_eq!(decided(&allow, &alice(OTHER), "SendMessage"), decision, "{resource}");
    }
}

#[test]
fn a_statement_that_denies_counts_before_all_that_allow_and_for_the_owner_too() {
    let allow = statement("Allow", r#""*""#, r#""sqs:*""#, r#""*""#);
    let deny = statement("Deny", r#""*""#, r#""sqs:SendMessage""#, r#""*""#);
    for statements in [format!("{allow},{deny}"), format!("{deny},{allow}")] {
        for principal in [alice(OWNER), alice(OTHER), Principal::Anonymous] {
            for action in ["SendMessage", "SendMessageBatch"] {
                assert_eq!(decided(&statements, &principal, action), EXPLICIT);
            }
            assert_eq!(decided(&statements, &principal, "ReceiveMessage"), ALLOWED);
        }
    }
}

#[test]
fn all_but_those_that_are_named_are_meant_by_a_negated_element() {
    let but_alice = r#"{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/team/alice"},
        "NotAction":"sqs:Get*","NotResource":"*:other"}"#;
    let allow = statement("Allow", r#""*""#, r#""*""#, r#""*""#);
    let statements = format!("{allow},{but_alice}");
    assert_eq!(decided(&statements, &alice(OTHER), "SendMessage"), ALLOWED);
    assert_eq!(decided(&statements, &alice(OWNER), "SendMessage"), EXPLICIT);
    assert_eq!(decided(&statements, &alice(OWNER), "GetQueueUrl"), ALLOWED);
    let elsewhere = statements.replace("*:other", "*:jobs");
    assert_eq!(decided(&elsewhere, &alice(OWNER), "SendMessage"), ALLOWED);
}

#[test]
fn what_cannot_be_told_never_allows_and_always_denies() {
    let allow = statement("Allow", r#""*""#, r#""*""#, r#""*:${aws:username}""#);
    assert_eq!(decided(&allow, &alice(OTHER), "SendMessage"), NOT_ALLOWED);
    let deny = statement("Deny", r#""*""#, r#""*""#, r#""*:${aws:username}""#);
    assert_eq!(decided(&deny, &alice(OWNER), "SendMessage"), EXPLICIT);
}

#[test]
fn a_denial_says_who_may_not_do_what_with_which_queue_and_why() {
    let (queue, context, principal) = (queue(), context(), alice(OTHER));
    let access = Access {
        principal: &principal,
        action: "SendMessageBatch",
        queue: &queue,
        context: &context,
    };
    let begin = "User: arn:aws:iam::111111111111:user/team/alice is not authorized to perform: \
                 sqs:sendmessage on resource: arn:aws:sqs:us-east-1:000000000000:jobs";
    let cases = [
        (Denial::Explicit, "with an explicit deny in a resource-based policy"),
        (Denial::NotAllowed, "because no identity-based policy allows the sqs:sendmessage action"),
    ];
    for (denial, because) in cases {
        let error = denial.error(&access);
        assert_eq!(error.to_string(), format!("{begin} {because}"));
        assert_eq!(error.spelling().status, 403);
    }
}

#[test]
fn a_policy_is_bounded_before_it_is_read() {
    let nested = format!(r#"{{"Statement":{}"#, "[".repeat(8_000));
    assert!(matches!(Policy::parse(&nested), Err(PolicyError::Malformed(_))));
    let long = format!(r#"{{"Id":"{}","Statement":[]}}"#, "x".repeat(8_192));
    assert!(matches!(Policy::parse(&long), Err(PolicyError::TooLong { max: 8_192, .. })));
}

/// Pieces of policies: most of what they make together is none, and some is.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    let pieces = [
        r#"{"Statement":"#,
        r#""Effect":"Allow","#,
        r#""Principal":{"AWS":"#,
        r#""Action":"sqs:*","#,
        r#""Resource":"*","#,
        r#""Condition":{"StringLike":{"aws:SourceIp":"#,
        "[",
        "]",
        "{",
        "}",
        "\"*\"",
        ",",
        "true",
        "1e400",
        r#""arn:aws:iam::111111111111:root""#,
    ];
    let piece = proptest::sample::select(pieces.to_vec());
    proptest::strategy::Strategy::prop_map(proptest::collection::vec(piece, 0..24), |all| {
        all.concat()
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), made in pieces()) {
        drop(Policy::parse(&text));
        drop(Policy::parse(&made));
    }

    #[test]
    fn any_condition_is_decided(operator in "[A-Z][A-Za-z:]{0,24}", value in any::<String>()) {
        let condition = serde_json::json!({ operator: { "aws:SourceIp": value } });
        let allow = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{condition}}}"#
        );
        if condition.to_string().len() < 8_000 {
            let decision = decided(&allow, &alice(OTHER), "SendMessage");
            prop_assert!(decision == ALLOWED || decision == NOT_ALLOWED);
        }
    }
}

#[test]
fn q5_a_member_of_a_policy_that_is_null_is_absent() {
    let statement = r#"{"Sid":null,"Effect":"Allow","Principal":"*","NotPrincipal":null,"Action":"*","Resource":"*","Condition":null,"Note":null}"#;
    assert_eq!(decided(statement, &alice(OTHER), "SendMessage"), ALLOWED);
    let without = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let policy = format!(r#"{{"Id":null,"Statement":[{without}],"Version":null}}"#);
    assert!(Policy::parse(&policy).is_ok());
    for (condition, why) in [
        (r#"{"StringEquals":null}"#, "what narrows a permission does not vanish"),
        (r#"{"StringEquals":{"aws:username":null}}"#, "nor does its value"),
    ] {
        let narrowed =
            statement.replace(r#""Condition":null"#, &format!(r#""Condition":{condition}"#));
        assert!(Policy::parse(&format!(r#"{{"Statement":[{narrowed}]}}"#)).is_err(), "{why}");
    }
}

#[tokio::test]
async fn q20_a_policy_has_a_statement_and_an_older_one_without_any_can_be_read() {
    let broker = in_memory().await;
    for statements in ["[]", "null"] {
        let policy = format!(r#"{{"Statement":{statements}}}"#);
        let refused = try_create(&broker, "jobs", &[("Policy", &policy)]).await.unwrap_err();
        assert!(matches!(refused, SqsError::InvalidAttributeValue(_)), "{refused:?}");
    }
    assert!(Policy::parse(r#"{"Statement":[]}"#).is_ok());
    let null = Policy::parse(r#"{"Statement":null}"#);
    assert!(matches!(null, Err(PolicyError::Malformed(_))), "{null:?}");
}
