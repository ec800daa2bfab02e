//! What rules of the file decide, in the words of `mapping`.

use domain::QueueId;
use mapping::{CaseDecision, Channel, Collection, Decision, PaidDecision, TaxBehavior, TellDecision};
use rules::{Expression, Schema, Scope, Type};

use crate::values::{Decided, Value};

pub(crate) fn of_deal(decided: &Decided) -> Option<Decision> {
    match (decided.key, &decided.value) {
        ("skip", Value::Text(words)) => Some(Decision::Skip(words.clone())),
        ("refuse", Value::Text(words)) => Some(Decision::Refuse(words.clone())),
        ("days_until_due", Value::Whole(days)) => number(*days).map(Decision::DaysUntilDue),
        ("days_until_due", Value::Expression(by)) => Some(Decision::DaysUntilDue(by.clone())),
        ("discount_percent", Value::Expression(by)) => Some(Decision::Discount(by.clone())),
        ("bill_once", Value::Flag(true)) => Some(Decision::BillOnce),
        ("collection", Value::Text(text)) => Collection::parse(text).ok().map(Decision::Collection),
        ("tax", Value::Text(text)) => TaxBehavior::parse(text).ok().map(Decision::Tax),
        _ => None,
    }
}

pub(crate) fn of_payment(decided: &Decided) -> Option<PaidDecision> {
    match (decided.key, &decided.value) {
        ("skip", Value::Text(words)) => Some(PaidDecision::Skip(words.clone())),
        ("stage", Value::Text(stage)) => Some(PaidDecision::Stage(stage.clone())),
        _ => None,
    }
}

pub(crate) fn of_case(decided: &Decided) -> Option<CaseDecision> {
    match (decided.key, &decided.value) {
        ("skip", Value::Text(words)) => Some(CaseDecision::Skip(words.clone())),
        ("queue", Value::Text(id)) => QueueId::parse(id).ok().map(CaseDecision::Queue),
        ("high_from_attempt", Value::Whole(attempt)) => (*attempt).try_into().ok().map(CaseDecision::HighFromAttempt),
        ("follow_up_hours", Value::Whole(hours)) => (*hours).try_into().ok().map(CaseDecision::FollowUpHours),
        _ => None,
    }
}

pub(crate) fn of_news(decided: &Decided) -> Option<TellDecision> {
    match (decided.key, &decided.value) {
        ("skip", Value::Text(words)) => Some(TellDecision::Skip(words.clone())),
        ("channels", Value::Texts(texts)) => {
            Some(TellDecision::Channels(texts.iter().map(|text| channel(text)).collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn channel(text: &str) -> Option<Channel> {
    [Channel::Slack, Channel::Email].into_iter().find(|channel| channel.to_string() == text)
}

/// The same for every deal.
fn number(number: i64) -> Option<Expression> {
    Expression::compile(&number.to_string(), &Scope::new(&Schema::default()), &Type::Number).ok()
}
