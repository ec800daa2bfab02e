#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "a story that cannot be set up has failed")]

mod aws;
mod deal;
mod door;
mod env;
mod fuse;
mod gateway;
mod printed;
mod random;
mod world;

pub use aws::{CloudWatch, Disturbance, Email, Lambda, Message, SecretsManager, Sqs, TABLE};
pub use deal::{Deal, Line};
pub use door::OpenDoor;
pub use env::{Env, Options, PERMISSIONS, TO_CREDIT, TO_FOLLOW, Worked};
pub use fuse::{Fuse, Written};
pub use gateway::{Reply, base64_event, bridge_events, http_event};
pub use printed::printed_by;
pub use random::Random;
pub use world::TestWorld;
