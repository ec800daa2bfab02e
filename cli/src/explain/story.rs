//! The story as it is told, to people and to programs.

use std::fmt;

use jiff::Timestamp;
use ledger::{CallEntry, StoredRun};
use mapping::{Kind, Owner, Stop};
use serde::Serialize;
use workflow::{About, Next, RunId, Status};

use super::told_on;
use super::words::{about, at};
use crate::Exit;
use crate::paint::{Paint, Tone};

#[derive(Debug, Serialize)]
pub struct Story {
    pub subject: String,
    pub chapters: Vec<Chapter>,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Chapter {
    /// Its key in the ledger.
    pub run: String,
    pub workflow: &'static str,
    /// The record or object that it is about.
    pub of: String,
    /// `open`, `done`, `rejected` or `review`.
    pub status: &'static str,
    pub point: &'static str,
    /// What that means.
    pub says: String,
    pub began_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it was taken up.
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// What is waited for, in the words that a person gets if it never comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The last events that it has answered.
    pub answered: Vec<String>,
    /// What it made or settled on, each with what it is.
    pub made: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
    pub remedy: &'static str,
    /// Who has to act.
    pub whose: &'static str,
    pub needs_person: bool,
}

/// One call to the outside.
#[derive(Debug, Serialize)]
pub struct Call {
    pub at: Timestamp,
    pub system: String,
    pub call: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    pub duration_ms: i64,
}

impl From<CallEntry> for Call {
    fn from(entry: CallEntry) -> Self {
        let CallEntry { at, system, call, target, outcome, detail, request_id, idempotency_key, duration_ms } = entry;
        Self { at, system, call, target, outcome, detail, request_id, idempotency_key, duration_ms }
    }
}

impl From<&Stop> for Stopped {
    fn from(stop: &Stop) -> Self {
        let needs_person = stop.kind != Kind::NotBillable;
        let whose = match stop.code.owner() {
            _ if !needs_person => "nobody",
            Owner::Sales => "sales",
            Owner::Finance => "finance",
            Owner::Admin => "whoever administers Salesforce, Stripe or this deployment",
            Owner::Nobody => "nobody",
        };
        Self {
            code: stop.code.as_str(),
            message: stop.message.clone(),
            remedy: if needs_person { stop.code.remedy() } else { "Nothing." },
            whose,
            needs_person,
        }
    }
}

impl Chapter {
    pub(super) fn new(stored: &StoredRun, calls: Vec<CallEntry>) -> Self {
        let run = &stored.run;
        let status = match run.status() {
            Status::Open => "open",
            Status::Done => "done",
            Status::Rejected => "rejected",
            Status::Review => "review",
        };
        let waits_for = match run.next() {
            Next::Wait(stop) => Some(stop.message),
            _ => None,
        };
        Self {
            run: run.id.to_string(),
            workflow: run.id.workflow(),
            of: subject(&run.id),
            status,
            point: run.point(),
            says: at(run.id.workflow(), run.point()).to_owned(),
            began_at: stored.created_at,
            last_at: stored.updated_at,
            attempts: stored.attempts,
            waiting_since: stored.waiting_since.filter(|_| waits_for.is_some()),
            waits_for,
            answered: run.answered.clone(),
            made: made(stored),
            stopped: run.stop().map(Stopped::from),
            calls: calls.into_iter().map(Call::from).collect(),
        }
    }

    fn standing(&self) -> &'static str {
        match (self.status, self.needs_person()) {
            ("done", _) => "Done",
            ("open", true) => "About to be put before a person",
            ("rejected" | "review", true) => "Waits for a person",
            ("rejected" | "review", false) => "Nothing to do",
            _ => "Under way",
        }
    }

    fn needs_person(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| stopped.needs_person)
    }
}

fn subject(id: &RunId) -> String {
    match id {
        RunId::Notification { channel, about: About::Run { tells, .. }, .. } => format!("{channel}, {tells}"),
        id => id.subject().to_owned(),
    }
}

fn made(stored: &StoredRun) -> Vec<(&'static str, String)> {
    let run = &stored.run;
    let mut made = Vec::new();
    made.extend(run.customer_id().map(|id| ("customer", id.to_string())));
    made.extend(run.replaced.iter().map(|id| ("replaced invoice", id.to_string())));
    made.extend(run.invoice_id().map(|id| ("invoice", id.to_string())));
    made.extend(run.subscription_id().map(|id| ("subscription", id.to_string())));
    if let Some((total, billed)) = run.billed() {
        made.push(("deal", total.to_string()));
        made.push(("billed", billed.to_string()));
    }
    made.extend(told_on(&run.state).map(|id| ("told on", id.to_string())));
    made.extend(run.by_rules().iter().map(|rule| ("by rule", rule.clone())));
    made.extend(run.skipped().map(|(what, why)| (what, why.to_owned())));
    made.extend(run.configuration.as_ref().map(|hash| ("configuration", hash.to_string())));
    made
}

impl Story {
    pub fn exit(&self) -> Exit {
        if self.chapters.is_empty() {
            return Exit::Unknown;
        }
        // Whoever asks about a deal asks whether it is well, and not whether Slack is.
        let of_records = self.chapters.iter().filter(|chapter| chapter.workflow != "notification");
        if of_records.into_iter().any(Chapter::needs_person) { Exit::NeedsPerson } else { Exit::Well }
    }

    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.chapters.is_empty() {
            return writeln!(
                f,
                "Nothing is kept under {}: no event of it was worked on, or it is told under another id (of a subscription or an invoice under \
                 its deal's), or --table or --organization are another deployment's.",
                self.subject
            );
        }
        for (index, chapter) in self.chapters.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            chapter.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Chapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        writeln!(f, "{}", paint.strong(format_args!("{} {}", about(self.workflow), self.of)))?;
        let tone = if self.needs_person() { Tone::Bad } else { Tone::Plain };
        writeln!(f, "  {}: {} ({})", paint.toned(tone, self.standing()), self.says, self.point)?;
        writeln!(f, "  began {}, last saved {}, taken up {}", self.began_at, self.last_at, times(self.attempts))?;
        for (what, id) in &self.made {
            writeln!(f, "  {what}: {id}")?;
        }
        if let Some(since) = self.waiting_since {
            writeln!(f, "  waits for the other side since {since}")?;
        }
        if let Some(what) = &self.waits_for {
            writeln!(f, "  if that never comes: {what}")?;
        }
        if !self.answered.is_empty() {
            writeln!(f, "  answered: {}", self.answered.join(", "))?;
        }
        if let Some(stopped) = &self.stopped {
            writeln!(f, "  {}: {}", stopped.code, stopped.message)?;
            writeln!(f, "  what to do ({}): {}", stopped.whose, stopped.remedy)?;
        }
        for call in &self.calls {
            writeln!(f, "  {call}")?;
        }
        Ok(())
    }
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {} {}", self.at, self.system, self.call)?;
        for shown in [&self.target, &self.detail].into_iter().flatten() {
            write!(f, " {shown}")?;
        }
        write!(f, ": {}", self.outcome)?;
        if let Some(request_id) = &self.request_id {
            write!(f, " [{request_id}]")?;
        }
        write!(f, " in {} ms", self.duration_ms)
    }
}

#[cfg(test)]
mod tests {
    use mapping::Code;

    use super::*;
    use crate::paint::{BOLD, RED, painted};

    #[test]
    fn headings_and_what_waits_for_a_person_are_painted() {
        let chapter = |status, stopped| Chapter {
            run: "run#1".into(),
            workflow: "opportunity_won",
            of: "006000000000001AAA".into(),
            status,
            point: "claimed",
            says: "it is to be read".into(),
            began_at: Timestamp::UNIX_EPOCH,
            last_at: Timestamp::UNIX_EPOCH,
            attempts: 1,
            waiting_since: None,
            waits_for: None,
            answered: Vec::new(),
            made: Vec::new(),
            stopped,
            calls: Vec::new(),
        };
        let stopped = Stopped::from(&Stop::refused(Code::NoLines, "It has none."));
        let chapters = vec![chapter("done", None), chapter("rejected", Some(stopped))];
        let story = Story { subject: "006000000000001AAA".into(), chapters };
        painted(&story, &[(BOLD, "Billing of opportunity 006000000000001AAA"), (RED, "Waits for a person")]);
    }
}
