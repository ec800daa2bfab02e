#![doc = include_str!("../README.md")]

pub mod args;
mod aws;
pub mod catalog;
pub mod config;
pub mod delivery;
pub mod doctor;
pub mod explain;
mod paint;
pub mod preview;
pub mod progress;
pub mod setup;
mod subject;
pub mod terminal;

pub use subject::{Subject, UnknownSubject};

/// How the command ends. These numbers are promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Well = 0,
    NeedsPerson = 1,
    Misunderstood = 2,
    Unknown = 3,
    Unavailable = 4,
}
