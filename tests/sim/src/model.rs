//! The two vendors as they behave: synchronous, typed, and knowing no faults of the network.

pub mod salesforce;
pub mod stripe;
