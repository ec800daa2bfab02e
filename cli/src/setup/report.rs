//! What was done or would be, in words and for programs.

use std::fmt;

use domain::WebhookEndpointId;
use serde::Serialize;
use stripe::API_VERSION;

use super::Request;
use super::plan::{Problem, Step, Why};
use crate::Exit;
use crate::paint::{Paint, Tone};

pub(super) const DEPLOY: &str = "Functions read secrets when they start: start stripe-webhook anew, so that it knows this one (aws lambda \
                                 update-function-configuration --description with today's date; a deployment that changes nothing does not).";
pub(super) const DEPLOY_AND_AGAIN: &str = "Functions read secrets when they start: start stripe-webhook anew (aws lambda update-function-configuration --description with today's \
     date; a deployment that changes nothing does not), and then run this again with --replace.";

pub(super) const AGAIN: &str = "Run this again with --replace then: it disables the old endpoint.";

#[derive(Debug, Serialize)]
pub struct Report {
    pub url: String,
    pub livemode: bool,
    pub dry_run: bool,
    pub endpoint: Option<WebhookEndpointId>,
    /// What was done, or with `dry_run` would be.
    pub steps: Vec<Said>,
    pub problem: Option<Told>,
    /// What could not be done yet.
    pub waits: Option<String>,
    /// What a person has to do now.
    pub next: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct Said {
    pub step: &'static str,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub struct Told {
    pub code: &'static str,
    pub text: String,
    pub remedy: &'static str,
}

impl Report {
    pub(super) fn new(request: &Request, endpoint: Option<WebhookEndpointId>) -> Self {
        Self {
            url: request.url.clone(),
            livemode: request.livemode,
            dry_run: request.dry_run,
            endpoint,
            steps: Vec::new(),
            problem: None,
            waits: None,
            next: None,
        }
    }

    pub(super) fn of_problem(request: &Request, problem: Problem) -> Self {
        Self { problem: Some(told(problem)), ..Self::new(request, None) }
    }

    pub fn exit(&self) -> Exit {
        if self.problem.is_some() || self.waits.is_some() { Exit::NeedsPerson } else { Exit::Well }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

pub(crate) fn said(step: &Step, events: usize) -> Said {
    let (step, text) = match step {
        Step::TakeAway(id) => {
            ("take_away", format!("take away {id}, which an interrupted run made, and whose secret nobody has"))
        }
        Step::Create { replaces: None } => (
            "create",
            format!("make an endpoint for {events} types of events in version {API_VERSION}, and store its secret"),
        ),
        Step::Create { replaces: Some(old) } => (
            "create",
            format!("make another endpoint in the place of {old}, and store its secret beside the one before"),
        ),
        Step::Mark(id) => ("mark", format!("note on {id} that its secret is stored")),
        Step::Follow { endpoint, more, less } => ("follow", followed(endpoint, more, less)),
        Step::Enable(id) => ("enable", format!("enable {id}")),
        Step::Retire(id) => ("retire", format!("disable {id}, when the deployment takes what the new one signs")),
    };
    Said { step, text }
}

fn followed(endpoint: &WebhookEndpointId, more: &[String], less: &[String]) -> String {
    let list = |verb: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("; {verb} {}", names.join(", ")),
    };
    format!("change the events of {endpoint}{}{}", list("add", more), list("drop", less))
}

pub(crate) fn told(problem: Problem) -> Told {
    match problem {
        Problem::Mode { is_live_key } => {
            let (key, deployment) = if is_live_key { ("live", "test") } else { ("test", "live") };
            Told {
                code: "mode",
                text: format!("the key is of {key} mode, and the deployment is for {deployment} mode"),
                remedy: "Give the key of the deployment's mode, or mend --live (STRIPE_LIVEMODE).",
            }
        }
        Problem::Several(ids) => {
            let ids: Vec<_> = ids.iter().map(WebhookEndpointId::as_str).collect();
            Told {
                code: "several",
                text: format!("there are {} endpoints for this address: {}", ids.len(), ids.join(", ")),
                remedy: "Keep the one whose signing secret is stored, and delete the others in Stripe's dashboard \
                         (Developers, Webhooks). If nobody knows which it is, delete all of them and run this again.",
            }
        }
        Problem::HeldForAnother => Told {
            code: "held_for_another",
            text: "there is no endpoint for this address that this key sees, and Secrets Manager holds a signing secret already".into(),
            remedy: "See that the key is of the deployment's account, that --url is the address as Stripe has it, and that the secret is this \
                     deployment's. If all of that is so, run this with --replace: what is there now is taken for three days more.",
        },
        Problem::ToReplace { endpoint, why } => {
            let why = match why {
                Why::Version(Some(version)) => {
                    format!("is of version {version}, and has to be of {API_VERSION}, which Stripe does not change")
                }
                Why::Version(None) => format!(
                    "follows the account's default version, and has to be of {API_VERSION}, which Stripe does not change"
                ),
                Why::NoSecret => {
                    "is there, and Secrets Manager holds no signing secret; Stripe shows it once only".into()
                }
                Why::AnothersSecret => {
                    "is there, and Secrets Manager holds the signing secret of another one; Stripe shows it once only".into()
                }
            };
            Told {
                code: "to_replace",
                text: format!("endpoint {endpoint} {why}"),
                remedy: "Run this with --replace: it makes another endpoint, stores its secret beside the one before, and disables \
                         the old one three days later, when the deployment takes what the new one signs. Or put the endpoint's secret into Secrets \
                         Manager, if that is all that is missing and you have it.",
            }
        }
        Problem::ToRetire { old, new } => Told {
            code: "to_retire",
            text: format!("endpoint {old} was replaced by {new}, and is still enabled"),
            remedy: "Run this with --replace once more: it disables the old one when the deployment takes what the new one signs.",
        },
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        let mode = if self.livemode { "live" } else { "test" };
        writeln!(f, "Webhook endpoint for {} in {mode} mode", self.url)?;
        if let Some(Told { text, remedy, .. }) = &self.problem {
            return writeln!(f, "  {}: {text}.\n  {remedy}", paint.toned(Tone::Bad, "Nothing was changed"));
        }
        if self.steps.is_empty() && self.waits.is_none() {
            writeln!(f, "  Nothing to do: it is as it has to be.")?;
        }
        let verb = if self.dry_run { "Would" } else { "Did" };
        for Said { text, .. } in &self.steps {
            writeln!(f, "  {}: {text}.", paint.toned(Tone::Good, verb))?;
        }
        if let Some(waits) = &self.waits {
            writeln!(f, "  {}: {waits}.", paint.toned(Tone::Care, "Waits"))?;
        }
        if let Some(id) = &self.endpoint {
            writeln!(f, "  endpoint: {id}")?;
        }
        self.next.map_or(Ok(()), |next| writeln!(f, "  {next}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{GREEN, RED, YELLOW, painted};

    #[test]
    fn what_was_done_and_what_waits_are_painted() {
        let report = |problem| Report {
            url: "https://acme.example".into(),
            livemode: false,
            dry_run: false,
            endpoint: None,
            steps: vec![Said { step: "enable", text: "enable we_1".into() }],
            problem,
            waits: Some("we_1 stays enabled".into()),
            next: None,
        };
        painted(&report(None), &[(GREEN, "Did"), (YELLOW, "Waits")]);
        let mode = told(Problem::Mode { is_live_key: true });
        painted(&report(Some(mode)), &[(RED, "Nothing was changed")]);
    }
}
