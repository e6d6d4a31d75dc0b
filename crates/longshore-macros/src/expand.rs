//! Writes the impl.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Error, LitStr, Member, Result};

use crate::list::Errors;
use crate::options::{ATTRIBUTE, Options};
use crate::{key, name};

/// The impl of `Task` for the type, or every reason why there is none.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let options = Options::read(&input.attrs, &mut errors);
    errors.keep(check_shape(input));
    for attribute in inner_attributes(input) {
        let message = "`#[task(…)]` belongs on the type: fields and variants have no options";
        errors.add(Error::new(attribute.path().span(), message));
    }
    let name = errors.keep(name::task_name(options.name.as_ref(), &input.ident));
    let path = options.key.as_ref().map(|text| Ok((text, key::resolve(text, input)?)));
    let path = path.and_then(|path| errors.keep(path));
    errors.into_result()?;
    Ok(write(input, &options, name.as_ref(), path))
}

fn write(
    input: &DeriveInput,
    options: &Options,
    name: Option<&LitStr>,
    key_path: Option<(&LitStr, Vec<Member>)>,
) -> TokenStream {
    let (krate, ident) = (options.krate(), &input.ident);
    let where_clause = &input.generics.where_clause;
    let reply = options.reply.as_ref().map_or_else(|| quote!(()), |reply| quote!(#reply));
    let codec = options.codec.as_ref();
    let codec = codec.map_or_else(|| quote!(#krate::Json), |codec| quote!(#codec));
    let calls = options.builder_calls(&krate).map(|calls| {
        quote! {
            fn options() -> #krate::TaskOptions {
                #krate::TaskOptions::new() #calls
            }
        }
    });
    let key = key_path.map(|(text, path)| write_key(text, &path));
    quote! {
        #[automatically_derived]
        impl #krate::Task for #ident #where_clause {
            const NAME: &'static str = #name;
            type Reply = #reply;
            type Codec = #codec;
            #calls
            #key
        }
    }
}

/// The compiler's error about a field that cannot be displayed shows the key's text.
fn write_key(text: &LitStr, path: &[Member]) -> TokenStream {
    let field = quote!(self #(.#path)*);
    let displayed = quote_spanned!(text.span()=> ::std::string::ToString::to_string(&#field));
    quote! {
        const HAS_KEY: bool = true;

        fn key(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#displayed)
        }
    }
}

/// A duration, as a person would write it.
pub(crate) fn duration(duration: Duration) -> TokenStream {
    if duration.subsec_millis() == 0 {
        let seconds = duration.as_secs();
        return quote!(::core::time::Duration::from_secs(#seconds));
    }
    let millis =
        u64::try_from(duration.as_millis()).expect("it was read from a u64 of milliseconds");
    quote!(::core::time::Duration::from_millis(#millis))
}

fn check_shape(input: &DeriveInput) -> Result<()> {
    if let Data::Union(data) = &input.data {
        let message =
            "a union cannot be a task, because its fields cannot be read safely: use an enum";
        return Err(Error::new(data.union_token.span, message));
    }
    if input.generics.params.is_empty() {
        return Ok(());
    }
    let message = "a task cannot be generic, because its name belongs to one type with one handler: wrap \
                   each type that you need, as in `struct ResizePng(Resize<Png>);`, and derive `Task` for that";
    Err(Error::new_spanned(&input.generics.params, message))
}

/// The attributes that were put on a field or a variant, where they would say nothing.
fn inner_attributes(input: &DeriveInput) -> Vec<&Attribute> {
    let attributes: Vec<&Attribute> = match &input.data {
        Data::Struct(data) => data.fields.iter().flat_map(|field| &field.attrs).collect(),
        Data::Enum(data) => {
            let variants = data.variants.iter();
            variants
                .flat_map(|variant| {
                    variant.attrs.iter().chain(variant.fields.iter().flat_map(|field| &field.attrs))
                })
                .collect()
        }
        Data::Union(_) => Vec::new(),
    };
    attributes.into_iter().filter(|attribute| attribute.path().is_ident(ATTRIBUTE)).collect()
}
