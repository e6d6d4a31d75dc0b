//! What requests are signed with, asked for once and kept until shortly before it ends.
//!
//! # Invariants
//!
//! - One load at a time: whoever comes meanwhile waits for it, and hears what it came to.
//! - A load that failed is told for a second, and is tried again by the next request after that.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use longshore_types::{Clock, Timestamp};
use thiserror::Error;

use crate::error_chain::in_one_line;

/// How long before they end credentials are no longer used: a request may be on its way for as long.
const MARGIN: Duration = Duration::from_secs(10);
/// For how long credentials are kept that do not say when they end, as the SDK keeps them.
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);
/// For how long a failure is told without another load: to all who waited for it.
const TOLD_FOR: Duration = Duration::from_secs(1);
/// How long a provider, such as a process or an instance's metadata service, may take.
const LOAD_WITHIN: Duration = Duration::from_secs(15);

/// Keeps what a provider gave.
#[derive(Debug)]
pub(super) struct CredentialsCache {
    provider: Option<SharedCredentialsProvider>,
    last: RwLock<Option<Loaded>>,
    loading: tokio::sync::Mutex<()>,
}

/// What a load came to, and until when that is told.
#[derive(Clone, Debug)]
struct Loaded {
    outcome: Result<Identity, NoCredentials>,
    until: Timestamp,
}

/// Why there is nothing to sign with, in words alone: a provider's own error can hold what it was answered.
#[derive(Clone, Debug, Error)]
pub(super) enum NoCredentials {
    #[error("there are no credentials to sign requests with")]
    NoProvider,
    #[error("there were no credentials to sign requests with after {LOAD_WITHIN:?}")]
    TooSlow,
    #[error("{0}")]
    Refused(String),
}

impl CredentialsCache {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, last: RwLock::default(), loading: tokio::sync::Mutex::default() }
    }

    /// What to sign with now.
    pub(super) async fn identity(&self, clock: &dyn Clock) -> Result<Identity, NoCredentials> {
        if let Some(outcome) = self.fresh(clock.now()) {
            return outcome;
        }
        let _alone = self.loading.lock().await;
        if let Some(outcome) = self.fresh(clock.now()) {
            return outcome;
        }
        let loaded = Loaded::of(self.load().await, clock.now());
        let outcome = loaded.outcome.clone();
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        outcome
    }

    fn fresh(&self, now: Timestamp) -> Option<Result<Identity, NoCredentials>> {
        let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|last| now < last.until).map(|last| last.outcome.clone())
    }

    /// Asks the provider. One that takes too long may have something else to offer, as an instance's has what it
    /// gave before.
    async fn load(&self) -> Result<Credentials, NoCredentials> {
        let provider = self.provider.as_ref().ok_or(NoCredentials::NoProvider)?;
        match tokio::time::timeout(LOAD_WITHIN, provider.provide_credentials()).await {
            Ok(loaded) => loaded.map_err(|error| NoCredentials::Refused(in_one_line(&error))),
            Err(_) => given_before(provider).ok_or(NoCredentials::TooSlow),
        }
    }
}

/// Asked of the provider itself: the shared handle does not pass the question on.
fn given_before(provider: &SharedCredentialsProvider) -> Option<Credentials> {
    let provider: &dyn ProvideCredentials = provider.as_ref();
    provider.fallback_on_interrupt()
}

impl Loaded {
    fn of(loaded: Result<Credentials, NoCredentials>, now: Timestamp) -> Self {
        let until = match &loaded {
            Ok(credentials) => credentials.expiry().map_or(now + KEPT_FOR, |ends| {
                let since_epoch = ends.duration_since(UNIX_EPOCH).unwrap_or_default();
                let usable = since_epoch.saturating_sub(MARGIN).as_millis();
                Timestamp::from_millis(u64::try_from(usable).unwrap_or(u64::MAX))
            }),
            Err(_) => now + TOLD_FOR,
        };
        Self { outcome: loaded.map(Identity::from), until }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::{Result as Provided, future};

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

    fn key(id: &str, ends: Option<u64>) -> Credentials {
        let ends = ends.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        Credentials::new(id, "secret", None, ends, "script")
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
        let cache = cache_of(vec![Ok(key("first", Some(100))), Ok(key("second", Some(200)))]);
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 89).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 90).await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn credentials_that_do_not_say_when_they_end_are_looked_at_again() {
        let cache = cache_of(vec![Ok(key("first", None)), Ok(key("second", None))]);
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 899).await.as_deref(), Some("first"));
        assert_eq!(key_id(&cache, 900).await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn a_load_that_fails_is_told_to_all_who_waited_and_tried_again_by_the_next() {
        let failure = Err(CredentialsError::provider_error("metadata is away"));
        let cache = cache_of(vec![failure, Ok(key("found", None))]);
        assert_eq!(key_id(&cache, 0).await, None);
        assert_eq!(key_id(&cache, 0).await, None);
        assert_eq!(key_id(&cache, 1).await.as_deref(), Some("found"));
    }

    /// Never gives anything, and has something to offer all the same.
    #[derive(Debug)]
    struct Hanging;

    impl ProvideCredentials for Hanging {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }

        fn fallback_on_interrupt(&self) -> Option<Credentials> {
            Some(key("old", None))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_hangs_is_asked_for_what_it_gave_before() {
        let cache = CredentialsCache::new(Some(SharedCredentialsProvider::new(Hanging)));
        assert_eq!(key_id(&cache, 0).await.as_deref(), Some("old"));
    }

    #[tokio::test]
    async fn nothing_to_sign_with_is_said() {
        let refusal = CredentialsCache::new(None).identity(&at(0)).await.unwrap_err();
        assert_eq!(refusal.to_string(), "there are no credentials to sign requests with");
    }
}
