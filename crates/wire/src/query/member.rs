//! How Query names members: lists and maps are flattened, so each element bears the name in the
//! singular; a map's entry is a structure of its key and its value.

/// Parameters that are elements of a list or entries of a map, and the member that they make up.
const FLATTENED: [(&str, &str); 15] = [
    ("AWSAccountId", "AWSAccountIds"),
    ("ActionName", "Actions"),
    ("Attribute", "Attributes"),
    ("AttributeName", "AttributeNames"),
    ("BinaryListValue", "BinaryListValues"),
    ("ChangeMessageVisibilityBatchRequestEntry", "Entries"),
    ("DeleteMessageBatchRequestEntry", "Entries"),
    ("MessageAttribute", "MessageAttributes"),
    ("MessageAttributeName", "MessageAttributeNames"),
    ("MessageSystemAttribute", "MessageSystemAttributes"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("SendMessageBatchRequestEntry", "Entries"),
    ("StringListValue", "StringListValues"),
    ("Tag", "Tags"),
    ("TagKey", "TagKeys"),
];

/// What an entry of a map calls its value.
pub(super) const VALUE: &str = "Value";

/// What an entry of a request's map can call its key.
pub(super) const KEYS: [&str; 2] = ["Name", "Key"];

/// The member that a parameter belongs to: itself, unless it is one of several.
pub(super) fn of_parameter(parameter: &str) -> &str {
    let found = FLATTENED.iter().find(|(flattened, _)| *flattened == parameter);
    found.map_or(parameter, |(_, member)| member)
}

/// What the entries of a reply's map call their keys; `None` if the member is no map.
pub(super) fn key_of(member: &str) -> Option<&'static str> {
    match member {
        "Attributes" | "MessageAttributes" => Some("Name"),
        "Tags" => Some("Key"),
        _ => None,
    }
}

/// The name of each element of a reply's list.
pub(super) fn element(action: &str, member: &str) -> String {
    match member {
        "Successful" | "Results" => format!("{action}ResultEntry"),
        "Failed" => "BatchResultErrorEntry".to_owned(),
        "queueUrls" => "QueueUrl".to_owned(),
        _ => member.strip_suffix('s').unwrap_or(member).to_owned(),
    }
}
