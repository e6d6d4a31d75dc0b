//! What should be a signature and lacks a part of it.

use longshore_wire::signature::{Claim, SignatureRefusal as Refusal};

use super::Sent;

#[track_caller]
fn check(sent: &Sent, refusal: &Refusal) {
    assert_eq!(sent.view(Claim::of).as_ref().unwrap_err(), refusal, "{sent:?}");
}

#[test]
fn each_part_of_the_header_is_needed_once() {
    for part in ["Credential", "SignedHeaders", "Signature"] {
        let mut without = Sent::json().signed();
        without.replace("authorization", &format!("{part}="), "Other=");
        check(&without, &Refusal::MissingInHeader(part));
        let mut twice = Sent::json().signed();
        twice.header("authorization").extend(format!(", {part}=x").as_bytes());
        check(&twice, &Refusal::MissingInHeader(part));
    }
    let nothing = Sent::json().with("authorization", "AWS4-HMAC-SHA256");
    check(&nothing, &Refusal::MissingInHeader("Credential"));
    let text = Refusal::MissingInHeader("Signature").to_string();
    assert_eq!(text, "Authorization header requires 'Signature' parameter.");
}

#[test]
fn each_parameter_of_a_presigned_url_is_needed_once() {
    let url = Sent::new("GET", "/", "Action=ListQueues", b"").presigned();
    for part in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let mut without = url.clone();
        without.query = without.query.replace(&format!("{part}="), "Other=");
        check(&without, &Refusal::MissingInUrl(part));
        let mut twice = url.clone();
        twice.query = format!("{}&{part}=x", twice.query);
        check(&twice, &Refusal::MissingInUrl(part));
    }
    let mut expires = url.clone();
    expires.query += "&X-Amz-Expires=60";
    check(&expires, &Refusal::MissingInUrl("X-Amz-Expires"));
    let mut week = url.clone();
    week.query = week.query.replace("X-Amz-Expires=60", "X-Amz-Expires=604801");
    check(&week, &Refusal::MalformedExpires);
    let mut host = url;
    host.query = host.query.replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=x");
    check(&host, &Refusal::NotSigned("host"));
}

#[test]
fn a_date_is_needed_and_can_be_read() {
    let without = |name: &str| {
        let mut sent = Sent::json().signed();
        sent.headers.retain(|(given, _)| given != name);
        sent
    };
    check(&without("x-amz-date"), &Refusal::MissingDate);
    let mut yesterday = Sent::json().signed();
    *yesterday.header("x-amz-date") = b"yesterday".to_vec();
    check(&yesterday, &Refusal::MalformedDate);
    *yesterday.header("x-amz-date") = vec![0xFF];
    check(&yesterday, &Refusal::MalformedDate);
}
