//! Which queue an event is put on, and how soon it is received there.

#[cfg(any(feature = "sqs", test))]
use domain::Urgency;
use jiff::SignedDuration;

/// The variable that `settle` reads.
pub const SETTLE: &str = "SETTLE_SECONDS";

/// SQS hides a message that was just sent for no longer than 15 minutes.
pub fn settle(seconds: &str) -> Result<SignedDuration, &'static str> {
    match seconds.parse::<u16>() {
        Ok(seconds @ 0..=900) => Ok(SignedDuration::from_secs(seconds.into())),
        _ => Err("it must be a whole number of seconds from 0 to 900"),
    }
}

/// The queues by their URLs.
#[derive(Debug, Clone)]
pub struct Places {
    /// What is worked on first.
    pub work: String,
    /// What comes by the thousand, and is worked off beside it.
    pub bulk: String,
    pub dead_letter: String,
    /// How long what tells how something stands waits for more of its kind.
    pub settle: SignedDuration,
}

impl Places {
    /// By the names that the template gives the variables.
    pub fn read(settle: Option<SignedDuration>, mut variable: impl FnMut(&'static str) -> String) -> Self {
        Self {
            work: variable("WORK_QUEUE_URL"),
            bulk: variable("BULK_QUEUE_URL"),
            dead_letter: variable("DEAD_LETTER_QUEUE_URL"),
            settle: settle.unwrap_or_default(),
        }
    }

    /// The queue, and for how many seconds a message is hidden there at first.
    #[cfg(any(feature = "sqs", test))]
    pub(crate) fn of(&self, urgency: Urgency) -> (&str, Option<i32>) {
        match urgency {
            Urgency::First => (&self.work, None),
            Urgency::InTurn => (&self.bulk, None),
            Urgency::Settled => {
                let seconds = i32::try_from(self.settle.as_secs()).ok();
                (&self.bulk, seconds.filter(|seconds| *seconds > 0))
            }
        }
    }

    /// Which of the two queues of work a message came from, by the ARN that Lambda names. Both end with the queue's name.
    #[cfg(any(feature = "sqs", test))]
    pub(crate) fn named(&self, event_source_arn: &str) -> &str {
        let name = |text: &str, separator| text.rsplit(separator).next().unwrap_or_default().to_owned();
        if name(event_source_arn, ':') == name(&self.bulk, '/') { &self.bulk } else { &self.work }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(seconds: &str) -> Places {
        Places::read(settle(seconds).ok(), |name| {
            format!("https://sqs.eu-central-1.amazonaws.com/123456789012/{name}-1")
        })
    }

    #[test]
    fn a_message_goes_back_to_the_queue_that_it_came_from() {
        let places = places("5");
        for (arn, expected) in [
            ("arn:aws:sqs:eu-central-1:123456789012:WORK_QUEUE_URL-1", &places.work),
            ("arn:aws:sqs:eu-central-1:123456789012:BULK_QUEUE_URL-1", &places.bulk),
            ("", &places.work),
        ] {
            assert_eq!(places.named(arn), expected, "{arn}");
        }
    }

    #[test]
    fn only_what_tells_how_something_stands_waits_for_more_of_its_kind() {
        let five = places("5");
        assert_eq!(five.of(Urgency::First), (five.work.as_str(), None));
        assert_eq!(five.of(Urgency::InTurn), (five.bulk.as_str(), None));
        assert_eq!(five.of(Urgency::Settled), (five.bulk.as_str(), Some(5)));
        let none = places("0");
        assert_eq!(none.of(Urgency::Settled), (none.bulk.as_str(), None));
    }
}
