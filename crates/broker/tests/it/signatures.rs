//! A broker that requires signatures: who gets in, and whose queues they are.

mod signer;

use std::sync::Arc;

use longshore_broker::{Broker, KeyRing, ServerOptions};

use crate::http::Server;
use crate::support::*;
use signer::Signer;

const KEYS: &str = "
    [[access_key]]
    id = 'ann'
    secret = 'secret of ann'
    account = '111111111111'
    user = 'ann'

    [[access_key]]
    id = '222222222222'
    secret = 'secret of 2'

    [[access_key]]
    id = 'own'
    secret = 'secret of the broker'
";
const ANN: Signer = Signer { id: "ann", secret: "secret of ann" };
const TWO: Signer = Signer { id: "222222222222", secret: "secret of 2" };
const OWN: Signer = Signer { id: "own", secret: "secret of the broker" };

async fn serve(require_signatures: bool) -> Server {
    serve_broker(in_memory().await, require_signatures).await
}

async fn serve_broker(broker: Broker, require_signatures: bool) -> Server {
    let keys = Arc::new(KeyRing::parse(KEYS).unwrap());
    let options = ServerOptions { keys, require_signatures, ..ServerOptions::default() };
    Server::serve(broker, options).await
}

#[track_caller]
fn assert_refused(response: &str, status: u16, query_code: &str, text: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert!(
        response.contains(&format!("x-amzn-query-error: {query_code};Sender\r\n")),
        "{response}"
    );
    assert!(response.contains(text), "{response}");
}

#[tokio::test]
async fn a_known_keys_signature_lets_in_and_says_whose_queue_it_is() {
    let server = serve(true).await;
    for (signer, account) in [(ANN, "111111111111"), (TWO, "222222222222"), (OWN, "000000000000")] {
        let created = signer.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
        assert!(created.starts_with("HTTP/1.1 200 "), "{created}");
        assert!(created.ends_with(&format!("/{account}/jobs\"}}")), "{created}");
    }
    assert_eq!(server.broker.queue_count(), 3);
}

#[tokio::test]
async fn a_form_and_a_presigned_url_are_let_in() {
    let server = serve(true).await;
    let created = OWN.form(&server, "Action=CreateQueue&QueueName=jobs").await;
    assert!(created.starts_with("HTTP/1.1 200 "), "{created}");
    let presigned = OWN.presigned(&server, "Action=ListQueues").await;
    assert!(presigned.contains("/000000000000/jobs</QueueUrl>"), "{presigned}");
}

#[tokio::test]
async fn an_unsigned_request_is_denied_access_and_health_is_not() {
    let server = serve(true).await;
    let denied = server.action("ListQueues", "{}").await;
    let text = format!("Access to the resource http://{}/ is denied.", server.address);
    assert_refused(&denied, 403, "AccessDenied", &text);
    assert!(denied.contains("#MissingAuthenticationTokenException\""), "{denied}");
    let get = server.exchange("GET /000000000000/jobs?Action=PurgeQueue HTTP/1.1", "").await;
    assert!(get.starts_with("HTTP/1.1 403 ") && get.contains("<Code>AccessDenied</Code>"), "{get}");
    let large = server.action("ListQueues", &" ".repeat(1999)).await;
    assert!(large.starts_with("HTTP/1.1 403 "), "{large}");
    let health = server.exchange("GET /health HTTP/1.1", "").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
}

#[tokio::test]
async fn the_older_signature_of_a_form_is_refused_by_its_name() {
    let server = serve(true).await;
    let head = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    let form = "Action=ListQueues&AWSAccessKeyId=own&SignatureVersion=2&Signature=x";
    let refused = server.exchange(head, form).await;
    assert!(refused.contains("<Code>IncompleteSignature</Code>"), "{refused}");
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_key_and_another_body_are_refused() {
    let server = serve(true).await;
    let wrong = Signer { secret: "guessed", ..ANN };
    let mismatch = "The request signature we calculated does not match";
    let refused = wrong.json(&server, "ListQueues", "{}").await;
    assert_refused(&refused, 403, "SignatureDoesNotMatch", mismatch);
    let unknown = Signer { id: "333333333333", secret: "x" };
    let refused = unknown.json(&server, "ListQueues", "{}").await;
    let text = "The security token included in the request is invalid.";
    assert_refused(&refused, 403, "InvalidClientTokenId", text);
    let head = ANN.json_head(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#);
    let refused = server.exchange_as_is(&head, r#"{"QueueName":"mine"}"#).await;
    assert_refused(&refused, 403, "SignatureDoesNotMatch", mismatch);
    assert_eq!(server.broker.queue_count(), 0);
}

#[tokio::test]
async fn a_strangers_large_body_is_not_waited_for() {
    let server = serve(true).await;
    let head = "POST / HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 99999\r\nx-amz-target: AmazonSQS.ListQueues\r\nconnection: close";
    let refused = server.exchange_as_is(head, "").await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}

#[tokio::test]
async fn what_is_not_decodable_is_refused_for_its_signature_first() {
    let server = serve(true).await;
    let denied = server.action("NoSuchAction", "{").await;
    assert!(denied.starts_with("HTTP/1.1 403 "), "{denied}");
    let unknown = ANN.json(&server, "NoSuchAction", "{}").await;
    assert_refused(&unknown, 400, "InvalidAction", "");
}

#[tokio::test]
async fn another_accounts_queue_cannot_be_reached_and_what_is_not_there_does_not_exist() {
    let server = serve(true).await;
    ANN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    let url = |account: &str, name: &str| format!(r#"{{"QueueUrl":"http://h/{account}/{name}"}}"#);
    let own = ANN.json(&server, "PurgeQueue", &url("111111111111", "jobs")).await;
    assert!(own.starts_with("HTTP/1.1 200 "), "{own}");
    let denied = TWO.json(&server, "PurgeQueue", &url("111111111111", "jobs")).await;
    let text = "User: arn:aws:iam::222222222222:root is not authorized to perform: sqs:purgequeue on resource: arn:aws:sqs:us-east-1:111111111111:jobs";
    assert_refused(&denied, 403, "AccessDenied", text);
    let none = TWO.json(&server, "PurgeQueue", &url("111111111111", "none")).await;
    assert_refused(&none, 400, "AWS.SimpleQueueService.NonExistentQueue", "");
    let lookup = r#"{"QueueName":"jobs","QueueOwnerAWSAccountId":"111111111111"}"#;
    let denied = TWO.json(&server, "GetQueueUrl", lookup).await;
    assert_refused(&denied, 403, "AccessDenied", "sqs:getqueueurl");
    let list = TWO.json(&server, "ListQueues", "{}").await;
    assert!(list.ends_with("\r\n\r\n{}"), "{list}");
}

/// Sets the policy of the queue `jobs` of ann's account to these statements.
async fn set_policy(server: &Server, statements: &str) {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = policy.replace('"', r#"\""#);
    let body = format!(r#"{{"QueueUrl":"jobs","Attributes":{{"Policy":"{policy}"}}}}"#);
    let set = ANN.json(server, "SetQueueAttributes", &body).await;
    assert!(set.starts_with("HTTP/1.1 200 "), "{set}");
}

const ALLOW_TWO: &str = r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["sqs:SendMessage","sqs:GetQueueUrl","sqs:SetQueueAttributes"],"Resource":"*"}"#;
const DENY_ALL_SENDS: &str =
    r#"{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}"#;

#[tokio::test]
async fn a_policy_opens_a_queue_to_another_account_for_what_it_says() {
    let server = serve(true).await;
    ANN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    set_policy(&server, ALLOW_TWO).await;
    let url = "http://h/111111111111/jobs";
    let lookup = r#"{"QueueName":"jobs","QueueOwnerAWSAccountId":"111111111111"}"#;
    let found = TWO.json(&server, "GetQueueUrl", lookup).await;
    assert!(found.ends_with("/111111111111/jobs\"}"), "{found}");
    let send = format!(r#"{{"QueueUrl":"{url}","MessageBody":"x"}}"#);
    let accepted = TWO.json(&server, "SendMessage", &send).await;
    assert!(accepted.starts_with("HTTP/1.1 200 "), "{accepted}");
    let batch = format!(
        r#"{{"QueueUrl":"{url}","Entries":[{{"Id":"a","MessageBody":"y"}},{{"Id":"b","MessageBody":"z"}}]}}"#
    );
    let accepted = TWO.json(&server, "SendMessageBatch", &batch).await;
    assert!(accepted.starts_with("HTTP/1.1 200 ") && accepted.contains("Successful"), "{accepted}");
    let bare = TWO.json(&server, "SendMessage", r#"{"QueueUrl":"jobs","MessageBody":"x"}"#).await;
    assert_refused(&bare, 400, "AWS.SimpleQueueService.NonExistentQueue", "");
    let receive = format!(r#"{{"QueueUrl":"{url}"}}"#);
    let denied = TWO.json(&server, "ReceiveMessage", &receive).await;
    assert_refused(&denied, 403, "AccessDenied", "perform: sqs:receivemessage on");
    // Only the owner changes a queue, whatever its policy says.
    let set = format!(r#"{{"QueueUrl":"{url}","Attributes":{{"DelaySeconds":"1"}}}}"#);
    let denied = TWO.json(&server, "SetQueueAttributes", &set).await;
    assert_refused(&denied, 403, "AccessDenied", "sqs:setqueueattributes");
    let taken = ANN
        .json(
            &server,
            "ReceiveMessage",
            r#"{"QueueUrl":"jobs","MaxNumberOfMessages":10,"AttributeNames":["SenderId"]}"#,
        )
        .await;
    assert_eq!(taken.matches(r#""SenderId":"222222222222""#).count(), 3, "{taken}");
}

#[tokio::test]
async fn a_statement_that_denies_wins_for_the_owner_too_and_for_a_batch() {
    let server = serve(true).await;
    ANN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    set_policy(&server, &format!("{ALLOW_TWO},{DENY_ALL_SENDS}")).await;
    let url = "http://h/111111111111/jobs";
    let send = format!(r#"{{"QueueUrl":"{url}","MessageBody":"x"}}"#);
    let batch = format!(r#"{{"QueueUrl":"{url}","Entries":[{{"Id":"a","MessageBody":"y"}}]}}"#);
    for signer in [ANN, TWO] {
        for (action, body) in [("SendMessage", &send), ("SendMessageBatch", &batch)] {
            let denied = signer.json(&server, action, body).await;
            let text = "sqs:sendmessage on resource: arn:aws:sqs:us-east-1:111111111111:jobs with an explicit deny";
            assert_refused(&denied, 403, "AccessDenied", text);
        }
    }
    let counted = r#"{"QueueUrl":"jobs","AttributeNames":["ApproximateNumberOfMessages"]}"#;
    let counted = ANN.json(&server, "GetQueueAttributes", counted).await;
    assert!(counted.contains(r#""ApproximateNumberOfMessages":"0""#), "{counted}");
}

#[tokio::test]
async fn a_policy_holds_from_its_setting_to_its_removal_and_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve_broker(on_disk(directory.path()).await, true).await;
    let policy = format!(r#"{{"Statement":{ALLOW_TWO}}}"#).replace('"', r#"\""#);
    let create = format!(r#"{{"QueueName":"jobs","Attributes":{{"Policy":"{policy}"}}}}"#);
    ANN.json(&server, "CreateQueue", &create).await;
    let send = r#"{"QueueUrl":"http://h/111111111111/jobs","MessageBody":"x"}"#;
    let lets_in = async |server: &Server, signer: Signer| {
        signer.json(server, "SendMessage", send).await.starts_with("HTTP/1.1 200 ")
    };
    assert!(lets_in(&server, TWO).await, "as it was created");
    set_policy(&server, DENY_ALL_SENDS).await;
    assert!(!lets_in(&server, ANN).await, "as it was set");
    server.broker.close().await;
    let server = serve_broker(on_disk(directory.path()).await, true).await;
    assert!(!lets_in(&server, ANN).await, "as it was kept");
    let remove = r#"{"QueueUrl":"jobs","Attributes":{"Policy":""}}"#;
    ANN.json(&server, "SetQueueAttributes", remove).await;
    assert!(lets_in(&server, ANN).await && !lets_in(&server, TWO).await, "without one");
}

#[tokio::test]
async fn a_condition_on_the_address_or_the_user_is_about_the_signed_request() {
    let server = serve(true).await;
    ANN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    let purge = r#"{"QueueUrl":"http://h/111111111111/jobs"}"#;
    for (condition, allowed) in [
        (r#""IpAddress":{"aws:SourceIp":"127.0.0.0/8"}"#, true),
        (r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, false),
        (r#""Bool":{"aws:SecureTransport":"true"}"#, false),
        (r#""StringEquals":{"aws:PrincipalArn":"arn:aws:iam::222222222222:root"}"#, true),
    ] {
        let allow = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:PurgeQueue","Resource":"*","Condition":{COND}}"#;
        set_policy(&server, &allow.replace("COND", condition)).await;
        let purged = TWO.json(&server, "PurgeQueue", purge).await;
        assert_eq!(purged.starts_with("HTTP/1.1 200 "), allowed, "{condition}: {purged}");
        let anonymous = server.action("PurgeQueue", purge).await;
        assert!(anonymous.starts_with("HTTP/1.1 403 "), "{anonymous}");
    }
}

#[tokio::test]
async fn the_sender_of_a_message_is_the_keys_user() {
    let server = serve(true).await;
    ANN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    let send = r#"{"QueueUrl":"jobs","MessageBody":"x"}"#;
    ANN.json(&server, "SendMessage", send).await;
    let receive = r#"{"QueueUrl":"jobs","AttributeNames":["SenderId"]}"#;
    let received = ANN.json(&server, "ReceiveMessage", receive).await;
    assert!(received.contains(r#""Attributes":{"SenderId":"AIDA"#), "{received}");
}

#[tokio::test]
async fn a_broker_that_requires_no_signatures_still_keeps_the_keys_accounts_apart() {
    let server = serve(false).await;
    let wrong = Signer { secret: "guessed", ..ANN };
    let created = wrong.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    assert!(created.ends_with("/111111111111/jobs\"}"), "{created}");
    let found = server.action("GetQueueUrl", r#"{"QueueName":"jobs"}"#).await;
    assert_refused(&found, 400, "AWS.SimpleQueueService.NonExistentQueue", "");
    // The URL names the account, and nobody is checked.
    let url = r#"{"QueueUrl":"http://h/111111111111/jobs"}"#;
    let purged = server.action("PurgeQueue", url).await;
    assert!(purged.starts_with("HTTP/1.1 200 "), "{purged}");
}

#[tokio::test]
async fn the_process_itself_needs_no_signature() {
    let server = serve(true).await;
    create(&server.broker, "jobs", &[]).await;
    send(&server.broker, "x").await;
    assert_eq!(bodies(&receive(&server.broker, 0).await), ["x"]);
}

#[tokio::test]
async fn q7_who_may_not_receive_may_not_look_at_messages() {
    let server = serve(true).await;
    OWN.json(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#).await;
    let unsigned = server.exchange("GET /_aws/sqs/messages?QueueUrl=jobs HTTP/1.1", "").await;
    assert!(unsigned.starts_with("HTTP/1.1 403"), "{unsigned}");
    assert!(unsigned.contains("Access to the resource"), "{unsigned}");
}

#[tokio::test]
async fn c13_only_a_trusted_proxy_says_that_a_client_came_over_tls() {
    let purge = r#"{"QueueUrl":"http://h/111111111111/jobs"}"#;
    let over_tls = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:PurgeQueue","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#;
    for (trusted, allowed) in [(&[][..], false), (&["10.0.0.0/8"], false), (&["127.0.0.1"], true)] {
        let trusted_proxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let keys = Arc::new(KeyRing::parse(KEYS).unwrap());
        let options = ServerOptions { keys, require_signatures: true, ..ServerOptions::default() };
        let options = ServerOptions { trusted_proxies, ..options };
        let server = Server::serve(in_memory().await, options).await;
        let create = ANN.json_head(&server, "CreateQueue", r#"{"QueueName":"jobs"}"#);
        let create = format!("{create}\r\nx-forwarded-proto: https");
        let created = server.exchange_as_is(&create, r#"{"QueueName":"jobs"}"#).await;
        let scheme = if allowed { "https" } else { "http" };
        assert!(created.contains(&format!("\"{scheme}://")), "{trusted:?}: {created}");
        set_policy(&server, over_tls).await;
        let head = TWO.json_head(&server, "PurgeQueue", purge);
        let forwarded = format!("{head}\r\nx-forwarded-proto: https");
        let purged = server.exchange_as_is(&forwarded, purge).await;
        assert_eq!(purged.starts_with("HTTP/1.1 200 "), allowed, "{trusted:?}: {purged}");
    }
}

#[tokio::test]
async fn c14_health_says_to_a_stranger_how_the_broker_is_and_nothing_of_queues() {
    let server = serve(true).await;
    create(&server.broker, "jobs", &[]).await;
    let health = server.exchange("GET /health HTTP/1.1", "").await;
    assert!(health.ends_with("\r\n\r\n{\"role\":\"broker\",\"status\":\"ok\"}"), "{health}");
}

#[tokio::test]
async fn c9_a_request_that_no_key_can_have_signed_is_refused_before_its_body_is_read() {
    let server = serve(true).await;
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2000\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: AmazonSQS.SendMessage\r\nauthorization: AWS4-HMAC-SHA256 Credential=nobody/20261123/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00\r\nx-amz-date: 20261123T000000Z";
    let refused = server.exchange_as_is(head, "").await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}
