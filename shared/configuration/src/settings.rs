//! Values → what the organization decided, and what of it goes together with nothing.

use std::ops::Range;

use domain::{ConfigurationHash, Currency, Followed, QueueId};
use jiff::SignedDuration;
use mapping::{
    Amendments, CancellationTask, CasePolicy, Collection, Lens, LineSource, Proration, Renewals, Rule, Seen, Settings,
    ShippingAddress, Standings, StrayInvoices, Subscriptions, TaxBehavior,
};
use rules::{Expression, Schema};

use crate::decided;
use crate::expressions::NEWS;
use crate::keys::{Field, Kind, all_keys};
use crate::near::did_you_mean;
use crate::problem::Problem;
use crate::values::{Decided, Placed, Values};
use crate::{Configuration, Told};

/// `None` where a value is none that the table of keys lets through, which a test rules out.
pub(crate) fn configuration(
    values: &Values,
    hash: ConfigurationHash,
    problems: &mut Vec<Problem>,
) -> Option<Configuration> {
    let settings = Settings { configuration: Some(hash), ..settings(values)? };
    contradictions(&settings, values, problems);
    let about = values.texts("notifications", "about");
    let is_told = |kind: &str| about.iter().any(|one| one == kind);
    Some(Configuration {
        settings,
        told: Told {
            wins: is_told("wins"),
            refusals: is_told("refusals"),
            failures: is_told("failures"),
            digests: is_told("digests"),
            window: SignedDuration::from_mins(values.whole("notifications", "window_minutes")),
            rules: rules_of(values, "notifications", decided::of_news),
        },
        requests_per_second: values.whole("pacing", "stripe_requests_per_second").try_into().ok()?,
    })
}

fn settings(values: &Values) -> Option<Settings> {
    let text = |section, key| values.text(section, key);
    let line_source = LineSource::parse(&text("won", "lines_from")).ok()?;
    let cases = CasePolicy {
        queue_id: Some(text("failures", "queue")).filter(|id| !id.is_empty()).and_then(|id| QueueId::parse(&id).ok()),
        high_from_attempt: values.whole("failures", "high_from_attempt").try_into().ok()?,
        closed_status: text("failures", "closed_status"),
        follow_up_after: Some(values.whole("failures", "follow_up_hours"))
            .filter(|hours| *hours > 0)
            .map(SignedDuration::from_hours),
        rules: rules_of(values, "failures", decided::of_case),
    };
    Some(Settings {
        configuration: None,
        multi_currency: values.flag("currencies", "several"),
        org_currency: Currency::parse(&text("currencies", "organization")).ok()?,
        won_stages: values.texts("won", "stages"),
        won_when: values.expression("won", "when"),
        rules: rules_of(values, "won", decided::of_deal),
        lens: lens(values, line_source),
        days_until_due: match values.expression("terms", "days_until_due") {
            Some(_) => 0,
            None => values.whole("terms", "days_until_due").try_into().ok()?,
        },
        days_until_due_by: values.expression("terms", "days_until_due"),
        line_source,
        tax: TaxBehavior::parse(&text("tax", "calculation")).ok()?,
        subscriptions: Subscriptions::parse(&text("subscriptions", "begin")).ok()?,
        standings: Standings::parse(&text("subscriptions", "status")).ok()?,
        cancellation_task: CancellationTask::parse(&text("subscriptions", "cancellation_task")).ok()?,
        owners: values.owners("owners", "accounts"),
        payment_cases: (text("failures", "cases") == "open").then_some(cases),
        notifications: None,
        followed: Followed::nothing(),
        stray_invoices: StrayInvoices::parse(&text("changes", "stray_invoices")).ok()?,
        salesforce_reserve: values.whole("pacing", "salesforce_reserve_percent").try_into().ok()?,
        paid_stage: Some(text("won", "paid_stage")).filter(|stage| !stage.is_empty()),
        paid_rules: rules_of(values, "payments", decided::of_payment),
        amendments: Amendments::parse(&text("changes", "amendments")).ok()?,
        renewals: Renewals::parse(&text("subscriptions", "renewals")).ok()?,
        proration: Proration::parse(&text("subscriptions", "proration")).ok()?,
        shipping: ShippingAddress::parse(&text("tax", "shipping_address")).ok()?,
        collection: Collection::parse(&text("terms", "collection")).ok()?,
    })
}

/// A test holds that no decision of the table is without words.
fn rules_of<D>(values: &Values, section: &str, word: impl Fn(&Decided) -> Option<D>) -> Vec<Rule<D>> {
    values.rules(section).iter().map(|rule| rule.in_words(&word)).collect()
}

/// What is read otherwise than the package has it, and what conditions and rules read beside that.
fn lens(values: &Values, lines: LineSource) -> Lens {
    let mut lens = Lens { names: values.names.clone(), ..Lens::default() };
    for (section, key) in all_keys() {
        let (Kind::Reads { field, .. }, Some(by)) = (key.kind, values.expression(section, key.name)) else { continue };
        let seen = |field| Seen { field, key: format!("{section}.{}", key.name), by };
        match field {
            Field::Opportunity(field) => lens.deal.push(seen(field)),
            Field::Account(field) => lens.customer.push(seen(field)),
            Field::Line(field) => lens.line.push(seen(lines.field(field))),
        }
    }
    let rules = values.rules("won");
    let read = values.expression("won", "when").into_iter().chain(values.expression("terms", "days_until_due"));
    let read: Vec<_> = read.chain(rules.iter().flat_map(Rule::expressions).cloned()).collect();
    lens.read = read.iter().flat_map(Expression::fields).cloned().collect();
    lens
}

/// What can be read, and is probably not meant.
pub(crate) fn judge(settings: &Settings, values: &Values, organization: Option<&Schema>, problems: &mut Vec<Problem>) {
    problems.extend(values.judged.iter().cloned());
    let moves = settings.paid_stages().next().is_some();
    problems.extend(values.asks_of_stage.iter().filter(|_| moves).map(|Placed { name, what: field, at }| {
        let message = format!(
            "{name} reads {field}, and a deal that is paid is moved to another stage, so it would be another deal then: say which stages are \
             billed in won.stages, and ask here of a field that stays as it is."
        );
        Problem::new("contradiction", at.clone(), message)
    }));
    // A stage that the organization does not have is no stage: no deal would ever be in it, and none could be moved there.
    let offered = organization.map_or(&[][..], |schema| schema.values("Opportunity", "StageName"));
    let won = settings.won_stages.iter().map(|stage| ("won.stages", stage, values.at("won", "stages")));
    let unknown = won.chain(moved_to(settings, values)).filter(|(_, stage, _)| !offered.contains(stage));
    problems.extend(unknown.filter(|_| !offered.is_empty()).map(|(name, stage, at)| {
        let hint = did_you_mean(stage, offered.iter().map(String::as_str));
        let message = format!("{name} has {stage:?}, which is no stage of the organization's.{hint}");
        Problem::new("unknown_value", at, message)
    }));
}

/// The stages of paid deals, with what moves them there and where that stands.
fn moved_to<'a>(
    settings: &'a Settings,
    values: &'a Values,
) -> impl Iterator<Item = (&'a str, &'a String, Range<usize>)> {
    let by_key = settings.paid_stage.iter().map(|stage| ("won.paid_stage", stage, values.at("won", "paid_stage")));
    by_key.chain(values.paid_stages.iter().map(|by| (by.name.as_str(), &by.what, by.at.clone())))
}

fn contradictions(settings: &Settings, values: &Values, problems: &mut Vec<Problem>) {
    let mut wrong = |at, message: String| problems.push(Problem::new("contradiction", at, message));
    if settings.renewals != Renewals::Off && settings.subscriptions == Subscriptions::Off {
        let message = "subscriptions.renewals needs subscriptions.begin: only a subscription can be renewed.";
        wrong(values.at("subscriptions", "renewals"), message.to_owned());
    }
    for (name, stage, at) in moved_to(settings, values) {
        if settings.amendments == Amendments::CreditAndReissue {
            let message = format!(
                "{name} does not go with changes.amendments at credit_and_reissue: what is credited is not paid for any more."
            );
            wrong(at.clone(), message);
        }
        if settings.won_stages.contains(stage) {
            let message = format!(
                "{name} moves to {stage:?}, which is one of won.stages: a won opportunity has that stage already."
            );
            wrong(at, message);
        }
    }
    if settings.payment_cases.is_none() && !values.rules("failures").is_empty() {
        let message = "failures.rules decide of cases, and failures.cases is off: there are none.";
        wrong(values.at("failures", "rules"), message.to_owned());
    }
    let about = values.texts("notifications", "about");
    if !values.rules("notifications").is_empty() && !about.iter().any(|one| NEWS.contains(&one.as_str())) {
        let what = if about.is_empty() { "is empty" } else { "has none of wins, refusals and failures" };
        let message =
            format!("notifications.rules decide of what people are told of deals, and notifications.about {what}.");
        wrong(values.at("notifications", "rules"), message);
    }
}
