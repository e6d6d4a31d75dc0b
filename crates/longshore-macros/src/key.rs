//! `key = "owner.id"`: the field, or the path of fields, that a task's key is made of.
//!
//! The first field is looked up here. Of the ones below it only the compiler knows, and its error
//! is at the key's text, as every field here bears that place.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Error, Fields, Ident, Index, LitStr, Member, Result, parse_str};

use crate::nearest::nearest;

/// The fields of the path, outermost first.
pub(crate) fn resolve(key: &LitStr, input: &DeriveInput) -> Result<Vec<Member>> {
    let (text, span) = (key.value(), key.span());
    let members: Option<Vec<_>> = text.split('.').map(|field| member(field, span)).collect();
    let members = members.ok_or_else(|| {
        let message = format!(
            "`{text}` cannot be a field: write a field's name, or several with dots between them, \
             as in key = \"owner.id\""
        );
        Error::new(span, message)
    })?;
    check_first(text.split('.').next().unwrap_or_default(), span, input)?;
    Ok(members)
}

fn member(field: &str, span: Span) -> Option<Member> {
    if let Ok(index) = field.parse() {
        return Some(Member::Unnamed(Index { index, span }));
    }
    // A field can be called as a keyword is, and then has `r#` before it.
    let ident = parse_str::<Ident>(field).or_else(|_| parse_str(&format!("r#{field}")));
    let mut ident = ident.ok()?;
    ident.set_span(span);
    Some(Member::Named(ident))
}

fn check_first(field: &str, span: Span, input: &DeriveInput) -> Result<()> {
    let name = input.ident.unraw();
    let known = match &input.data {
        Data::Struct(data) => names(&data.fields),
        Data::Enum(_) | Data::Union(_) => {
            let message = format!(
                "`{name}` is not a struct, so it has no fields of its own: implement `Task` by \
                 hand to choose a key for each variant"
            );
            return Err(Error::new(span, message));
        }
    };
    if known.iter().any(|known| known == field.trim_start_matches("r#")) {
        return Ok(());
    }
    Err(Error::new(span, unknown(field, &name, &known)))
}

fn names(fields: &Fields) -> Vec<String> {
    let name = |(place, field): (usize, &syn::Field)| match &field.ident {
        Some(ident) => ident.unraw().to_string(),
        None => place.to_string(),
    };
    fields.iter().enumerate().map(name).collect()
}

fn unknown(field: &str, name: &Ident, known: &[String]) -> String {
    if known.is_empty() {
        return format!("`{name}` has no fields to make a key of: leave `key` out");
    }
    // One number is as near to another as any.
    let words = known.iter().map(String::as_str).filter(|word| word.parse::<u32>().is_err());
    let hint = nearest(field, words)
        .map_or_else(String::new, |nearest| format!("did you mean `{nearest}`? "));
    format!("`{name}` has no field `{field}`: {hint}its fields are {}", known.join(", "))
}
