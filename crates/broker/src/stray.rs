//! Says when somebody asks in one region for a queue that another region has.
//!
//! The region of a request is that of its signature, so a client that is set to another one does not
//! find a queue that its user sees. The answer is SQS's, that there is no such queue; the log says why.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_engine::Catalog;
use longshore_types::{QueueArn, QueueName};
use longshore_wire::Named;
use tokio::time::Instant;

use crate::caller::Place;
use crate::queue_url::QueueAddress;

/// For how long nothing more is said to a caller.
const QUIET: Duration = Duration::from_secs(60);

/// Callers that are remembered; to more nothing is said until one of them is forgotten.
const CALLERS_MAX: usize = 20;

/// Regions that are looked through: AWS has fewer.
const REGIONS_MAX: usize = 100;

/// The queue that somebody asks for, if it is named by more than an ARN, which has its region in it.
pub(crate) fn asked_for(named: Named<'_>) -> Option<QueueAddress> {
    match named {
        Named::Url(url) => QueueAddress::parse(url),
        Named::Name(name) => {
            let name = QueueName::parse(name).ok()?;
            Some(QueueAddress { account: None, name })
        }
        Named::Arn(_) | Named::None => None,
    }
}

/// The queue of that address in the first other region that has one.
pub(crate) fn elsewhere(
    catalog: &Catalog,
    place: &Place,
    address: &QueueAddress,
) -> Option<QueueArn> {
    let account = address.account.as_ref().unwrap_or(&place.account);
    let regions = catalog.regions_of(account).filter(|region| **region != place.region);
    regions.take(REGIONS_MAX).find_map(|region| {
        let (account, name) = (account.clone(), address.name.clone());
        let arn = QueueArn { region: region.clone(), account, name };
        catalog.by_arn(&arn).map(|_| arn)
    })
}

/// What was said of late to a caller, and to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing, and it can be told.
    New,
    /// It was told.
    Told,
    /// Nothing, because so many others were told.
    Crowded,
}

/// To whom something was said of late.
#[derive(Debug, Default)]
pub(crate) struct Strays(Mutex<BTreeMap<Place, Instant>>);

impl Strays {
    /// Whether something would be said to that caller now.
    pub(crate) fn standing(&self, place: &Place) -> Standing {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(place).is_some_and(is_of_late) {
            return Standing::Told;
        }
        let lately = told.values().filter(|at| is_of_late(at)).count();
        if lately >= CALLERS_MAX { Standing::Crowded } else { Standing::New }
    }

    /// Says where the queue is, at most once a minute for each caller.
    pub(crate) fn tell(&self, place: &Place, found: &QueueArn) {
        if self.may_tell(place) {
            tracing::warn!(queue = %found.name, asked_in = %place.region, exists_in = %found.region, "a caller asks in one region for a queue that exists in another: the region is that of the request's signature, so set the client's, or create the queue there");
        }
    }

    fn may_tell(&self, place: &Place) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| is_of_late(at));
        if told.len() >= CALLERS_MAX || told.contains_key(place) {
            return false;
        }
        told.insert(place.clone(), Instant::now());
        true
    }
}

fn is_of_late(at: &Instant) -> bool {
    at.elapsed() < QUIET
}

#[cfg(test)]
mod tests {
    use longshore_engine::CatalogEvent;
    use longshore_types::{AccountId, Region, Timestamp};

    use super::*;

    fn place(region: &str) -> Place {
        Place { region: Region::parse(region).unwrap(), account: AccountId::default() }
    }

    #[test]
    fn a_queue_is_found_in_the_other_region_of_its_account() {
        let mut catalog = Catalog::default();
        let arn = QueueArn::parse("arn:aws:sqs:eu-west-1:000000000000:jobs").unwrap();
        let created: CatalogEvent =
            catalog.create(arn.clone(), BTreeMap::new(), BTreeMap::new()).unwrap();
        catalog.apply(&created, Timestamp::ZERO);
        let find = |region, named| elsewhere(&catalog, &place(region), &asked_for(named).unwrap());
        let url = Named::Url("http://localhost/000000000000/jobs");
        assert_eq!(find("us-east-1", url), Some(arn.clone()));
        assert_eq!(find("us-east-1", Named::Name("jobs")), Some(arn));
        assert_eq!(find("us-east-1", Named::Name("other")), None);
        assert_eq!(find("us-east-1", Named::Url("http://localhost/111111111111/jobs")), None);
        assert_eq!(find("eu-west-1", url), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_told_once_a_minute() {
        let strays = Strays::default();
        assert!(strays.may_tell(&place("us-east-1")));
        tokio::time::advance(QUIET / 2).await;
        assert!(!strays.may_tell(&place("us-east-1")));
        assert!(strays.may_tell(&place("us-west-2")));
        tokio::time::advance(QUIET / 2).await;
        assert!(strays.may_tell(&place("us-east-1")));
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_a_number_of_callers_nobody_more_is_told_for_a_while() {
        let strays = Strays::default();
        for number in 0..CALLERS_MAX {
            let place = place(&format!("us-east-{number}"));
            assert_eq!(strays.standing(&place), Standing::New);
            assert!(strays.may_tell(&place));
            assert_eq!(strays.standing(&place), Standing::Told);
        }
        assert_eq!(strays.standing(&place("eu-west-1")), Standing::Crowded);
        tokio::time::advance(QUIET).await;
        assert_eq!(strays.standing(&place("eu-west-1")), Standing::New);
    }
}
