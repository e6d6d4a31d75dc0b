//! One option's value: reads it in the form that it must have, and says else how it is written.

use std::time::Duration;

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitInt, LitStr, Path, Result, Token, Type, parenthesized};

use crate::duration_text::parse_duration;
use crate::list::{Known, List};

/// The value of one option, still to be read.
pub(crate) struct Argument<'a> {
    known: &'static Known,
    option: Ident,
    input: ParseStream<'a>,
}

/// A value and the place where it is written.
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<'a> Argument<'a> {
    pub(crate) fn new(known: &'static Known, option: Ident, input: ParseStream<'a>) -> Self {
        Self { known, option, input }
    }

    /// The option's name.
    pub(crate) fn name(&self) -> &'static str {
        self.known.name
    }

    /// A text in quotes.
    pub(crate) fn text(&self) -> Result<LitStr> {
        self.value("takes a text in quotes")
    }

    /// A type.
    pub(crate) fn type_name(&self) -> Result<Type> {
        self.value("takes a type")
    }

    /// A path to a crate or module.
    pub(crate) fn path(&self) -> Result<Path> {
        self.equals()?;
        let path = self.input.call(Path::parse_mod_style);
        path.map_err(|error| self.written(error.span(), "takes a path"))
    }

    /// A duration above zero.
    pub(crate) fn duration(&self) -> Result<Spanned<Duration>> {
        let text: LitStr = self.value("takes a duration in quotes")?;
        let value =
            parse_duration(&text.value()).map_err(|fault| Error::new(text.span(), fault))?;
        if value.is_zero() {
            return Err(self.zero(text.span()));
        }
        Ok(Spanned { value, span: text.span() })
    }

    /// A whole number of at least 1.
    pub(crate) fn count(&self) -> Result<Spanned<u32>> {
        let what = "takes a whole number from 1 to 4294967295";
        let number: LitInt = self.value(what)?;
        let value = number.base10_parse().map_err(|_| self.written(number.span(), what))?;
        if value == 0 {
            return Err(self.zero(number.span()));
        }
        Ok(Spanned { value, span: number.span() })
    }

    /// Options in parentheses.
    pub(crate) fn list(
        &self,
        known: &'static [Known],
        read: impl FnMut(&Argument<'_>) -> Result<()>,
    ) -> Result<()> {
        if !self.input.peek(syn::token::Paren) {
            return Err(self.written(self.next_span(), "takes options in parentheses"));
        }
        let inside;
        parenthesized!(inside in self.input);
        if inside.is_empty() {
            return Err(self.written(self.option.span(), "is empty: leave it out, or fill it in"));
        }
        List::new(self.known.name, known).read(&inside, read)
    }

    fn value<T: Parse>(&self, what: &str) -> Result<T> {
        self.equals()?;
        self.input.parse().map_err(|error| self.written(error.span(), what))
    }

    fn equals(&self) -> Result<()> {
        if self.input.peek(Token![=]) {
            return self.input.parse::<Token![=]>().map(|_| ());
        }
        Err(self.written(self.next_span(), "needs a value"))
    }

    /// Where the reading is; the option itself, where nothing follows.
    fn next_span(&self) -> Span {
        let is_end = self.input.is_empty() || self.input.peek(Token![,]);
        if is_end { self.option.span() } else { self.input.span() }
    }

    fn written(&self, span: Span, what: &str) -> Error {
        let Known { name, example } = self.known;
        Error::new(span, format!("`{name}` {what}, for example {example}"))
    }

    fn zero(&self, span: Span) -> Error {
        let why = match self.known.name {
            "attempts" => "the task would never run; write 1 for one attempt without retries",
            "timeout" => {
                "every attempt would fail at once; leave it out to use the worker's timeout"
            }
            "concurrency_per_key" => "no task would ever run; leave it out for no limit of a key",
            "concurrency" => "no task would ever run; leave it out to use the worker's concurrency",
            _ => {
                "the result would be gone before it is read; leave it out to use the worker's retention"
            }
        };
        Error::new(span, format!("`{}` is 0: {why}", self.known.name))
    }
}
