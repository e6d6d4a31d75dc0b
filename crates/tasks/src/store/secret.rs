//! URLs of servers without their passwords: for logs, errors and pages.

/// What stands where a password was.
const HIDDEN: &str = "***";
/// Parameters with a word of these in their names hold a secret.
const SECRETS: [&str; 4] = ["pass", "pwd", "secret", "token"];

/// The URL with its password hidden. One that cannot be told apart from the rest hides more.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return HIDDEN.to_owned() };
    let (address, query) = rest.split_once('?').map_or((rest, None), |(a, q)| (a, Some(q)));
    // A password may hold a question mark that nobody escaped: then the `@` comes after it.
    if query.is_some_and(|query| query.contains('@')) {
        return format!("{scheme}://{HIDDEN}");
    }
    let address = without_user_password(address);
    match query {
        None => format!("{scheme}://{address}"),
        Some(query) => format!("{scheme}://{address}?{}", without_secrets(query)),
    }
}

/// `user:password@host` as `user:***@host`. The last `@` counts, for a password may hold one.
fn without_user_password(address: &str) -> String {
    let Some((login, host)) = address.rsplit_once('@') else { return address.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
        None => format!("{login}@{host}"),
    }
}

fn without_secrets(query: &str) -> String {
    let shown = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    };
    query.split('&').map(shown).collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for (url, shown) in [
            ("postgres://host/tasks", "postgres://host/tasks"),
            ("postgres://me@host:5432/tasks", "postgres://me@host:5432/tasks"),
            ("postgres://me:s3cret@host/tasks", "postgres://me:***@host/tasks"),
            ("redis://:s3cret@host:6379/0", "redis://:***@host:6379/0"),
            ("redis://me:s3@cr/et@host", "redis://me:***@host"),
            ("redis://me:s3?cret@host", "redis://***"),
            ("redis://me:a@s3?cret@host", "redis://***"),
            (
                "postgres://host/tasks?sslmode=require&password=s3cret",
                "postgres://host/tasks?sslmode=require&password=***",
            ),
            ("postgres://host/tasks?SSLPassword=s3cret", "postgres://host/tasks?SSLPassword=***"),
            ("s3cret", "***"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
