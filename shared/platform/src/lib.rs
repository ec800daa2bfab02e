#![doc = include_str!("../README.md")]

mod aws;
mod environment;
mod secrets;
mod telemetry;

pub use aws::sdk_config;
pub use environment::{ConfigError, Environment};
pub use secrets::{Rotating, Secrets};
pub use telemetry::{Metric, add, count, init_logging};
