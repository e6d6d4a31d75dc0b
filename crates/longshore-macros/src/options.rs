//! What all `#[task(…)]` of a type say together.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, LitInt, LitStr, Path, Result, Type, parse_quote};

use crate::argument::Argument;
use crate::expand::duration;
use crate::list::{Errors, Known, List};
use crate::rate::Rate;
use crate::retry::Retry;
use crate::{name, queue};

/// The attribute's name.
pub(crate) const ATTRIBUTE: &str = "task";

/// As long as SQS keeps a message in flight.
const TIMEOUT_MAX: Duration = Duration::from_secs(43_200);

const OPTIONS: &[Known] = &[
    Known { name: "name", example: r#"name = "thumbnail""# },
    Known { name: "reply", example: "reply = String" },
    Known { name: "codec", example: "codec = Json" },
    Known { name: "key", example: r#"key = "image""# },
    Known { name: "queue", example: r#"queue = "thumbnails""# },
    Known { name: "retry", example: r#"retry(attempts = 8, backoff = "2s..15m")"# },
    Known { name: "timeout", example: r#"timeout = "30s""# },
    Known { name: "concurrency", example: "concurrency = 16" },
    Known { name: "concurrency_per_key", example: "concurrency_per_key = 2" },
    Known { name: "rate_limit", example: r#"rate_limit = "20/s""# },
    Known { name: "retention", example: r#"retention = "4d""# },
    Known { name: "reply_by", example: r#"reply_by = "store""# },
    Known { name: "crate", example: "crate = longshore_tasks" },
];

/// What the attributes say, checked as far as that can be done without the type.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    pub(crate) reply: Option<Type>,
    pub(crate) codec: Option<Type>,
    pub(crate) key: Option<LitStr>,
    krate: Option<Path>,
    queue: Option<LitStr>,
    retry: Option<Retry>,
    timeout: Option<Duration>,
    concurrency: Option<LitInt>,
    concurrency_per_key: Option<LitInt>,
    rate_limit: Option<Rate>,
    retention: Option<Duration>,
    reply_by: Option<&'static str>,
}

impl Options {
    /// Reads the type's attributes. What is wrong goes to `errors`.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut list = List::new("#[task(…)]", OPTIONS);
        for attribute in attributes.iter().filter(|one| one.path().is_ident(ATTRIBUTE)) {
            errors.keep(attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
                list.read(input, |argument| options.read_one(argument))
            }));
        }
        errors.keep(options.check_key_limit());
        options
    }

    /// A limit for each key needs a key.
    fn check_key_limit(&self) -> Result<()> {
        match (&self.concurrency_per_key, &self.key) {
            (Some(count), None) => {
                let message = "`concurrency_per_key` limits tasks with one key, and this type has none: say which \
                               field it is, as in key = \"tenant\", or use `concurrency`";
                Err(Error::new(count.span(), message))
            }
            _ => Ok(()),
        }
    }

    fn read_one(&mut self, argument: &Argument<'_>) -> Result<()> {
        match argument.name() {
            "name" => self.name = Some(read_name(argument)?),
            "reply" => self.reply = Some(argument.type_name()?),
            "codec" => self.codec = Some(argument.type_name()?),
            "key" => self.key = Some(argument.text()?),
            "queue" => self.queue = Some(read_queue(argument)?),
            "retry" => self.retry = Some(Retry::read(argument)?),
            "timeout" => self.timeout = Some(read_timeout(argument)?),
            "concurrency" => self.concurrency = Some(read_concurrency(argument)?),
            "concurrency_per_key" => self.concurrency_per_key = Some(read_concurrency(argument)?),
            "rate_limit" => self.rate_limit = Some(Rate::read(&argument.text()?)?),
            "retention" => self.retention = Some(argument.duration()?.value),
            "reply_by" => self.reply_by = Some(read_reply_mode(argument)?),
            _ => self.krate = Some(argument.path()?),
        }
        Ok(())
    }

    /// Where the framework is found.
    pub(crate) fn krate(&self) -> Path {
        self.krate.clone().unwrap_or_else(|| parse_quote!(::longshore))
    }

    /// Calls of the builder of `TaskOptions`, one for each option that is given.
    pub(crate) fn builder_calls(&self, krate: &Path) -> Option<TokenStream> {
        let queue = self.queue.as_ref().map(|queue| quote!(.queue(#queue)));
        let retry = self.retry.as_ref().map(|retry| {
            let policy = retry.expand(krate);
            quote!(.retry(#policy))
        });
        let timeout = self.timeout.map(duration).map(|timeout| quote!(.timeout(#timeout)));
        let concurrency = self.concurrency.as_ref().map(|count| quote!(.concurrency(#count)));
        let per_key = self.concurrency_per_key.as_ref();
        let per_key = per_key.map(|count| quote!(.concurrency_per_key(#count)));
        let rate = self.rate_limit.as_ref().map(|rate| {
            let rate = rate.expand(krate);
            quote!(.rate_limit(#rate))
        });
        let retention = self.retention.map(duration).map(|time| quote!(.retention(#time)));
        let reply = self.reply_by.map(|mode| {
            let mode = format_ident!("{mode}");
            quote!(.reply(#krate::ReplyMode::#mode))
        });
        let calls = quote!(#queue #retry #timeout #concurrency #per_key #rate #retention #reply);
        (!calls.is_empty()).then_some(calls)
    }
}

fn read_name(argument: &Argument<'_>) -> Result<LitStr> {
    let text = argument.text()?;
    name::check(&text.value(), text.span())?;
    Ok(text)
}

fn read_queue(argument: &Argument<'_>) -> Result<LitStr> {
    let text = argument.text()?;
    queue::check(&text)?;
    Ok(text)
}

fn read_timeout(argument: &Argument<'_>) -> Result<Duration> {
    let timeout = argument.duration()?;
    if timeout.value > TIMEOUT_MAX {
        let message = "`timeout` is over 12h, the longest that SQS keeps a message in flight: use 12h or \
                       less, or split the task";
        return Err(Error::new(timeout.span, message));
    }
    Ok(timeout.value)
}

/// The number without a type of its own: the builder's argument gives it one.
fn read_concurrency(argument: &Argument<'_>) -> Result<LitInt> {
    let count = argument.count()?;
    Ok(LitInt::new(&count.value.to_string(), count.span))
}

fn read_reply_mode(argument: &Argument<'_>) -> Result<&'static str> {
    let text = argument.text()?;
    match text.value().as_str() {
        "queue" => Ok("Queue"),
        "store" => Ok("Store"),
        "none" => Ok("None"),
        other => {
            let message = format!(
                "`{other}` is not a way for a reply to travel: write \"queue\" (as a message), \
                 \"store\" (in the store alone) or \"none\" (there is no reply)"
            );
            Err(Error::new(text.span(), message))
        }
    }
}
