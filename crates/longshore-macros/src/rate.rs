//! Rates as people write them, by the rules of `longshore_tasks::RateLimit`: `20/s`, `100/m burst 5`.
//!
//! The rules are here once more so that the macro builds without that crate. A test holds the two together.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Path, Result};

/// A rate that a worker can keep to.
pub(crate) struct Rate {
    count: u32,
    /// The constructor for its unit.
    unit: &'static str,
    burst: Option<u32>,
}

impl Rate {
    /// Reads a rate.
    pub(crate) fn read(text: &LitStr) -> Result<Self> {
        parse(&text.value()).map_err(|fault| Error::new(text.span(), fault))
    }

    /// The call that makes it.
    pub(crate) fn expand(&self, krate: &Path) -> TokenStream {
        let (count, unit) = (self.count, quote::format_ident!("{}", self.unit));
        let burst = self.burst.map(|burst| quote!(.burst(#burst)));
        quote!(#krate::RateLimit::#unit(#count) #burst)
    }
}

fn parse(text: &str) -> std::result::Result<Rate, String> {
    let fault = || {
        format!(
            "`{text}` is not a rate: write 20/s, 100/m or 1000/h, and 20/s burst 5 for fewer at once"
        )
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| fault());
    let words: Vec<&str> = text.split_whitespace().collect();
    let (rate, burst) = match words[..] {
        [rate] => (rate, None),
        [rate, "burst", burst] => (rate, Some(number(burst)?)),
        _ => return Err(fault()),
    };
    let (count, unit) = rate.split_once('/').ok_or_else(fault)?;
    let count = number(count)?;
    let unit = match unit {
        "s" => "per_second",
        "m" => "per_minute",
        "h" => "per_hour",
        _ => return Err(fault()),
    };
    check(count, unit, burst).map_err(str::to_owned)?;
    Ok(Rate { count, unit, burst })
}

fn check(count: u32, unit: &str, burst: Option<u32>) -> std::result::Result<(), &'static str> {
    if count == 0 {
        return Err("`rate_limit` is 0: no task would ever run; leave it out for as many as come");
    }
    if burst == Some(0) {
        return Err("the burst is 0: no task would ever run; write 1 for one at a time");
    }
    if count > 1_000_000_000 && unit == "per_second" {
        return Err(
            "`rate_limit` is over 1,000,000,000 a second, which limits nothing: leave it out",
        );
    }
    Ok(())
}
