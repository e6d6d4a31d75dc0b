//! The task framework: typed tasks, typed replies, competing workers.
