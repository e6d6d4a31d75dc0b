//! Why a request gets no reply.

use hyper::StatusCode;
use longshore_wire::SqsError;

/// To whoever sends what a browser sends.
pub(super) const NO_WEB_PAGES: &str =
    "requests of web pages are refused: call the broker from a program, without an Origin header";

/// To whoever names a host that could be a web page's.
pub(super) const UNKNOWN_HOST: &str = "the name in Host is none that this broker is known by: call it as localhost, by its address or by a name without a full stop, or start it with --allowed-host and that name";

/// Why a request got no reply.
#[derive(Debug)]
pub(super) enum Refused {
    /// SQS's own error.
    Sqs(SqsError),
    /// A Query that names no action.
    NoAction,
    /// A sentence to whoever does not speak SQS.
    Plain(StatusCode, &'static str),
    /// A method that is not one of these, and a sentence.
    Method(&'static str, &'static str),
}

impl Refused {
    /// A request beyond the bound of bytes.
    pub(super) const TOO_LARGE: Self = Self::Plain(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request is larger than this broker reads: a batch is at most 1048576 bytes",
    );

    /// A request whose body took too long.
    pub(super) const TOO_SLOW: Self = Self::Plain(
        StatusCode::REQUEST_TIMEOUT,
        "the request's body did not come in time: send it again",
    );

    /// A body that is not as its head says.
    pub(super) const MALFORMED: Self = Self::Plain(
        StatusCode::BAD_REQUEST,
        "the request's body cannot be read: it is not what its head says",
    );

    /// A method that JSON does not use.
    pub(super) const ONLY_POST: Self = Self::Method("POST", "an SQS request in JSON is a POST");

    /// A method that changes something, where one can only look.
    pub(super) const ONLY_GET: Self =
        Self::Method("GET", "messages are looked at by a GET; send a receive to another path");

    /// A method that Query does not use.
    pub(super) const ONLY_POST_OR_GET: Self =
        Self::Method("GET, POST", "an SQS request is a POST or a GET");
}
