//! What the tracers on the way to a place in a trace have noted: `tracestate` of W3C Trace Context.

use std::fmt;

/// Characters of a `tracestate` that are carried: what every carrier has room for.
const CHARS_MAX: usize = 512;
/// Members of a list.
const MEMBERS_MAX: usize = 32;
/// Characters of a key, and of a value.
const PART_CHARS_MAX: usize = 256;

/// What the tracers on the way to a place in a trace have noted, each in a member of a list: what `tracestate` says.
///
/// ```
/// use longshore_tasks::TraceState;
///
/// let sent = "rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE";
/// assert_eq!(TraceState::parse(sent).unwrap().as_str(), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
/// assert_eq!(TraceState::parse("no member"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceState(String);

impl TraceState {
    /// Reads a `tracestate`. What is malformed anywhere, or longer than 512 characters, is none: nobody can tell which
    /// of its members still hold.
    pub fn parse(text: &str) -> Option<Self> {
        let members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let members = members.filter(|member| !member.is_empty());
        let members: Vec<_> = members.take(MEMBERS_MAX + 1).collect();
        let keys: Option<Vec<_>> = members.iter().copied().map(key_of).collect();
        let mut keys = keys.filter(|keys| (1..=MEMBERS_MAX).contains(&keys.len()))?;
        keys.sort_unstable();
        let each_once = keys.windows(2).all(|pair| pair[0] != pair[1]);
        let text = members.join(",");
        (each_once && text.len() <= CHARS_MAX).then_some(Self(text))
    }

    /// The list, as `tracestate` has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a member that is well formed.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    (is_key(key) && is_value(value)).then_some(key)
}

fn is_key(key: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let goes_on = |byte: u8| begins(byte) || b"_-*/@".contains(&byte);
    let fits = key.len() <= PART_CHARS_MAX && key.bytes().filter(|byte| *byte == b'@').count() <= 1;
    fits && key.bytes().next().is_some_and(begins) && key.bytes().all(goes_on)
}

fn is_value(value: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    (1..=PART_CHARS_MAX).contains(&value.len()) && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        TraceState::parse(text).map(|state| state.to_string())
    }

    #[test]
    fn a_list_reads_back_without_what_is_empty_in_it() {
        assert_eq!(read("a=1").as_deref(), Some("a=1"));
        assert_eq!(read(" a=1 ,,\t1b_-*/@sys=!~ x,").as_deref(), Some("a=1,1b_-*/@sys=!~ x"));
        let longest = format!("a={},b={}", "x".repeat(256), "x".repeat(251));
        assert_eq!((longest.len(), read(&longest)), (512, Some(longest)));
    }

    #[test]
    fn what_is_malformed_anywhere_or_too_long_is_none() {
        let many: Vec<_> = (0..33).map(|n| format!("k{n}=v")).collect();
        for text in [
            "",
            " , ",
            "a",
            "a=",
            "=1",
            "A=1",
            "a=1,b",
            "a=1=2",
            "a=1,a=2",
            "a=é",
            "a=\u{7}",
            "a@b@c=1",
            "@a=1",
            &format!("a={}", "x".repeat(257)),
            &format!("{}=1", "x".repeat(257)),
            &format!("a={},b={}", "x".repeat(256), "x".repeat(252)),
            &many.join(","),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
