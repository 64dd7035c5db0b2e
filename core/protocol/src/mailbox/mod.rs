//! The mailbox service as its clients see it.
