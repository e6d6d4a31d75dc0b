//! Errors as Query spells them: the code, never a shape's name, and one text of its own.

use serde_json::{Value, json};

use super::xml;
use crate::SqsError;

/// The text of an error, which differs from the JSON protocol's in one case.
fn text(error: &SqsError) -> String {
    if *error == SqsError::QueueDoesNotExist {
        return "The specified queue does not exist for this wsdl version.".to_owned();
    }
    error.to_string()
}

/// The document of an error.
pub(super) fn to_xml(request_id: &str, error: &SqsError) -> String {
    let spelling = error.spelling();
    let mut document = format!(r#"{}<ErrorResponse xmlns="{}">"#, xml::DECLARATION, xml::NAMESPACE);
    document.push_str("<Error>");
    xml::write_text(&mut document, "Type", &spelling.fault.to_string());
    xml::write_text(&mut document, "Code", spelling.query_code);
    xml::write_text(&mut document, "Message", &text(error));
    document.push_str("<Detail/></Error>");
    xml::write_text(&mut document, "RequestId", request_id);
    document.push_str("</ErrorResponse>");
    document
}

/// The object of an error.
pub(super) fn to_json(request_id: &str, error: &SqsError) -> Value {
    let spelling = error.spelling();
    json!({
        "Error": {
            "Code": spelling.query_code,
            "Message": text(error),
            "Type": spelling.fault.to_string(),
        },
        "RequestId": request_id,
    })
}
