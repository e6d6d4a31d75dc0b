//! What an application says of its own that is ours already: a flag, or a route.
//!
//! Both would be panics of the libraries that are told so: of clap's in debug builds only, and a
//! flag that is silently another's in release builds. Here they are faults that name the clash.

use std::collections::BTreeSet;

use clap::{Arg, Command};

use crate::exit::Fault;

/// The flags that clap adds by itself to every command.
const BUILT_IN: [&str; 4] = ["--help", "-h", "--version", "-V"];

/// Checks that each command has each flag, variable and group of flags once.
///
/// # Errors
///
/// Usage: what is declared twice, and in which command.
pub(crate) fn flags(command: &Command) -> Result<(), Fault> {
    in_command(command, command.get_name())
}

fn in_command(command: &Command, path: &str) -> Result<(), Fault> {
    let mut taken: BTreeSet<String> = BUILT_IN.map(str::to_owned).into();
    let groups = command.get_groups().map(|group| format!("the group `{}`", group.get_id()));
    let names = command.get_arguments().flat_map(names_of).chain(groups);
    for name in names {
        if taken.contains(&name) {
            return Err(Fault::usage(format!(
                "{name} is declared twice in `{path}`: an application's own flags need names, \
                 variables and types that no other flag has"
            )));
        }
        taken.insert(name);
    }
    let below = |command: &Command| in_command(command, &format!("{path} {}", command.get_name()));
    command.get_subcommands().try_for_each(below)
}

/// Everything that a flag is known by. Its id, last, is told from another's where all else differs.
fn names_of(flag: &Arg) -> Vec<String> {
    let longs = flag.get_long().into_iter().chain(flag.get_all_aliases().unwrap_or_default());
    let shorts = flag.get_short().into_iter();
    let shorts = shorts.chain(flag.get_all_short_aliases().unwrap_or_default());
    let variable = flag.get_env().map(|name| format!("the variable {}", name.display()));
    let mut names: Vec<String> = longs.map(|name| format!("--{name}")).collect();
    names.extend(shorts.map(|letter| format!("-{letter}")));
    names.extend(variable);
    names.push(format!("the field `{}`", flag.get_id()));
    names
}

#[cfg(feature = "application")]
pub(crate) use routes::merged;

#[cfg(feature = "application")]
mod routes {
    use std::any::Any;
    use std::panic::{self, AssertUnwindSafe};
    use std::thread;

    use axum::Router;

    use crate::exit::Fault;

    /// The routes that an application makes, and ours.
    ///
    /// # Errors
    ///
    /// Usage: which route is there twice.
    pub(crate) fn merged(
        application: impl FnOnce() -> Router,
        ours: Router,
    ) -> Result<Router, Fault> {
        // A router can be asked neither which routes it has, nor whether it would take another.
        quietly(|| application().merge(ours)).map_err(|said| {
            Fault::usage(format!(
                "the application's routes cannot be served: {said} (GET /health is there already, \
                 for every app)"
            ))
        })
    }

    /// What `build` makes, or what its panic says, which is not printed.
    fn quietly<T>(build: impl FnOnce() -> T) -> Result<T, String> {
        let here = thread::current().id();
        let before = std::sync::Arc::new(panic::take_hook());
        let others = std::sync::Arc::clone(&before);
        // Of another thread's panic everything is told as ever.
        panic::set_hook(Box::new(move |panic| {
            if thread::current().id() != here {
                others(panic);
            }
        }));
        let outcome = panic::catch_unwind(AssertUnwindSafe(build));
        drop(panic::take_hook());
        panic::set_hook(Box::new(move |panic| before(panic)));
        outcome.map_err(|payload| text_of(payload.as_ref()))
    }

    fn text_of(payload: &(dyn Any + Send)) -> String {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "it does not say which".to_owned())
    }

    #[cfg(test)]
    mod tests {
        use axum::routing::get;

        use super::*;
        use crate::exit::Exit;

        fn at(path: &str) -> Router {
            Router::new().route(path, get(async || "here"))
        }

        fn twice() -> Router {
            at("/mine").route("/mine", get(async || "here"))
        }

        #[test]
        fn u5_a_route_that_is_ours_already_is_named() {
            let fault = merged(|| at("/health"), at("/health")).unwrap_err();
            assert_eq!(fault.exit(), Exit::Usage);
            assert!(fault.to_string().contains("`GET /health`"), "{fault}");
        }

        #[test]
        fn routes_that_do_not_clash_are_merged() {
            assert!(merged(|| at("/fibonacci"), at("/health")).is_ok());
            let fault = merged(twice, at("/health")).unwrap_err();
            assert!(fault.to_string().contains("/mine"), "{fault}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn refusal(flag: Arg) -> String {
        let region = Arg::new("region").long("region").env("LONGSHORE_REGION").short('r');
        let up = Command::new("up").arg(region.alias("site")).arg(flag);
        let fault = flags(&Command::new("echo").subcommand(up)).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        fault.to_string()
    }

    #[test]
    fn u5_a_flag_that_is_ours_already_is_named_with_its_command() {
        let cases = [
            (Arg::new("mine").long("region"), "--region is"),
            (Arg::new("mine").long("site"), "--site is"),
            (Arg::new("mine").long("mine").alias("region"), "--region is"),
            (Arg::new("mine").short('r'), "-r is"),
            (Arg::new("mine").long("help"), "--help is"),
            (Arg::new("mine").env("LONGSHORE_REGION"), "the variable LONGSHORE_REGION is"),
            (Arg::new("region").long("mine"), "the field `region` is"),
        ];
        for (flag, named) in cases {
            let refusal = refusal(flag);
            assert!(refusal.contains(named) && refusal.contains("`echo up`"), "{refusal}");
        }
    }

    #[cfg(feature = "application")]
    #[test]
    fn u5_a_flag_of_an_application_that_is_ours_already_is_named() {
        use clap::CommandFactory as _;

        #[derive(Debug, clap::Args)]
        struct Own {
            #[arg(long)]
            region: Option<String>,
        }

        let fault = flags(&crate::cli::Cli::<Own>::command().name("echo")).unwrap_err();
        assert!(fault.to_string().contains("--region is declared twice in `echo`"), "{fault}");
    }

    #[cfg(feature = "application")]
    #[test]
    fn the_flags_that_every_application_has_do_not_clash() {
        let command = crate::cli::command(&crate::test_application::echo());
        assert_eq!(flags(&command), Ok(()));
    }
}
