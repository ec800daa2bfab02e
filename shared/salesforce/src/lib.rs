#![doc = include_str!("../README.md")]

pub mod callout;
mod client;
mod composite;
mod describe;
mod error;
mod json;
mod login;
pub mod relay;
mod session;
pub mod signature;
pub mod soql;

pub use client::{Answers, ApiUsage, Client, Config, ConfigError, Update};
pub use describe::{Described, FieldAccess, Identity, ListView};
pub use error::{Error, Refusal};
pub use login::{Credentials, InvalidCredentials};
pub use outbound::Timeouts;
