//! The front door: tasks, workers, broker and gateway assembled into an application.
