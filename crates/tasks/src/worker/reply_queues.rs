//! Which queues a worker replies to: its own, and those that it was told to allow.
//!
//! A message says where its sender wants the reply. A worker sends with its own rights, so it sends
//! only where somebody who runs it said so. Where a message names a queue by URL, the reply goes to
//! the declared queue that the URL stands for, never to the URL as it came.

use crate::transport::QueueHandle;

/// The queues that replies may go to.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplyQueues {
    pub(super) own: Option<String>,
    pub(super) allowed: Vec<String>,
}

impl ReplyQueues {
    /// The queue for a reply: the one that the message names, else the worker's own.
    ///
    /// # Errors
    ///
    /// The message names one that is not allowed: what is wrong, and what to do.
    pub(super) fn choose(&self, named: Option<&str>) -> Result<Option<String>, String> {
        let Some(named) = named else { return Ok(self.own.clone()) };
        let found = self.own.iter().chain(&self.allowed).find(|queue| is_same(queue, named));
        found.cloned().map(Some).ok_or_else(|| {
            format!(
                "its replyTo names the queue `{}`, which this worker does not reply to: allow it \
                 with --allow-reply-queue",
                named.escape_debug()
            )
        })
    }
}

/// Whether a message means the declared queue: by its name, or by a URL of that account and name,
/// whichever host it says (a container and its host call one broker by different names).
fn is_same(declared: &str, named: &str) -> bool {
    if declared == named {
        return true;
    }
    match (declared.contains("://"), named.contains("://")) {
        (true, true) => path(declared) == path(named),
        (false, true) => QueueHandle::from_url(named).name() == declared,
        (true, false) => QueueHandle::from_url(declared).name() == named,
        (false, false) => false,
    }
}

/// `account/name` of a queue's URL.
fn path(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    Some(rest.split_once('/')?.1.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> ReplyQueues {
        let allowed = vec!["others".to_owned(), "http://sqs.test/2/theirs".to_owned()];
        ReplyQueues { own: Some("own".to_owned()), allowed }
    }

    #[test]
    fn a_reply_goes_to_the_workers_own_queue_unless_the_message_names_another() {
        assert_eq!(queues().choose(None), Ok(Some("own".to_owned())));
        assert_eq!(queues().choose(Some("others")), Ok(Some("others".to_owned())));
        assert_eq!(ReplyQueues::default().choose(None), Ok(None));
    }

    #[test]
    fn a_url_means_the_declared_queue_and_is_never_sent_to_itself() {
        let queues = queues();
        assert_eq!(queues.choose(Some("http://evil.test/1/own")), Ok(Some("own".to_owned())));
        let theirs = Ok(Some("http://sqs.test/2/theirs".to_owned()));
        assert_eq!(queues.choose(Some("https://other.test/2/theirs")), theirs);
    }

    #[test]
    fn l3_a_queue_that_nobody_declared_is_refused_with_the_way_to_allow_it() {
        for named in ["nobody", "http://sqs.test/3/theirs", "http://sqs.test/2/else"] {
            let reason = queues().choose(Some(named)).unwrap_err();
            assert!(reason.contains(named) && reason.contains("--allow-reply-queue"), "{reason}");
        }
    }
}
