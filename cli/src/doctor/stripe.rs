//! What is asked of Stripe's side. Pure: facts in, findings out.

use std::collections::BTreeMap;

use mapping::{Amendments, Proration, Renewals, Settings, Subscriptions};
use stripe::{Customer, Reach, Resource, WebhookEndpoint};

use super::finding::{Finding, Known};
use crate::delivery::Delivered;
use crate::setup::{Held, Problem, Step, Wanted, plan, said, told};

/// The functions' key, as far as it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) is_full: bool,
    pub(super) is_live: bool,
}

/// A permission, and whether the key has it.
pub(super) type Answers = BTreeMap<(Resource, Reach), Known<bool>>;

const SETUP: &str = "Run closedwon setup stripe, which does that.";

pub(super) fn key(key: &Known<Key>, livemode: bool, takes_full: bool) -> Finding {
    const CHECK: &str = "stripe.key";
    let mode = |is_live| if is_live { "live" } else { "test" };
    match key {
        Err(why) => Finding::failing(
            CHECK,
            why,
            "Put a restricted key (rk_live_…, rk_test_…) into the secret of STRIPE_API_KEY_SECRET_ARN, without a blank or a line break.",
        ),
        Ok(Key { is_live, .. }) if *is_live != livemode => Finding::failing(
            CHECK,
            format!("the key is of {} mode, and the deployment is for {} mode", mode(*is_live), mode(livemode)),
            "Put a key of the deployment's mode into its secret, or mend StripeLivemode; the functions do not start as it is.",
        ),
        Ok(Key { is_full: true, .. }) if !takes_full => Finding::failing(
            CHECK,
            "the key is a full key (sk_…), with which the functions do not start",
            "Make a restricted key (rk_…) with the permissions that the README lists, and put it into the secret.",
        ),
        Ok(Key { is_full: true, .. }) => Finding::warning(
            CHECK,
            "the key is a full key (sk_…): whoever gets hold of it can pay out",
            "Make a restricted key (rk_…) with the permissions that the README lists, and put it into the secret.",
        ),
        Ok(Key { is_live, .. }) => Finding::ok(CHECK, format!("a restricted key of {} mode", mode(*is_live))),
    }
}

/// What the settings ask of the key, and no more.
pub(super) fn needed(settings: &Settings) -> BTreeMap<Resource, Reach> {
    let mut needed: BTreeMap<Resource, Reach> = BTreeMap::new();
    let mut needs = |resource, reach: Reach| {
        let known = needed.entry(resource).or_insert(reach);
        *known = reach.max(*known);
    };
    for resource in [Resource::Products, Resource::Prices, Resource::Events] {
        needs(resource, Reach::Read);
    }
    needs(Resource::Customers, Reach::Write);
    needs(Resource::Invoices, Reach::Write);
    if settings.follows_failures() {
        needs(Resource::PaymentIntents, Reach::Read);
    }
    if settings.followed.shows_invoices() {
        for resource in [Resource::PaymentIntents, Resource::Charges, Resource::Disputes, Resource::CreditNotes] {
            needs(resource, Reach::Read);
        }
    }
    if settings.subscriptions != Subscriptions::Off {
        needs(Resource::Subscriptions, Reach::Write);
        needs(Resource::Prices, Reach::Write);
        needs(Resource::InvoiceItems, Reach::Read);
    }
    if settings.amendments == Amendments::CreditAndReissue {
        needs(Resource::CreditNotes, Reach::Write);
        needs(Resource::Charges, Reach::Read);
        needs(Resource::PaymentIntents, Reach::Read);
    }
    needed
}

/// What nothing here needs, and what money or events can be taken away with.
pub(super) const EXCESS: [(Resource, Reach); 2] =
    [(Resource::Refunds, Reach::Write), (Resource::WebhookEndpoints, Reach::Write)];

fn listed<'a>(permissions: impl Iterator<Item = &'a (Resource, Reach)>) -> String {
    let named = permissions.map(|(resource, reach)| {
        let reach = if *reach == Reach::Write { "write" } else { "read" };
        format!("{reach} on {}", resource.name())
    });
    named.collect::<Vec<_>>().join(", ")
}

pub(super) fn permissions(needed: &BTreeMap<Resource, Reach>, answers: &Known<Answers>) -> Finding {
    const CHECK: &str = "stripe.permissions";
    let answers = match answers {
        Ok(answers) => answers,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let needed: Vec<_> = needed.iter().map(|(resource, reach)| (*resource, *reach)).collect();
    let missing: Vec<_> = needed.iter().filter(|one| answers.get(one) == Some(&Ok(false))).collect();
    if !missing.is_empty() {
        return Finding::failing(
            CHECK,
            format!("the key lacks {}", listed(missing.into_iter())),
            "In Stripe's dashboard (Developers, API keys) edit the restricted key and give it these; it need not be rolled.",
        );
    }
    // The first of several: a key that is refused, or Stripe that is not reached, is the same for all.
    match needed.iter().find_map(|one| answers.get(one).and_then(|answer| answer.as_ref().err())) {
        Some(why) if why.contains("rate limited") => Finding::warning(
            CHECK,
            format!("Stripe was asked too often while this was checked: {why}"),
            "Lower pacing.stripe_requests_per_second and WorkerMaximumConcurrency, or see who else uses the account's limit; then run this again.",
        ),
        Some(why) => Finding::failing(
            CHECK,
            why,
            "See that the key was not rolled or deleted, and that Stripe is reached from here; then run this again.",
        ),
        None => Finding::ok(CHECK, format!("the key has {}", listed(needed.iter()))),
    }
}

pub(super) fn excess(answers: &Known<Answers>) -> Finding {
    const CHECK: &str = "stripe.excess";
    let answers = match answers {
        Ok(answers) => answers,
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let held: Vec<_> = EXCESS.iter().filter(|one| answers.get(one) == Some(&Ok(true))).collect();
    match EXCESS.iter().find_map(|one| answers.get(one).and_then(|answer| answer.as_ref().err())) {
        _ if !held.is_empty() => Finding::warning(
            CHECK,
            format!("the key has {}, which nothing here needs", listed(held.into_iter())),
            "Take these off the restricted key: what leaks from the functions is not to send money back or events elsewhere.",
        ),
        Some(why) => Finding::not_checked(CHECK, why),
        None => Finding::ok(CHECK, format!("the key has no {}", listed(EXCESS.iter()))),
    }
}

pub(super) fn endpoint(found: &Known<Vec<WebhookEndpoint>>, held: &Known<Held>, events: &[&'static str]) -> Finding {
    const CHECK: &str = "stripe.endpoint";
    let (found, held) = match (found, held) {
        (Ok(found), Ok(held)) => (found, held),
        (Err(why), _) | (_, Err(why)) => return Finding::not_checked(CHECK, why),
    };
    let steps = match plan(&Wanted { events, replace: false }, found, held) {
        // Said by the check of the secret.
        Err(Problem::ToReplace { endpoint, why: crate::setup::Why::NoSecret }) => {
            return Finding::ok(CHECK, format!("{endpoint} is there"));
        }
        Err(problem @ Problem::ToRetire { .. }) => {
            let told = told(problem);
            return Finding::warning(CHECK, told.text, told.remedy);
        }
        Err(problem) => {
            let told = told(problem);
            return Finding::failing(CHECK, told.text, told.remedy);
        }
        Ok(plan) => plan.steps,
    };
    let Some(worst) = steps.iter().find(|step| !is_harmless(step)).or(steps.first()) else {
        return Finding::ok(CHECK, format!("one endpoint, enabled, with {} types of events", events.len()));
    };
    let text = match worst {
        Step::Create { .. } => "there is no endpoint for this deployment's address".to_owned(),
        step => format!("to do: {}", said(step, events.len()).text),
    };
    match is_harmless(worst) {
        true => Finding::warning(CHECK, text, SETUP),
        false => Finding::failing(CHECK, text, SETUP),
    }
}

/// Events that come and are passed over cost a little, and what is not noted yet nothing.
fn is_harmless(step: &Step) -> bool {
    matches!(step, Step::Mark(_) | Step::Retire(_)) || matches!(step, Step::Follow { more, .. } if more.is_empty())
}

pub(super) fn signing_secret(held: &Known<Held>, problem: Option<&str>) -> Finding {
    const CHECK: &str = "stripe.signing_secret";
    match (held, problem) {
        (Err(why), _) => Finding::not_checked(CHECK, why),
        (Ok(Held::Secret { .. }), _) => Finding::ok(CHECK, "Secrets Manager holds a signing secret (whsec_…)"),
        (Ok(Held::Nothing), problem) => Finding::failing(
            CHECK,
            match problem {
                Some(why) => format!("what Secrets Manager holds is no signing secret: {why}"),
                None => "Secrets Manager holds no signing secret".to_owned(),
            },
            "Put the endpoint's signing secret (whsec_…) into the secret and start stripe-webhook anew, or run closedwon setup stripe.",
        ),
    }
}

pub(super) fn delivery(delivered: &Known<Delivered>) -> Finding {
    const CHECK: &str = "stripe.delivery";
    let (text, remedy) = match delivered {
        Err(why) => return Finding::not_checked(CHECK, why),
        Ok(Delivered::Taken) => return Finding::ok(CHECK, "the deployed door takes what is signed with the secret"),
        Ok(refused @ Delivered::Refused { code, .. }) => {
            let remedy = match code.as_str() {
                "signature_mismatch" => {
                    "Functions read secrets when they start: start them anew, for example with aws lambda \
                     update-function-configuration --description and today's date. If it stays, the function reads another secret than \
                     this command: compare STRIPE_WEBHOOK_SECRET_ARN."
                }
                "timestamp_outside_tolerance" => "Set this machine's clock: signatures are good for five minutes.",
                "ignored_mode" => {
                    "StripeLivemode of the deployed function is another one: deploy once more with the right one."
                }
                _ => "See the log of stripe-webhook.",
            };
            (format!("the deployed door refuses a signed event ({refused})"), remedy)
        }
        Ok(foreign @ Delivered::Foreign { status: 429 | 500.. }) => (
            format!("the deployed door does not answer for itself ({foreign})"),
            "The function does not start, or is throttled: see the log of stripe-webhook. It does not start before its secret has a value.",
        ),
        Ok(foreign @ Delivered::Foreign { .. }) => (
            format!("what answers at the address is no door of Closedwon ({foreign})"),
            "Compare the address with the stack's output StripeWebhookUrl.",
        ),
    };
    Finding::failing(CHECK, text, remedy)
}

/// How far this machine's clock may be off: a signature is good for 300 seconds.
const MOST_SKEW_S: i64 = 30;

pub(super) fn clock(skew_s: &Known<i64>) -> Finding {
    const CHECK: &str = "stripe.clock";
    match skew_s {
        Err(why) => Finding::not_checked(CHECK, why),
        Ok(skew) if skew.abs() <= MOST_SKEW_S => Finding::ok(CHECK, "this machine's clock agrees with Stripe's"),
        Ok(skew) => Finding::warning(
            CHECK,
            format!(
                "this machine's clock is {} seconds {} Stripe's",
                skew.abs(),
                if *skew > 0 { "ahead of" } else { "behind" }
            ),
            "Set it: what is signed here is refused five minutes off, and what is told here of times is wrong. AWS keeps the functions' clock.",
        ),
    }
}

/// Several that are the same account's for the same currency.
pub(super) fn customers(customers: &Known<(Vec<Customer>, bool)>) -> Finding {
    const CHECK: &str = "stripe.customers";
    let (customers, is_all) = match customers {
        Ok((customers, is_all)) => (customers, *is_all),
        Err(why) => return Finding::not_checked(CHECK, why),
    };
    let mut of: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for customer in customers.iter().filter(|customer| !customer.deleted) {
        let value = |key: &str| customer.metadata.get(key).map(String::as_str).unwrap_or_default();
        if !value("sf_account_id").is_empty() {
            let key = (value("sf_organization_id"), value("sf_account_id"), value("sf_currency"));
            of.entry(key).or_default().push(customer.id.as_str());
        }
    }
    let several: Vec<_> = of
        .iter()
        .filter(|(_, ids)| ids.len() > 1)
        .map(|((_, account, _), ids)| format!("account {account} has {}", ids.join(" and ")))
        .collect();
    let looked_at = if is_all { "all" } else { "the newest" };
    if several.is_empty() {
        return Finding::ok(CHECK, format!("no account has two customers ({looked_at} {} looked at)", customers.len()));
    }
    Finding::warning(
        CHECK,
        several.join("; "),
        "Write the one that is to stay into Stripe Customer Id of the account, and move or close what the other has; Stripe does not \
         merge customers. An invoice that was sent keeps its customer.",
    )
}

/// Stripe's own limit at an endpoint, in live mode and in test mode.
const ENDPOINT_LIMIT: u16 = 25;

pub(super) fn pace(requests_per_second: u16) -> Finding {
    const CHECK: &str = "stripe.pace";
    match requests_per_second {
        ..=ENDPOINT_LIMIT => Finding::ok(CHECK, format!("{requests_per_second} requests a second at each endpoint")),
        _ => Finding::warning(
            CHECK,
            format!(
                "pacing.stripe_requests_per_second is {requests_per_second}, and Stripe takes {ENDPOINT_LIMIT} at an endpoint by default"
            ),
            "Lower it to 25, unless Stripe has raised the account's limit: what is above it is answered with 429.",
        ),
    }
}

pub(super) fn proration(settings: &Settings) -> Finding {
    const CHECK: &str = "stripe.proration";
    match (settings.renewals, settings.proration) {
        (Renewals::Off, _) => {
            Finding::ok(CHECK, "subscriptions.renewals is off: no subscription is changed inside a period")
        }
        (Renewals::Extend, Proration::AlwaysInvoice) => {
            Finding::ok(CHECK, "a change inside a period is prorated and invoiced at once")
        }
        (Renewals::Extend, Proration::CreateProrations) => {
            Finding::ok(CHECK, "a change inside a period is prorated, and billed by the next invoice")
        }
        (Renewals::Extend, Proration::None) => Finding::warning(
            CHECK,
            "subscriptions.proration is none: a renewal that begins inside a period does not bill the rest of it",
            "Set subscriptions.proration to always_invoice (billed at once) or create_prorations (billed by the next invoice), if that is not meant.",
        ),
    }
}

#[cfg(test)]
mod tests;
