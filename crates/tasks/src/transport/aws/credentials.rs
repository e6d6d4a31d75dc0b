//! What requests are signed with, asked for once and kept until shortly before it ends.
//!
//! # Invariants
//!
//! - One load at a time: whoever comes meanwhile waits for it.
//! - A failed load is told to those who waited for it, and is tried again by the next request.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use longshore_types::{Clock, Timestamp};
use thiserror::Error;

use crate::transport::Cause;

/// How long before they end credentials are no longer used: a request may be on its way for as long.
const MARGIN: Duration = Duration::from_secs(10);
/// For how long credentials are kept that do not say when they end, as the SDK keeps them.
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a provider, such as an instance's metadata service, may take.
const LOAD_WITHIN: Duration = Duration::from_secs(5);

/// Keeps what a provider gave.
#[derive(Debug)]
pub(super) struct CredentialsCache {
    provider: Option<SharedCredentialsProvider>,
    held: RwLock<Option<Held>>,
    loading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Held {
    identity: Identity,
    ends: Timestamp,
}

/// Why there is nothing to sign with.
#[derive(Debug, Error)]
enum NoCredentials {
    #[error("there are no credentials to sign requests with")]
    NoProvider,
    #[error("there were no credentials to sign requests with after {LOAD_WITHIN:?}")]
    TooSlow,
}

impl CredentialsCache {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, held: RwLock::default(), loading: tokio::sync::Mutex::default() }
    }

    /// What to sign with now.
    pub(super) async fn identity(&self, clock: &dyn Clock) -> Result<Identity, Cause> {
        if let Some(identity) = self.fresh(clock.now()) {
            return Ok(identity);
        }
        let _alone = self.loading.lock().await;
        if let Some(identity) = self.fresh(clock.now()) {
            return Ok(identity);
        }
        let credentials = self.load().await?;
        let held = Held::of(credentials, clock.now());
        let identity = held.identity.clone();
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(identity)
    }

    fn fresh(&self, now: Timestamp) -> Option<Identity> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|held| now + MARGIN < held.ends).map(|held| held.identity.clone())
    }

    async fn load(&self) -> Result<Credentials, Cause> {
        let provider = self.provider.as_ref().ok_or(NoCredentials::NoProvider)?;
        let loaded = tokio::time::timeout(LOAD_WITHIN, provider.provide_credentials()).await;
        Ok(loaded.map_err(|_| NoCredentials::TooSlow)??)
    }
}

impl Held {
    fn of(credentials: Credentials, now: Timestamp) -> Self {
        let ends = credentials.expiry().map(|ends| {
            let since_epoch = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
        });
        let ends = ends.unwrap_or(now + KEPT_FOR);
        Self { identity: credentials.into(), ends }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};

    use super::*;

    /// Gives what it holds, last first, and counts what is left.
    #[derive(Clone, Debug)]
    struct Scripted(Arc<Mutex<Vec<Provided>>>);

    impl ProvideCredentials for Scripted {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let next = self.0.lock().unwrap().pop();
            let none = Err(CredentialsError::not_loaded("the script has ended"));
            future::ProvideCredentials::ready(next.unwrap_or(none))
        }
    }

    #[derive(Debug)]
    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn at(seconds: u64) -> At {
        At(Timestamp::from_millis(seconds * 1000))
    }

    fn key(id: &str, ends: Option<u64>) -> Provided {
        let ends = ends.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        Ok(Credentials::new(id, "secret", None, ends, "script"))
    }

    fn cache_of(mut script: Vec<Provided>) -> CredentialsCache {
        script.reverse();
        let provider = Scripted(Arc::new(Mutex::new(script)));
        CredentialsCache::new(Some(SharedCredentialsProvider::new(provider)))
    }

    async fn key_id(cache: &CredentialsCache, seconds: u64) -> Option<String> {
        let identity = cache.identity(&at(seconds)).await.ok()?;
        Some(identity.data::<Credentials>()?.access_key_id().to_owned())
    }

    #[tokio::test]
    async fn credentials_are_loaded_anew_shortly_before_they_end() {
        let cache = cache_of(vec![key("first", Some(100)), key("second", Some(200))]);
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 89).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 90).await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn credentials_that_do_not_say_when_they_end_are_looked_at_again() {
        let cache = cache_of(vec![key("first", None), key("second", None)]);
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 880).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 900).await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn a_load_that_fails_is_tried_again_by_the_next_request() {
        let failure = Err(CredentialsError::provider_error("metadata is away"));
        let cache = cache_of(vec![failure, key("found", None)]);
        assert_eq!(key_id(&cache, 0).await, None);
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("found"));
    }

    #[tokio::test]
    async fn nothing_to_sign_with_is_said() {
        let refusal = CredentialsCache::new(None).identity(&at(0)).await.unwrap_err();
        assert_eq!(refusal.to_string(), "there are no credentials to sign requests with");
    }
}
