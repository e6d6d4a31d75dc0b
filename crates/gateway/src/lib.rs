//! HTTP request-reply over a task client and a reply store.
