//! Rules: what is decided otherwise for some deals than for most.

use std::ops::ControlFlow;

use domain::{Money, Record};
use rules::{Expression, Inputs, Value};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::lens::{ACCOUNT, LINES, OPPORTUNITY};
use crate::line::Recurring;
use crate::{Code, Collection, Deal, LATEST_DUE, PlanLine, Settings, Stop, Subscriptions, TaxBehavior};

/// One question, and what follows from its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<D = Decision> {
    pub name: String,
    pub when: Expression,
    pub then: Branch<D>,
    pub otherwise: Branch<D>,
}

/// What is decided there, and what is asked further; in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch<D = Decision> {
    pub decisions: Vec<D>,
    pub rules: Vec<Rule<D>>,
}

/// What a rule can decide.
pub trait Decides {
    /// What it is calculated by, if it is.
    fn expression(&self) -> Option<&Expression> {
        None
    }

    /// Why nothing is to be done, where it says so: nothing else is asked then.
    fn skips(&self) -> Option<&str> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is not billed, and nobody has to do anything.
    Skip(String),
    /// A person has to do what this says first.
    Refuse(String),
    DaysUntilDue(Expression),
    Collection(Collection),
    Tax(Option<TaxBehavior>),
    /// Its recurring lines are billed once.
    BillOnce,
    /// So much less than its amount, in percent.
    Discount(Expression),
}

impl Decides for Decision {
    fn expression(&self) -> Option<&Expression> {
        match self {
            Self::DaysUntilDue(by) | Self::Discount(by) => Some(by),
            _ => None,
        }
    }
}

/// What the rules come to for a deal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    pub(crate) days_until_due: Option<u32>,
    collection: Option<Collection>,
    tax: Option<Option<TaxBehavior>>,
    pub(crate) bills_once: bool,
    discount: Option<Decimal>,
    /// The rules that decided something, in their order.
    pub by: Vec<String>,
}

/// The words that a person is told a rule by.
fn told(name: &str, words: &str) -> String {
    format!("{words} (rule {name:?})")
}

/// What the rules say of a deal; or why it is not billed by them.
pub(crate) fn judge(deal: &Deal, settings: &Settings) -> Result<Judged, Stop> {
    Judged::by(&settings.rules, &of_deal(&deal.opportunity).records(LINES, &deal.lines))
}

/// The filter: whether an opportunity asks to be billed at all.
pub(crate) fn is_asked_for(opportunity: &Record, settings: &Settings) -> Result<bool, Stop> {
    let Some(when) = &settings.won_when else { return Ok(true) };
    holds(when, &of_deal(opportunity), "won.when")
}

/// What an opportunity that was read without its lines comes to by the rules. A rule that gives a discount asks nothing of them.
pub(crate) fn with_discount(total: Money, opportunity: &Record, settings: &Settings) -> Result<Money, Stop> {
    let judged = Judged::by(settings.rules.iter().filter(|rule| rule.discounts()), &of_deal(opportunity))?;
    let Some(percent) = judged.discount else { return Ok(total) };
    something(less(total, percent))
}

fn of_deal(opportunity: &Record) -> Inputs<'_> {
    Inputs::default().record(OPPORTUNITY, opportunity).record(ACCOUNT, opportunity)
}

/// An empty answer is no.
fn holds(when: &Expression, inputs: &Inputs<'_>, name: &str) -> Result<bool, Stop> {
    let answer = when.evaluate(inputs).map_err(|why| undecided(name, &why.message))?;
    Ok(answer == Value::Boolean(true))
}

fn undecided(name: &str, why: &str) -> Stop {
    Stop::refused(Code::RuleUndecided, format!("{name} comes to nothing: {why}"))
}

fn number(by: &Expression, inputs: &Inputs<'_>, name: &str) -> Result<Decimal, Stop> {
    match by.evaluate(inputs).map_err(|why| undecided(name, &why.message))? {
        Value::Number(number) => Ok(number),
        _ => Err(undecided(name, "it is empty, and a number is needed.")),
    }
}

/// The days that an expression comes to for a deal.
pub(crate) fn days_by(by: &Expression, deal: &Deal, name: &str) -> Result<u32, Stop> {
    days(by, &of_deal(&deal.opportunity).records(LINES, &deal.lines), name)
}

fn days(by: &Expression, inputs: &Inputs<'_>, name: &str) -> Result<u32, Stop> {
    let days = number(by, inputs, name)?;
    let whole = u32::try_from(days).ok().filter(|whole| *whole <= LATEST_DUE && days.is_integer());
    whole.ok_or_else(|| undecided(name, &format!("{days} is no whole number of days up to {LATEST_DUE}.")))
}

impl<D> Default for Branch<D> {
    fn default() -> Self {
        Self { decisions: Vec::new(), rules: Vec::new() }
    }
}

impl<D> Rule<D> {
    /// The same rule in other words. What has none in them is left out.
    pub fn in_words<E>(&self, word: &impl Fn(&D) -> Option<E>) -> Rule<E> {
        let branch = |branch: &Branch<D>| Branch {
            decisions: branch.decisions.iter().filter_map(word).collect(),
            rules: branch.rules.iter().map(|rule| rule.in_words(word)).collect(),
        };
        Rule {
            name: self.name.clone(),
            when: self.when.clone(),
            then: branch(&self.then),
            otherwise: branch(&self.otherwise),
        }
    }

    /// Everything that it may decide.
    pub fn decisions(&self) -> Vec<&D> {
        let mut all = Vec::new();
        for branch in [&self.then, &self.otherwise] {
            all.extend(&branch.decisions);
            all.extend(branch.rules.iter().flat_map(Self::decisions));
        }
        all
    }

    /// What follows for these records.
    fn branch(&self, inputs: &Inputs<'_>) -> Result<&Branch<D>, Stop> {
        let holds = holds(&self.when, inputs, &self.told())?;
        Ok(if holds { &self.then } else { &self.otherwise })
    }

    fn told(&self) -> String {
        format!("rule {:?}", self.name)
    }
}

impl<D: Decides> Rule<D> {
    /// Every expression in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all = vec![&self.when];
        for branch in [&self.then, &self.otherwise] {
            all.extend(branch.decisions.iter().filter_map(D::expression));
            all.extend(branch.rules.iter().flat_map(Self::expressions));
        }
        all
    }
}

impl Rule {
    /// Whether anything in it takes something off the amount.
    pub fn discounts(&self) -> bool {
        self.decisions().iter().any(|decision| matches!(decision, Decision::Discount(_)))
    }
}

/// Asks rules from the first to the last, those of a branch after what it decides itself, until somebody has heard enough: what follows from
/// each, or why it comes to nothing.
pub(crate) fn walk<'r, D: 'r, B>(
    rules: impl IntoIterator<Item = &'r Rule<D>>,
    inputs: &Inputs<'_>,
    hears: &mut impl FnMut(&'r Rule<D>, Result<&'r Branch<D>, Stop>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    for rule in rules {
        let branch = rule.branch(inputs);
        let further = branch.as_ref().map_or(&[][..], |branch| &branch.rules);
        hears(rule, branch)?;
        walk(further, inputs, hears)?;
    }
    ControlFlow::Continue(())
}

impl Judged {
    fn by<'r>(rules: impl IntoIterator<Item = &'r Rule>, inputs: &Inputs<'_>) -> Result<Self, Stop> {
        let mut judged = Self::default();
        let heard = walk(rules, inputs, &mut |rule, branch| match branch
            .and_then(|branch| judged.take(rule, &branch.decisions, inputs))
        {
            Ok(()) => ControlFlow::Continue(()),
            Err(stop) => ControlFlow::Break(stop),
        });
        match heard {
            ControlFlow::Continue(()) => Ok(judged),
            ControlFlow::Break(stop) => Err(stop),
        }
    }

    fn take(&mut self, rule: &Rule, decisions: &[Decision], inputs: &Inputs<'_>) -> Result<(), Stop> {
        let named = rule.told();
        if !decisions.is_empty() {
            self.by.push(rule.name.clone());
        }
        for decision in decisions {
            match decision {
                Decision::Skip(words) => {
                    return Err(Stop::not_billable(Code::SkippedByRule, told(&rule.name, words)));
                }
                Decision::Refuse(words) => return Err(Stop::refused(Code::RefusedByRule, told(&rule.name, words))),
                Decision::DaysUntilDue(by) => self.days_until_due = Some(days(by, inputs, &named)?),
                Decision::Collection(collection) => self.collection = Some(*collection),
                Decision::Tax(tax) => self.tax = Some(*tax),
                Decision::BillOnce => self.bills_once = true,
                Decision::Discount(by) => self.discount = Some(percent(by, inputs, &named)?),
            }
        }
        Ok(())
    }

    /// The settings that this deal goes by.
    pub(crate) fn settings(&self, settings: &Settings) -> Settings {
        let mut of_deal = settings.clone();
        of_deal.collection = self.collection.unwrap_or(of_deal.collection);
        of_deal.tax = self.tax.unwrap_or(of_deal.tax);
        of_deal
    }

    pub(crate) fn recurring(&self, settings: &Settings) -> Recurring {
        match settings.subscriptions {
            _ if self.bills_once => Recurring::BilledOnce,
            Subscriptions::Off => Recurring::Refused,
            _ => Recurring::Subscribed,
        }
    }

    /// The lines at what is left of them, and what they come to: each gets its share of the whole, rounded down, and what is left over
    /// by that goes, a minor unit each, to those of which most was cut off.
    pub(crate) fn discounted(&self, lines: Vec<PlanLine>, total: Money) -> (Vec<PlanLine>, Money) {
        let Some(percent) = self.discount.filter(|percent| !percent.is_zero()) else { return (lines, total) };
        let new_total = less(total, percent);
        let amounts: Vec<_> = lines.iter().map(|line| line.amount.minor_units()).collect();
        let shares = shares(&amounts, total.minor_units(), new_total.minor_units(), total.currency().step());
        let with = |(line, share): (PlanLine, i64)| PlanLine {
            amount: Money::from_minor_units(share, total.currency()),
            negotiated: true,
            ..line
        };
        (lines.into_iter().zip(shares).map(with).collect(), new_total)
    }
}

fn percent(by: &Expression, inputs: &Inputs<'_>, name: &str) -> Result<Decimal, Stop> {
    let percent = number(by, inputs, name)?;
    match percent >= Decimal::ZERO && percent < Decimal::ONE_HUNDRED {
        true => Ok(percent),
        false => Err(undecided(name, &format!("a discount of {percent} percent is none: it is from 0 to below 100."))),
    }
}

/// A discount that leaves nothing is a mistake of the rule's, and no deal without an amount.
pub(crate) fn something(left: Money) -> Result<Money, Stop> {
    match left.minor_units() > 0 {
        true => Ok(left),
        false => Err(undecided("won.rules", "the discount leaves nothing to bill.")),
    }
}

/// Rounded to the nearest amount that Stripe takes in the currency, a half away from zero.
fn less(total: Money, percent: Decimal) -> Money {
    let step = total.currency().step();
    let kept = Decimal::from(total.minor_units()) * (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED;
    let steps = (kept / Decimal::from(step)).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    // It is not more than what it is a part of.
    let minor_units = i64::try_from(steps).map_or(total.minor_units(), |steps| steps * step);
    Money::from_minor_units(minor_units, total.currency())
}

/// `new` divided as `amounts` divide `total`, to the last `step`, of which all of them are multiples.
fn shares(amounts: &[i64], total: i64, new: i64, step: i64) -> Vec<i64> {
    if total == 0 {
        return amounts.to_vec();
    }
    let (total, new) = (total / step, new / step);
    let exact = |amount: i64| i128::from(amount / step) * i128::from(new);
    let share = |amount: &i64| i64::try_from(exact(*amount).div_euclid(total.into())).unwrap_or(*amount / step);
    let mut shares: Vec<i64> = amounts.iter().map(share).collect();
    let mut left = new - shares.iter().sum::<i64>();
    let mut order: Vec<_> = (0..amounts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(exact(amounts[*index]).rem_euclid(total.into())));
    for index in order {
        if left > 0 {
            shares[index] += 1;
            left -= 1;
        }
    }
    shares.into_iter().map(|share| share * step).collect()
}

#[cfg(test)]
mod tests;
