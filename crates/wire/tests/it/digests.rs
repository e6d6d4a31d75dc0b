//! Digests, against vectors that SQS and its clients agree on.

use longshore_types::{AttributeValue, MessageAttribute, MessageAttributes};
use longshore_wire::digest;

fn attribute(data_type: &str, value: &str) -> MessageAttribute {
    let value = AttributeValue::Text(value.to_owned());
    MessageAttribute { data_type: data_type.to_owned(), value }
}

fn binary(data_type: &str, value: &[u8]) -> MessageAttribute {
    let value = AttributeValue::Binary(value.to_owned());
    MessageAttribute { data_type: data_type.to_owned(), value }
}

#[track_caller]
fn assert_digest<const N: usize>(entries: [(&str, MessageAttribute); N], expected: &str) {
    let attributes: MessageAttributes =
        entries.map(|(name, attribute)| (name.to_owned(), attribute)).into();
    assert_eq!(digest::attributes(&attributes).as_deref(), Some(expected));
}

#[test]
fn a_body_is_digested_as_its_bytes() {
    let cases = [
        ("message", "78e731027d8fd50ed642340b7c9a63b3"),
        ("test", "098f6bcd4621d373cade4e832627b4f6"),
        ("message-1", "3d6b824fd8c1520e9a047d21fee6fb1f"),
        ("hi", "49f68a5c8493ec2c0bf489821c21fc3b"),
    ];
    for (body, expected) in cases {
        assert_eq!(digest::body(body), expected, "{body}");
    }
}

#[test]
fn text_attributes_are_digested_with_their_custom_type() {
    assert_digest([("k", attribute("String", "x"))], "a45daa70926828a2f0a1db3418e6feb4");
    assert_digest([("Foo", attribute("String", "Bar"))], "ae7155c6026991b6d54b11589678bf9c");
    let my_attribute = [("MyAttribute", attribute("String", "foobar"))];
    assert_digest(my_attribute, "adb59cd4678ea5a855436b949cd07ab6");
    let number = [("timestamp", attribute("Number", "1493147359900"))];
    assert_digest(number, "235c5c510d26fb653d073faed50ae77c");
    let long = [("timestamp", attribute("Number.java.lang.Long", "1493147359900"))];
    assert_digest(long, "2e2e4876d8e0bd6b8c2c8f556831c349");
    let custom = [("somevalue", attribute("String.custom", "somevalue"))];
    assert_digest(custom, "9e05cca738e70ff6c6041e82d5e77ef1");
}

#[test]
fn binary_attributes_are_digested_decoded() {
    let value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01";
    assert_digest([("attr1", binary("Binary", value))], "8cbe4db156db8a94db8b801b7addb984");
    let mixed =
        [("n", attribute("Number.float", "3.14")), ("mixed", binary("Binary.png", &[0, 1, 255]))];
    assert_digest(mixed, "ca1e0636639157479d7deb2c9fdfe906");
}

#[test]
fn several_attributes_are_digested_in_the_order_of_their_names() {
    let hello = || ("Hello", attribute("String", "There"));
    let general = || ("General", attribute("String", "Kenobi"));
    let help = || ("Help.Me", attribute("String", "Me"));
    assert_digest([hello(), help(), general()], "4c360f3fdafd970e05fae2f149d997f5");
    assert_digest([hello(), general()], "fca026605781cb4126a1e9044df24232");
    assert_digest([hello()], "a311262e065454b75da111d535b8dacd");
    assert_digest([help(), hello()], "83fee93c1bcd8b9a5a923ffacdc636c7");
}

#[test]
fn no_attributes_have_no_digest() {
    assert_eq!(digest::attributes(&MessageAttributes::new()), None);
}

#[test]
fn a_trace_header_is_digested_as_an_attribute_of_its_name() {
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    assert_eq!(digest::trace_header(header), "5ae4d5d7636402d80f4eb6d213245a88");
}
