#![doc = include_str!("../README.md")]

#[cfg(feature = "clients")]
mod slack;
#[cfg(feature = "clients")]
mod topic;

#[cfg(feature = "clients")]
use mapping::{Channel, Message};

#[cfg(feature = "clients")]
pub use outbound::Timeouts;
#[cfg(feature = "clients")]
pub use slack::{Slack, SlackConfigError};
#[cfg(feature = "clients")]
pub use topic::Topic;

/// Why nobody said that it was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// For certain. It may be said again at once.
    #[error("it was not sent: {0}")]
    NotSent(String),
    /// It may have been said.
    #[error("nobody knows whether it was sent: {0}")]
    Unknown(String),
}

/// Every way to tell people something that this deployment has.
#[cfg(feature = "clients")]
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    pub slack: Option<Slack>,
    pub topic: Option<Topic>,
}

#[cfg(feature = "clients")]
impl Notifier {
    /// When this returns, it was said, once.
    pub async fn tell(&self, channel: Channel, message: &Message) -> Result<(), Error> {
        let missing =
            |what| Error::NotSent(format!("{what} could not be set up: the worker's log says why, where it started"));
        match channel {
            Channel::Slack => self.slack.as_ref().ok_or_else(|| missing("Slack"))?.post(message).await,
            Channel::Email => self.topic.as_ref().ok_or_else(|| missing("the topic"))?.publish(message).await,
        }
    }
}
