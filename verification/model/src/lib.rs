//! SQS, slow and obviously right: what the engine is tested against.
