//! A topic of SNS, and whoever has subscribed to it by e-mail.
//!
//! Source: docs.aws.amazon.com/sns/latest/api/API_Publish.html.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::SdkError;
use mapping::Message;

use crate::Error;

/// "Subjects must be UTF-8 text with no line breaks or control characters, and less than 100 characters long."
const LONGEST_SUBJECT: usize = 99;

#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The SDK's own second attempt could be a second e-mail, so it makes none.
    pub fn new(config: aws_sdk_sns::config::Builder, arn: impl Into<String>) -> Self {
        let client = Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
        Self { client, arn: arn.into() }
    }

    pub(crate) async fn publish(&self, message: &Message) -> Result<(), Error> {
        let publish = self.client.publish().topic_arn(&self.arn).subject(subject(message)).message(text(message));
        match publish.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(classified(&error)),
        }
    }
}

fn classified<E: aws_sdk_sns::error::ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_sns::config::http::HttpResponse>,
) -> Error {
    match error {
        SdkError::ConstructionFailure(_) => Error::NotSent("the request to SNS cannot be made".into()),
        SdkError::DispatchFailure(failure) if failure.is_user() => {
            Error::NotSent("the request to SNS cannot be made".into())
        }
        SdkError::ServiceError(answer) if answer.raw().status().is_client_error() => {
            let code = answer.err().code().unwrap_or("no code");
            Error::NotSent(format!("SNS answered {code}"))
        }
        SdkError::ServiceError(answer) => Error::Unknown(format!("SNS answered {}", answer.raw().status().as_u16())),
        _ => Error::Unknown("SNS did not answer".into()),
    }
}

/// In one line. The whole title stands in the text.
fn subject(message: &Message) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    message.title.chars().map(plain).take(LONGEST_SUBJECT).collect()
}

fn text(message: &Message) -> String {
    let mut lines = vec![message.title.clone(), String::new()];
    if let Some(text) = &message.text {
        lines.extend([text.clone(), String::new()]);
    }
    lines.extend(message.facts.iter().chain(&message.links).map(|(name, value)| format!("{name}: {value}")));
    lines.extend([String::new(), message.footer()]);
    lines.join("\n")
}

#[cfg(test)]
mod tests;
