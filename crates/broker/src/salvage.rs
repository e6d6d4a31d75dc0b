//! Writing what is whole of a broker's directory to a file, also where no broker starts with it.
//!
//! A line of JSON for each queue, and behind it one for each of its messages, the oldest first:
//!
//! ```text
//! {"queue":"arn:aws:sqs:…:jobs","attributes":{"VisibilityTimeout":"30"},"tags":{}}
//! {"message":"219f…","queue":"arn:aws:sqs:…:jobs","body":"…","attributes":{"k":{"dataType":"String","stringValue":"x"}},…}
//! ```
//!
//! # Invariants
//!
//! - Nothing in the directory is changed, and no file is replaced.
//! - What is missing is counted and said; a message without its content is written without a body.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_engine::{Delivery, MessageKey, Peek, Queue, QueueEntry};
use longshore_storage::disk::RealDisk;
use longshore_storage::{Disk, Salvaged as Found, salvage as salvage_store};
use longshore_types::{AttributeValue, MessageAttribute, Timestamp};
use serde_json::{Map, Value, json};

use crate::content::Content;
use crate::core::Salvaging;
use crate::log::body_key;

/// Messages between two words of how far it has come.
const MESSAGES_TOLD: u64 = 100_000;
/// All messages of a queue, wherever they are in their lives.
const ALL: Peek = Peek { in_flight: true, delayed: true, count_max: usize::MAX };

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many files of the log are read, of so many.
    Read(usize, usize),
    /// So many messages are written.
    Written(u64),
}

/// What was written, and what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Queues written.
    pub queues: u64,
    /// Messages written, with their contents.
    pub messages: u64,
    /// Messages written without their contents, which cannot be read.
    pub without_content: u64,
    /// What else cannot be read, in words: at most a thousand.
    pub losses: Vec<String>,
    /// How much of that there is.
    pub loss_count: u64,
}

impl Salvaged {
    /// Whether nothing is missing.
    pub fn is_all(&self) -> bool {
        self.without_content == 0 && self.loss_count == 0
    }
}

/// Writes what is whole of a broker's directory to `to`, a new file. Blocks.
///
/// # Errors
///
/// A sentence that says why nothing could be read or written. What is missing is no error:
/// [`Salvaged::is_all`] tells.
pub fn salvage(
    directory: &Path,
    to: &Path,
    told: &mut dyn FnMut(Step),
) -> Result<Salvaged, String> {
    let shown = directory.display();
    let disk = RealDisk::open_existing(directory)
        .map_err(|failure| format!("cannot open {shown}: {failure}"))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let file = create(directory, to)?;
    let mut salvaging = Salvaging::default();
    let mut step = |done, all| told(Step::Read(done, all));
    let read = salvage_store(&disk, &mut salvaging, &mut step);
    let found = read.map_err(|failure| {
        // It is empty, and was made just now.
        drop(std::fs::remove_file(to));
        failure.to_string()
    })?;
    let (losses, loss_count) = (found.losses.clone(), found.loss_count);
    let salvaged = Salvaged { losses, loss_count, ..Salvaged::default() };
    let mut writer = Writer { out: BufWriter::new(file), found, salvaged, told };
    let written = writer.write(&salvaging.ended()).and_then(|()| writer.end());
    written.map_err(|failure| format!("cannot write {}: {failure}", to.display()))?;
    Ok(writer.salvaged)
}

/// Makes the file that is written to, for its owner only, and not in the directory that is read.
fn create(directory: &Path, to: &Path) -> Result<File, String> {
    let shown = to.display();
    let beside = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = beside.unwrap_or_else(|| Path::new(".")).canonicalize();
    if beside.is_ok_and(|beside| directory.canonicalize().is_ok_and(|own| beside == own)) {
        return Err(format!("{shown} is in the directory that is read: choose another place"));
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    file.map_err(|failure| format!("cannot make {shown}: {failure}"))
}

struct Writer<'a> {
    out: BufWriter<File>,
    found: Found,
    salvaged: Salvaged,
    told: &'a mut dyn FnMut(Step),
}

impl Writer<'_> {
    fn write(&mut self, salvaging: &Salvaging) -> io::Result<()> {
        for (entry, queue) in salvaging.queues() {
            self.salvaged.queues += 1;
            self.line(&queue_line(entry))?;
            self.write_messages(entry, queue, &|time| salvaging.shown(time))?;
        }
        Ok(())
    }

    fn write_messages(
        &mut self,
        entry: &QueueEntry,
        queue: &Queue,
        shown: &dyn Fn(Timestamp) -> Timestamp,
    ) -> io::Result<()> {
        for (key, told) in queue.peek(ALL) {
            let mut line = message_line(entry, told, shown);
            match self.content(key) {
                Ok(content) => {
                    line.extend(content_fields(content));
                    self.salvaged.messages += 1;
                }
                Err(reason) => {
                    line.insert("unreadable".to_owned(), reason.into());
                    self.salvaged.without_content += 1;
                }
            }
            self.line(&Value::Object(line))?;
            self.tell();
        }
        Ok(())
    }

    fn content(&self, key: MessageKey) -> Result<Content, String> {
        let body = self.found.read(body_key(key))?;
        Content::decode(&body).map_err(|failure| failure.to_string())
    }

    fn line(&mut self, line: &Value) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    fn tell(&mut self) {
        let written = self.salvaged.messages + self.salvaged.without_content;
        if written.is_multiple_of(MESSAGES_TOLD) {
            (self.told)(Step::Written(written));
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

fn queue_line(entry: &QueueEntry) -> Value {
    let attributes = entry.attributes.iter().map(|(name, value)| (name.to_string(), json!(value)));
    let attributes: Map<_, _> = attributes.collect();
    json!({ "queue": entry.arn.to_string(), "attributes": attributes, "tags": entry.tags })
}

/// What the queue knows of a message.
fn message_line(
    entry: &QueueEntry,
    told: Delivery<'_>,
    shown: &dyn Fn(Timestamp) -> Timestamp,
) -> Map<String, Value> {
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
    put("message", told.id.to_string().into());
    put("queue", entry.arn.to_string().into());
    put("sentTimestamp", shown(told.sent_at).as_millis().into());
    put("receiveCount", told.receive_count.into());
    if told.receive_count > 0 {
        put("firstReceiveTimestamp", shown(told.first_received_at).as_millis().into());
    }
    if let Some(sequence) = told.sequence {
        put("sequenceNumber", sequence.to_string().into());
    }
    if let Some(source) = told.dead_letter_source {
        put("deadLetterSource", source.to_string().into());
    }
    line
}

/// What its sender said.
fn content_fields(content: Content) -> Map<String, Value> {
    let attributes =
        content.attributes.iter().map(|(name, value)| (name.clone(), attribute(value)));
    let attributes: Map<_, _> = attributes.collect();
    let mut fields = Map::new();
    fields.insert("body".to_owned(), content.body.into());
    fields.insert("attributes".to_owned(), attributes.into());
    fields.insert("senderId".to_owned(), content.sender.into());
    let optional = [
        ("group", content.group),
        ("deduplicationId", content.deduplication_id),
        ("traceHeader", content.trace_header),
    ];
    let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    fields.extend(given.map(|(name, value)| (name.to_owned(), value.into())));
    fields
}

fn attribute(MessageAttribute { data_type, value }: &MessageAttribute) -> Value {
    match value {
        AttributeValue::Text(text) => json!({ "dataType": data_type, "stringValue": text }),
        AttributeValue::Binary(bytes) => {
            json!({ "dataType": data_type, "binaryValue": STANDARD.encode(bytes) })
        }
    }
}

impl fmt::Display for Salvaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queues, messages, without_content, losses, loss_count } = self;
        write!(f, "queues written: {queues}; messages written: {messages}")?;
        if *without_content > 0 {
            write!(
                f,
                "\nmessages written without their contents, which cannot be read: {without_content}"
            )?;
        }
        for loss in losses {
            write!(f, "\n{loss}")?;
        }
        let unnamed = loss_count - losses.len() as u64;
        if unnamed > 0 {
            write!(f, "\nand {unnamed} more")?;
        }
        if self.is_all() { write!(f, "\nnothing is missing") } else { Ok(()) }
    }
}
