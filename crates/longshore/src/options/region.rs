//! The region of a broker that this program opens.
//!
//! The same queue name in two regions is two queues, so a broker and the programs of one shell
//! must agree: where no flag says otherwise, the broker takes the region that the AWS SDKs and the
//! AWS command line take from the environment.

/// The region when nothing names one.
const DEFAULT: &str = "us-east-1";

/// The environment variables of the AWS SDKs that name a region, the first one first.
const VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The flag's region, else the environment's, else `us-east-1`.
pub(crate) fn broker_region(flag: Option<&str>) -> String {
    choose(flag, |name| std::env::var(name).ok())
}

fn choose(flag: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name| variable(name).filter(|region| !region.is_empty());
    flag.map(ToOwned::to_owned)
        .or_else(|| VARIABLES.into_iter().find_map(set))
        .unwrap_or_else(|| DEFAULT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        let variable = |name: &str| (name == "AWS_DEFAULT_REGION").then(|| "eu-west-1".to_owned());
        assert_eq!(choose(Some("eu-north-1"), variable), "eu-north-1");
        assert_eq!(choose(None, variable), "eu-west-1");
        assert_eq!(choose(None, |_| None), "us-east-1");
        assert_eq!(choose(None, |_| Some(String::new())), "us-east-1");
    }
}
