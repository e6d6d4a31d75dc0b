//! Outlines to XML.

use serde_json::Value;

use super::member;

/// What every answer begins with.
pub(super) const DECLARATION: &str = r#"<?xml version="1.0"?>"#;

/// The namespace of the API's version, which some clients look up elements in.
pub(super) const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// Writes a value as an element of that name; a list as one element for each of its own.
pub(super) fn write(xml: &mut String, action: &str, name: &str, value: &Value) {
    match value {
        Value::Array(elements) => {
            let name = member::element(action, name);
            for element in elements {
                write(xml, action, &name, element);
            }
        }
        Value::Object(members) if members.is_empty() => xml.extend(["<", name, "/>"]),
        Value::Object(members) => {
            xml.extend(["<", name, ">"]);
            for (name, value) in members {
                write(xml, action, name, value);
            }
            xml.extend(["</", name, ">"]);
        }
        Value::String(text) => write_text(xml, name, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            write_text(xml, name, &value.to_string());
        }
    }
}

/// Writes an element that holds text.
pub(super) fn write_text(xml: &mut String, name: &str, text: &str) {
    xml.extend(["<", name, ">"]);
    escape(xml, text);
    xml.extend(["</", name, ">"]);
}

/// A carriage return is escaped because a parser would turn it into a line feed. Characters that
/// XML does not have can only come from what a request is refused for, or from a tag.
fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#xD;"),
            '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => {
                xml.push(char::REPLACEMENT_CHARACTER);
            }
            allowed => xml.push(allowed),
        }
    }
}
