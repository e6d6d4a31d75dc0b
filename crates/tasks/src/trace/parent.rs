//! A place in a trace: `traceparent` of W3C Trace Context, and what X-Ray says instead.

use std::fmt;

/// Letters of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// A place in a trace: what `traceparent` says.
///
/// ```
/// use longshore_tasks::TraceParent;
///
/// let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// assert_eq!(TraceParent::parse(sent).unwrap().to_string(), sent);
/// let of_x_ray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// assert_eq!(
///     TraceParent::of_x_ray(of_x_ray).unwrap().to_string(),
///     "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
/// );
/// assert_eq!(TraceParent::parse("00-0-0-00"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

impl TraceParent {
    /// A place in a trace; `None` where an id is zero, which is none.
    pub const fn new(trace: u128, span: u64, flags: u8) -> Option<Self> {
        if trace == 0 || span == 0 { None } else { Some(Self { trace, span, flags }) }
    }

    /// Reads a `traceparent`. Of a later version as much is read as this one has.
    pub fn parse(text: &str) -> Option<Self> {
        let is_later = text.len() > LENGTH && text.as_bytes()[LENGTH] == b'-';
        let (head, version) = (text.get(..LENGTH)?, text.get(..2)?);
        hex(version, 2).filter(|_| version != "ff" && (text.len() == LENGTH || is_later))?;
        if version == "00" && is_later {
            return None;
        }
        let mut parts = head.split('-').skip(1);
        let trace = hex(parts.next()?, 32)?;
        let span = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        Self::new(trace, span, flags)
    }

    /// Reads an `AWSTraceHeader`, as in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    /// Without a parent it names no place in a trace.
    pub fn of_x_ray(text: &str) -> Option<Self> {
        let field = |name| {
            let fields = text.split(';').filter_map(|field| field.trim().split_once('='));
            fields.into_iter().find_map(|(key, value)| (key == name).then_some(value))
        };
        let (time, unique) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
        let trace = (hex(time, 8)? << 96) | hex(unique, 24)?;
        let span = u64::try_from(hex(field("Parent")?, 16)?).ok()?;
        Self::new(trace, span, u8::from(field("Sampled") == Some("1")))
    }

    /// The trace.
    pub const fn trace_id(&self) -> u128 {
        self.trace
    }

    /// The span that goes on.
    pub const fn span_id(&self) -> u64 {
        self.span
    }

    /// Whether whoever began the trace keeps it.
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// What `traceparent` says of it.
    pub const fn flags(&self) -> u8 {
        self.flags
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// A number of so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(plain);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_traceparent_reads_back_as_it_was_written_and_a_later_version_as_far_as_known() {
        let sampled = format!("00-{TRACE}-b7ad6b7169203331-01");
        let read = TraceParent::parse(&sampled).unwrap();
        assert_eq!((read.to_string(), read.is_sampled()), (sampled, true));
        let later = format!("cc-{TRACE}-b7ad6b7169203331-01-what-the-future-brings");
        assert_eq!(TraceParent::parse(&later), Some(read));
        let dropped = format!("00-{TRACE}-b7ad6b7169203331-00");
        assert!(!TraceParent::parse(&dropped).unwrap().is_sampled());
    }

    #[test]
    fn what_makes_no_sense_is_no_trace() {
        for text in [
            "",
            "00",
            "é",
            &format!("ff-{TRACE}-b7ad6b7169203331-01"),
            &format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            &format!("cc-{TRACE}-b7ad6b7169203331-01.more"),
            &format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            &format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{TRACE}-b7ad6b716920333-011"),
            &format!("00_{TRACE}_b7ad6b7169203331_01"),
            &"é".repeat(40),
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_of_x_ray_is_a_trace_if_it_has_a_parent() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let parse = |rest: &str| TraceParent::of_x_ray(&format!("{root}{rest}"));
        let place =
            |flags| TraceParent::new(0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793, 0x53, flags);
        assert_eq!(parse(";Parent=0000000000000053;Sampled=1"), place(1));
        assert_eq!(parse("; Sampled=0; Parent=0000000000000053; Lineage=a:1"), place(0));
        assert_eq!(parse(";Parent=0000000000000053;Sampled=?"), place(0));
        for rest in ["", ";Sampled=1", ";Parent=53;Sampled=1", ";Parent=0000000000000000"] {
            assert_eq!(parse(rest), None, "{rest}");
        }
        for text in
            ["", "Root=1", "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"]
        {
            assert_eq!(TraceParent::of_x_ray(text), None, "{text}");
        }
    }
}
