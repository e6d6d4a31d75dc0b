//! The parameters of a request: a tree, whose branches are the parts of their names.
//!
//! `Attribute.1.Name=DelaySeconds` is the value of `Name` in `1` in `Attribute`.

use std::collections::BTreeMap;

use super::{form, read};
use crate::action::Input;
use crate::action::sent::Sent;
use crate::{Request, SqsError};

/// Parameters of a request. The largest legal one, a batch of ten messages of ten attributes each,
/// has fewer than 500.
const PARAMETERS_MAX: usize = 5_000;

/// Parts of a name: those of the longest that there is,
/// `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringListValue.1`. A longer name is
/// one that no action has.
const PARTS_MAX: usize = 7;

/// Actions on no queue, which are not served at a queue's own address.
const NOT_ON_A_QUEUE: [&str; 2] = ["CreateQueue", "ListQueues"];

/// What a request in the Query protocol says, before it is known what that means.
#[derive(Debug)]
pub struct Parameters(Node);

/// A parameter, or what several names begin with.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) value: Option<String>,
    pub(super) children: BTreeMap<String, Self>,
}

impl Parameters {
    /// Reads the parameters of a URL's query string and of a body. Of two with the same name the
    /// later counts, and the body's are later.
    ///
    /// # Errors
    ///
    /// [`SqsError::Serialization`] if there are more than 5000.
    pub fn parse(query: &str, body: &[u8]) -> Result<Self, SqsError> {
        let mut root = Node::default();
        for (count, (name, value)) in
            form::pairs(query.as_bytes()).chain(form::pairs(body)).enumerate()
        {
            if count == PARAMETERS_MAX {
                return Err(SqsError::Serialization(format!(
                    "A request can have at most {PARAMETERS_MAX} parameters."
                )));
            }
            root.insert(&name, value);
        }
        Ok(Self(root))
    }

    /// The value of a parameter, if it is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.text(name)
    }

    /// The action that the request names, if it names one.
    pub fn action(&self) -> Option<&str> {
        self.text("Action")
    }

    /// The request that the parameters make. Its queue is the parameter `QueueUrl`, else the one
    /// at the `path` of the endpoint `base_url` to which the request was sent.
    ///
    /// # Errors
    ///
    /// [`SqsError::UnknownOperation`], also for an action that is not served at a queue's address;
    /// [`SqsError::Serialization`]; [`SqsError::InvalidAddress`] if no queue is named; or what the
    /// action says of a required member that is missing.
    pub fn request(mut self, base_url: &str, path: &str) -> Result<Request, SqsError> {
        let action = self.action().unwrap_or_default().to_owned();
        let at_a_queue = !path.trim_matches('/').is_empty();
        if at_a_queue && NOT_ON_A_QUEUE.contains(&action.as_str()) {
            return Err(SqsError::unknown_operation(&action));
        }
        if at_a_queue && self.0.text("QueueUrl").is_none() {
            self.0.insert("QueueUrl", format!("{base_url}{path}"));
        }
        if action == "CreateQueue" {
            // The one member of the API whose name begins in lower case.
            self.0.rename("Tag", "tags");
        }
        let no_queue = SqsError::MissingParameter("QueueUrl".to_owned());
        let request = Sent::request(&self, &action);
        request.map_err(|refused| {
            if refused == no_queue {
                SqsError::InvalidAddress(format!("{base_url}{path}"))
            } else {
                refused
            }
        })
    }
}

impl Sent for Parameters {
    fn members<I: Input>(&self) -> Result<I, SqsError> {
        let members = read::members::<I>(&self.0).map(I::flattened);
        members.map_err(|fault| SqsError::Serialization(fault.to_string()))
    }
}

impl Node {
    fn insert(&mut self, name: &str, value: String) {
        if name.split('.').count() > PARTS_MAX {
            return;
        }
        let node = name
            .split('.')
            .fold(self, |node, part| node.children.entry(part.to_owned()).or_default());
        node.value = Some(value);
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(node) = self.children.remove(from) {
            self.children.insert(to.to_owned(), node);
        }
    }

    /// The value of a child, if it is there and not empty.
    fn text(&self, name: &str) -> Option<&str> {
        self.children.get(name)?.value.as_deref().filter(|text| !text.is_empty())
    }
}
