//! Open files: a connection is one, and a system lets a program have few unless it asks for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for as many open files as the system allows at most. Many shells and service managers begin with 1024,
/// which fewer clients use up than a broker takes.
///
/// # Errors
///
/// What to warn of, if the system does not give them.
pub(crate) fn raise() -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).map_err(|fault| {
        let current = current.map_or("all".to_owned(), |count| count.to_string());
        format!("the limit of open files, {current}, cannot be raised: {fault}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_files_can_be_open_as_the_system_allows() {
        raise().unwrap();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
