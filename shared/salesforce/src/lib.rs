#![doc = include_str!("../README.md")]

pub mod callout;
mod client;
mod composite;
mod error;
mod json;
mod login;
pub mod relay;
mod session;
pub mod signature;
pub mod soql;

pub use client::{Answers, ApiUsage, Client, Config, ConfigError, FieldDescription, Update};
pub use error::{Error, Refusal};
pub use login::{Credentials, InvalidCredentials};
pub use outbound::Timeouts;
