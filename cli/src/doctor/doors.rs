//! Whether what happens in Salesforce and at Stripe comes through the doors. Pure: facts in, findings out.

use jiff::Timestamp;

use super::finding::{Finding, Known};
use crate::delivery::Delivered;

/// What Salesforce says of one event relay (`EventRelayFeedback`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Relay {
    /// The partner event source that it sends to.
    pub(super) remote_resource: String,
    pub(super) status: String,
    /// Code and message of its last error, and when that was.
    pub(super) error: Option<String>,
    pub(super) last_relayed: Option<String>,
}

const RUNNING: &str = "RUNNING";

/// An organization that sends callouts needs none.
pub(super) fn relay(relays: &Known<Vec<Relay>>) -> Finding {
    const CHECK: &str = "salesforce.relay";
    let relays = match relays {
        Ok(relays) => relays,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    if relays.is_empty() {
        return Finding::ok(CHECK, "there is no event relay: events come by callout");
    }
    let stopped: Vec<_> = relays.iter().filter(|relay| relay.status != RUNNING).map(said).collect();
    if !stopped.is_empty() {
        return Finding::failing(
            CHECK,
            stopped.join("; "),
            "Mend what its error says, see that the partner event source has a bus of its name in AWS, and set the relay's state to RUN. A relay \
             that was paused goes on where it was for 72 hours; one that was stopped has forgotten where, and the reconciler finds what it \
             missed.",
        );
    }
    Finding::ok(CHECK, relays.iter().map(said).collect::<Vec<_>>().join("; "))
}

fn said(relay: &Relay) -> String {
    let Relay { remote_resource, status, error, last_relayed } = relay;
    let last = match last_relayed {
        Some(at) => format!("the last event was relayed at {at}"),
        None => "no event was relayed yet".to_owned(),
    };
    let error = error.as_ref().filter(|_| status != RUNNING).map(|error| format!(": {error}")).unwrap_or_default();
    format!("the event relay to {remote_resource} is {status}{error}; {last}")
}

/// What became of a callout of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Callout {
    Delivered(Delivered),
    /// What the secret holds signs nothing, and no function starts with it.
    Unsigned(String),
}

pub(super) fn callout(callout: &Known<Callout>) -> Finding {
    const CHECK: &str = "salesforce.callout";
    let delivered = match callout {
        Err(why) => return Finding::not_checked(CHECK, why),
        Ok(Callout::Unsigned(why)) => {
            return Finding::failing(
                CHECK,
                format!("the secret that callouts are signed with is not usable: {why}"),
                "Put whsec_ and at least 16 bytes in base64 into the secret of SALESFORCE_WEBHOOK_SECRET_ARN, and the same into Salesforce.",
            );
        }
        Ok(Callout::Delivered(delivered)) => delivered,
    };
    let (text, remedy) = match delivered {
        Delivered::Taken => {
            return Finding::ok(CHECK, "the deployed door takes a callout that is signed with the secret");
        }
        refused @ Delivered::Refused { code, .. } => {
            let remedy = match code.as_str() {
                "signature_mismatch" => {
                    "Functions read secrets when they start: start them anew, for example with aws lambda \
                     update-function-configuration --description and today's date. If it stays, the function reads another secret than \
                     this command: compare SALESFORCE_WEBHOOK_SECRET_ARN."
                }
                "organization_unknown" => {
                    "SalesforceOrgId of the deployed function is another one: deploy once more with the right one."
                }
                "timestamp_outside_tolerance" => "Set this machine's clock: signatures are good for five minutes.",
                _ => "See the log of salesforce-events.",
            };
            (format!("the deployed door refuses a signed callout ({refused})"), remedy)
        }
        foreign @ Delivered::Foreign { status: 429 | 500.. } => (
            format!("the deployed door does not answer for itself ({foreign})"),
            "The function does not start, or is throttled: see the log of salesforce-events.",
        ),
        foreign @ Delivered::Foreign { .. } => (
            format!("what answers at the address is no door of Closedwon ({foreign})"),
            "Compare the address with the stack's output SalesforceEventsUrl.",
        ),
    };
    Finding::failing(CHECK, text, remedy)
}

/// When CloudWatch last counted a call of a door's function, to the hour.
pub(super) type LastCall = Known<Option<Timestamp>>;

pub(super) fn last_calls(stripe: &LastCall, salesforce: &LastCall) -> [Finding; 2] {
    let of_salesforce = "See that the flow or the Apex trigger is active and its named credential leads to SalesforceEventsUrl, or that the event \
                         relay runs. Until then deals are found by the reconciler.";
    let of_stripe = "See that the webhook endpoint at Stripe is enabled and leads to StripeWebhookUrl (closedwon setup stripe), or that its event \
                     destination has a bus. Until then payments are found by the reconciler.";
    [
        last_call("stripe.last_call", "Stripe's", stripe, of_stripe),
        last_call("salesforce.last_call", "Salesforce's", salesforce, of_salesforce),
    ]
}

fn last_call(check: &'static str, whose: &str, last: &LastCall, remedy: &str) -> Finding {
    match last {
        Err(why) => Finding::not_checked(check, why),
        Ok(Some(hour)) => Finding::ok(
            check,
            format!("{whose} door was last called in the hour from {hour} on (what doctor sends is a call, too)"),
        ),
        Ok(None) => Finding::warning(check, format!("nobody called {whose} door in the last seven days"), remedy),
    }
}

#[cfg(test)]
mod tests;
