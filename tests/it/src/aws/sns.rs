//! A topic of SNS, as far as it is published to.

use std::sync::{Arc, Mutex};

use serde_json::Value;

/// Where the bundle publishes what people are told.
pub const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:told";

/// What a subscriber's e-mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub subject: String,
    pub text: String,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Sns {
    published: Arc<Mutex<Vec<Email>>>,
}

impl Sns {
    pub(super) fn published(&self) -> Vec<Email> {
        self.published.lock().unwrap().clone()
    }

    /// SNS speaks the query protocol: a form in, XML out.
    pub(super) fn answer(&self, form: &str) -> (u16, String) {
        let fields: Value = form_urlencoded::parse(form.as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let field = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        let (subject, text) = (field("Subject"), field("Message"));
        let is_subject = subject.chars().count() < 100 && !subject.contains(char::is_control);
        if field("Action") != "Publish" || field("TopicArn") != TOPIC || text.is_empty() || !is_subject {
            return (400, error("InvalidParameter"));
        }
        self.published.lock().unwrap().push(Email { subject, text });
        let result = "<PublishResult><MessageId>11111111-2222-3333-4444-555555555555</MessageId></PublishResult>";
        (200, format!("<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{result}</PublishResponse>"))
    }
}

pub(super) fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
}
