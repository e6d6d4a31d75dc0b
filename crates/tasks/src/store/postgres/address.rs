//! Where the database is: what a URL says of the server, of TLS, and how the store is called.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::database::InWords;
use crate::store::{Result, StoreError};

/// How the server's operators see whose connections these are.
const APPLICATION: &str = "longshore";
/// The server's own default.
const PORT: u16 = 5432;

/// A database and how to reach it.
#[derive(Clone)]
pub(super) struct Address {
    /// The URL without its password and its options.
    pub(super) name: String,
    /// For the client.
    pub(super) config: Config,
    /// Certificates to check the server's against, instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it is none; without its text, which may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (url, root_certificates) = without_certificates(url);
        let mut config: Config = url.parse().map_err(|source: tokio_postgres::Error| {
            let source = InWords::from(source);
            StoreError::unavailable("the store in PostgreSQL", "read its URL", source)
        })?;
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION);
        }
        Ok(Self { name: name(&config), config, root_certificates })
    }

    /// Whether the server's certificate has to be right.
    pub(super) fn is_checked(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }
}

/// The URL without what `tokio-postgres` does not know: `sslrootcert`, which is answered, and the
/// two modes that check the certificate, which `require` does here too.
fn without_certificates(url: &str) -> (String, Option<PathBuf>) {
    let Some((address, options)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut certificates = None;
    let mut kept = Vec::new();
    for option in options.split('&') {
        match option.split_once('=') {
            Some(("sslrootcert", path)) => certificates = Some(PathBuf::from(path)),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(option),
        }
    }
    (format!("{address}?{}", kept.join("&")), certificates)
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |place: usize| ports.get(place).or(ports.first()).copied().unwrap_or(PORT);
    let host = |(place, host): (usize, &Host)| match host {
        Host::Tcp(host) if host.contains(':') => format!("[{host}]:{}", port(place)),
        Host::Tcp(host) => format!("{host}:{}", port(place)),
        Host::Unix(path) => format!("{}:{}", path.display(), port(place)),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_password() {
        let address = Address::parse("postgres://ann:s3cret@db.example:6000/tasks").unwrap();
        assert_eq!(address.name, "postgres://ann@db.example:6000/tasks");
        let address = Address::parse("postgres://ann@db/?password=s3cret").unwrap();
        assert_eq!(address.name, "postgres://ann@db:5432/ann");
    }

    #[test]
    fn a_bad_url_is_not_repeated_in_its_error() {
        let error = Address::parse("postgres://ann:s3cret@db/x?sslmode=maybe").err().unwrap();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn the_modes_that_check_a_certificate_are_require() {
        let url = "postgres://db/x?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=3";
        let address = Address::parse(url).unwrap();
        assert!(address.is_checked());
        assert_eq!(address.root_certificates, Some(PathBuf::from("/etc/ca.pem")));
        assert!(!Address::parse("postgres://db/x").unwrap().is_checked());
    }
}
