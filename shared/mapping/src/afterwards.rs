//! Rules about what becomes of a deal after it is billed: a payment that failed, an invoice that is paid, what people are told.
//!
//! The opportunity is read without its lines then. Nothing waits for what these rules say: the payment is told, the case opened, and people
//! hear of it. So one that cannot be decided decides nothing, and it is said that it did not.

use std::ops::ControlFlow;

use domain::{QueueId, Record};
use rules::{Expression, FieldRead, Inputs, Value};
use serde::{Deserialize, Serialize};

use crate::deal::RecordQuery;
use crate::lens::{ACCOUNT, Lens, OPPORTUNITY};
use crate::rule::{Decides, walk};
use crate::{Channel, Rule, Stop};

/// The variable of an invoice at Stripe.
pub const INVOICE: &str = "invoice";

/// The variable of what people are told of, in the words of `notifications.about`.
pub const ABOUT: &str = "about";

/// What rules say of a payment that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseDecision {
    /// Nobody has to do anything about it: there is no case, and no task.
    Skip(String),
    /// This queue is given its case, whoever answers for the account.
    Queue(QueueId),
    HighFromAttempt(u32),
    /// After how many hours somebody is to follow it up; with none nobody is.
    FollowUpHours(u32),
}

/// What rules say of an invoice that is paid whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaidDecision {
    /// Its opportunity stays in its stage.
    Skip(String),
    /// The stage that it is moved to.
    Stage(String),
}

/// What rules say of what people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TellDecision {
    /// Nobody is told.
    Skip(String),
    /// They are told there, and nowhere else.
    Channels(Vec<Channel>),
}

macro_rules! afterwards {
    ($($decision:ident)+) => {$(
        impl Decides for $decision {
            fn skips(&self) -> Option<&str> {
                match self {
                    Self::Skip(why) => Some(why),
                    _ => None,
                }
            }
        }
    )+};
}

afterwards!(CaseDecision PaidDecision TellDecision);

/// What is kept of what rules said, for whoever asks why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// Those that decided something, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Why the last of them says that nothing is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Ruled {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What came of asking.
#[derive(Debug)]
pub(crate) struct Asked<'r, D> {
    /// In their order: the later one counts.
    pub decided: Vec<&'r D>,
    pub ruled: Ruled,
    /// Why some rules came to nothing.
    pub undecided: Vec<String>,
}

impl<D> Asked<'_, D> {
    pub fn nothing() -> Self {
        Self { decided: Vec::new(), ruled: Ruled::default(), undecided: Vec::new() }
    }

    /// In one sentence, if some did.
    pub fn remark(&self) -> Option<String> {
        (!self.undecided.is_empty()).then(|| self.undecided.join(" "))
    }
}

/// What is known beside the opportunity.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Beside<'a> {
    Invoice(&'a Record),
    About(&'a str),
}

/// The opportunity that rules are asked of, as it was read by a query that `reading` has seen.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub opportunity: &'a Record,
    /// Why what they ask for could not be read with the rest, if it could not.
    pub unread: Option<&'a str>,
    pub lens: &'a Lens,
}

/// What these rules say of an opportunity.
pub(crate) fn ask<'r, D: Decides>(rules: &'r [Rule<D>], of: Asking<'_>, beside: Beside<'_>) -> Asked<'r, D> {
    let mut asked = Asked::nothing();
    if rules.is_empty() {
        return asked;
    }
    if let Some(why) = of.unread {
        asked.undecided.push(why.to_owned());
        return asked;
    }
    let (seen, undecided) = of.lens.asked_of(of.opportunity, &reads(rules));
    let inputs = Inputs::default().record(OPPORTUNITY, &seen).record(ACCOUNT, &seen);
    match beside {
        // What a mapping cannot decide looks like what is empty, and is not.
        _ if !undecided.is_empty() => {}
        Beside::Invoice(invoice) => asked.go_through(rules, &inputs.record(INVOICE, invoice)),
        Beside::About(about) => asked.go_through(rules, &inputs.value(ABOUT, Value::Text(about.to_owned()))),
    }
    asked.undecided.extend(undecided.into_iter().map(|Stop { message, .. }| message));
    asked
}

impl<'r, D: Decides> Asked<'r, D> {
    fn go_through(&mut self, rules: &'r [Rule<D>], inputs: &Inputs<'_>) {
        let _ = walk(rules, inputs, &mut |rule, branch| {
            let decisions = match branch {
                Ok(branch) => &branch.decisions,
                Err(stop) => {
                    self.undecided.push(stop.message);
                    return ControlFlow::Continue(());
                }
            };
            if !decisions.is_empty() {
                self.ruled.by.push(rule.name.clone());
            }
            self.decided.extend(decisions);
            self.ruled.skipped = decisions.iter().find_map(D::skips).map(str::to_owned);
            if self.ruled.skipped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
}

/// With what these rules read of the opportunity and its account.
pub(crate) fn reading<D: Decides>(query: RecordQuery, rules: &[Rule<D>], lens: &Lens) -> RecordQuery {
    lens.asking(query, &reads(rules))
}

fn reads<D: Decides>(rules: &[Rule<D>]) -> Vec<FieldRead> {
    rules.iter().flat_map(Rule::expressions).flat_map(Expression::fields).cloned().collect()
}

#[cfg(test)]
mod tests;
