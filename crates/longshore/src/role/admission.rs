//! Whom a broker lets in, as its flags say.
//!
//! A broker that requires no signatures serves everybody who reaches it, so it listens on this host
//! only, unless it is told that everybody may.

use std::path::Path;
use std::sync::Arc;

use longshore_broker::{KeyRing, ServerOptions};

use crate::exit::Fault;
use crate::options::BrokerOptions;

/// How a broker is served, as its flags say.
///
/// # Errors
///
/// Flags that contradict one another, a broker beyond this host that would serve everybody, and a
/// file of access keys that cannot be read or makes no sense.
pub(super) fn admission(options: &BrokerOptions) -> Result<ServerOptions, Fault> {
    check_exposure(options)?;
    let keys = options.access_keys.as_deref().map_or_else(|| Ok(KeyRing::default()), read)?;
    if options.require_signatures && keys.is_empty() {
        return Err(Fault::usage(
            "--require-signatures without an access key would refuse everybody: name a file with \
             --access-keys that has an [[access_key]] with an id and a secret",
        ));
    }
    let (keys, require_signatures) = (Arc::new(keys), options.require_signatures);
    Ok(ServerOptions {
        public_url: options.broker_public_url.clone(),
        allowed_hosts: options.allowed_host.clone(),
        trusted_proxies: options.trusted_proxy.clone(),
        connections_max: options.bounds.connections_max,
        peer_connections_max: options.bounds.peer_connections_max,
        traffic_bytes_max: options.bounds.traffic_bytes_max,
        keys,
        require_signatures,
        ..ServerOptions::default()
    })
}

fn check_exposure(options: &BrokerOptions) -> Result<(), Fault> {
    let address = options.broker_listen;
    match (options.require_signatures, options.allow_anonymous) {
        (true, true) => Err(Fault::usage(
            "--require-signatures and --allow-anonymous contradict each other: choose one",
        )),
        (false, false) if !address.ip().is_loopback() => Err(Fault::usage(format!(
            "the broker checks no signatures, and {address} is beyond this host: everyone who \
             reaches it could read and delete every message. Let it check them, with \
             --require-signatures and --access-keys, or add --allow-anonymous if everyone may, or \
             listen on 127.0.0.1 with --broker-listen"
        ))),
        (_, _) => Ok(()),
    }
}

fn read(path: &Path) -> Result<KeyRing, Fault> {
    KeyRing::read(path)
        .map_err(|fault| Fault::usage(format!("the access keys in {}: {fault}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use longshore_types::AccountId;

    use super::*;
    use crate::exit::Exit;
    use crate::options::bounds::BoundOptions;

    fn listening(address: &str) -> BrokerOptions {
        BrokerOptions {
            broker_listen: address.parse().unwrap(),
            in_memory: true,
            sync_interval: None,
            strict: false,
            clock_jump_max: Duration::from_secs(3600),
            clock_confirmed_after: Duration::from_secs(300),
            allow_anonymous: false,
            require_signatures: false,
            access_keys: None,
            account: AccountId::default(),
            broker_public_url: None,
            allowed_host: Vec::new(),
            trusted_proxy: Vec::new(),
            bounds: BoundOptions::default(),
            metrics_listen: None,
        }
    }

    fn signed(address: &str, keys: &str) -> BrokerOptions {
        // The test's own thread names the file: no two tests write the same one.
        let name = format!("longshore-keys-{:?}", std::thread::current().id());
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::write(&path, keys).unwrap();
        let access_keys = Some(path);
        BrokerOptions { require_signatures: true, access_keys, ..listening(address) }
    }

    #[track_caller]
    fn assert_usage(options: &BrokerOptions, part: &str) {
        let fault = admission(options).unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.to_string().contains(part), "{fault}");
    }

    #[test]
    fn a_broker_beyond_this_host_is_refused_unless_everyone_may_use_it() {
        for address in ["127.0.0.1:1", "[::1]:1"] {
            assert!(admission(&listening(address)).is_ok());
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            assert_usage(&listening(address), "--allow-anonymous");
            let anonymous = BrokerOptions { allow_anonymous: true, ..listening(address) };
            assert!(admission(&anonymous).is_ok());
        }
    }

    #[test]
    fn a_broker_that_requires_signatures_listens_anywhere() {
        let keys = "[[access_key]]\nid = 'a'\nsecret = 's'\n";
        let options = signed("0.0.0.0:1", keys);
        let admitted = admission(&options).unwrap();
        assert!(admitted.require_signatures && admitted.keys.count() == 1);
        assert_usage(&BrokerOptions { allow_anonymous: true, ..options }, "choose one");
    }

    #[test]
    fn signatures_that_nobody_can_make_are_wrong_usage() {
        assert_usage(&signed("127.0.0.1:1", ""), "[[access_key]]");
        let none = BrokerOptions { require_signatures: true, ..listening("127.0.0.1:1") };
        assert_usage(&none, "--access-keys");
    }

    #[test]
    fn a_wrong_file_of_access_keys_is_named_with_its_line() {
        assert_usage(&signed("127.0.0.1:1", "[[access_key]]\nid = 'a'\n"), "line 1");
        let access_keys = Some(PathBuf::from("/nowhere/keys.toml"));
        let missing = BrokerOptions { access_keys, ..listening("127.0.0.1:1") };
        assert_usage(&missing, "/nowhere/keys.toml");
    }
}
