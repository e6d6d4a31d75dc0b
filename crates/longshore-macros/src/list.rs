//! Reads `option = value, option(…), …`, the inside of `#[task(…)]` and of `retry(…)`.
//!
//! An error does not end the list: the rest is read too, so that a person sees everything that is to be
//! mended at once.

use proc_macro2::TokenTree;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Error, Ident, Result, Token};

use crate::argument::Argument;
use crate::nearest::nearest;

/// An option that a list may have.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// How the option is written, for errors.
    pub(crate) example: &'static str,
}

/// Errors so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Keeps the error of `result`, or returns its value.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Adds an error.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// All errors as one, if there are any.
    pub(crate) fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The options of one list: which there may be, and which were there.
pub(crate) struct List {
    /// What the list is called in errors: `#[task(…)]`.
    title: &'static str,
    known: &'static [Known],
    seen: Vec<&'static str>,
}

impl List {
    pub(crate) fn new(title: &'static str, known: &'static [Known]) -> Self {
        Self { title, known, seen: Vec::new() }
    }

    /// Reads all of `input`, and gives each option's argument to `read`.
    pub(crate) fn read(
        &mut self,
        input: ParseStream<'_>,
        mut read: impl FnMut(&Argument<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut errors = Errors::default();
        while !input.is_empty() {
            let result = self.read_one(input, &mut read);
            if errors.keep(result).is_none() {
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        errors.into_result()
    }

    fn read_one(
        &mut self,
        input: ParseStream<'_>,
        read: &mut impl FnMut(&Argument<'_>) -> Result<()>,
    ) -> Result<()> {
        let option = input.call(Ident::parse_any).map_err(|error| self.no_option(&error))?;
        let known = self.find(&option)?;
        if self.seen.contains(&known.name) {
            let message = format!("`{option}` is given twice, and only one can apply: remove one");
            return Err(Error::new(option.span(), message));
        }
        self.seen.push(known.name);
        read(&Argument::new(known, option, input))?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(());
        }
        let message = format!("expected a comma after a value such as `{}`", known.example);
        Err(input.error(message))
    }

    fn no_option(&self, error: &Error) -> Error {
        let message = format!("expected an option: {}", self.names());
        Error::new(error.span(), message)
    }

    fn find(&self, option: &Ident) -> Result<&'static Known> {
        let name = option.to_string();
        self.known.iter().find(|known| known.name == name).ok_or_else(|| {
            let names = self.known.iter().map(|known| known.name);
            let hint = nearest(&name, names)
                .map_or_else(String::new, |nearest| format!("did you mean `{nearest}`? "));
            let message = format!("unknown option `{name}`: {hint}{}", self.names());
            Error::new(option.span(), message)
        })
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.known.iter().map(|known| known.name).collect();
        format!("the options of {} are {}", self.title, names.join(", "))
    }
}

/// Leaves the rest of an option unread. A comma between angle brackets belongs to a type.
fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    let mut depth = 0_u32;
    while !(input.is_empty() || (depth == 0 && input.peek(Token![,]))) {
        if let TokenTree::Punct(punct) = input.parse()? {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    Ok(())
}
