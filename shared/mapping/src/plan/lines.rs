//! The lines of a deal, each and together: whether one invoice or one subscription takes them, and whether they come to the deal's amount.

use std::collections::BTreeSet;

use domain::{Currency, Money, Record};

use crate::line::{Recurring, line};
use crate::renewal::is_renewal;
use crate::settings::Settings;
use crate::subscription::subscription;
use crate::{Code, Deal, Interval, PlanLine, Stop, Subscription};

/// "250 invoice items per invoice": docs.stripe.com, changelog 2016-02-22.
pub(crate) const MOST_LINES: u32 = 250;

/// Of `items` and of `add_invoice_items`: docs.stripe.com, api/subscriptions/create.
const MOST_ITEMS: usize = 20;

/// The lines of a deal that can be billed, and how often the recurring ones are.
pub(super) struct Billed<'a> {
    /// `None` without a currency.
    pub lines: Option<Vec<PlanLine>>,
    recurring: Vec<&'a Record>,
    every: BTreeSet<Interval>,
}

/// Every line, or one refusal that lists every line that is wrong: nobody wants to mend them one visit at a time.
pub(super) fn lines<'a>(
    records: &'a [Record],
    currency: Option<Currency>,
    settings: &Settings,
    how: Recurring,
) -> Result<Billed<'a>, Stop> {
    let source = settings.line_source;
    let names = source.names();
    let may_be_more = records.len() >= source.most_read() as usize;
    let records: Vec<_> = records.iter().filter(|record| !names.is_included(record)).collect();
    if records.is_empty() {
        return Err(Stop::refused(Code::NoLines, source.without_lines()));
    }
    if may_be_more || records.len() > MOST_LINES as usize {
        return Err(Stop::refused(
            Code::TooManyLines,
            format!("A Stripe invoice takes at most {MOST_LINES} lines: split the deal into several opportunities."),
        ));
    }
    let mut lines = Vec::with_capacity(records.len());
    let mut problems = Vec::new();
    let (mut recurring, mut every) = (Vec::new(), BTreeSet::new());
    for (index, record) in records.iter().enumerate() {
        match line(record, names, currency, index + 1, how) {
            Ok((line, None)) => lines.push(line),
            Ok((line, Some(interval))) => {
                lines.push(line.map(|line| PlanLine { every: Some(interval), ..line }));
                recurring.push(*record);
                every.insert(interval);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Stop::refused(Code::LinesNotBillable, format!("Mend these products: {}.", problems.join("; "))));
    }
    few_enough(records.len(), recurring.len())?;
    let longest = every.last().copied();
    let of_term = |line: PlanLine| PlanLine { every: line.every.filter(|every| Some(*every) != longest), ..line };
    let lines: Option<Vec<_>> = lines.into_iter().collect();
    Ok(Billed { lines: lines.map(|lines| lines.into_iter().map(of_term).collect()), recurring, every })
}

/// A subscription takes less than an invoice does.
fn few_enough(all: usize, recurring: usize) -> Result<(), Stop> {
    let once = all - recurring;
    if recurring == 0 || (recurring <= MOST_ITEMS && once <= MOST_ITEMS) {
        return Ok(());
    }
    let message = format!(
        "A Stripe subscription takes at most {MOST_ITEMS} recurring lines and {MOST_ITEMS} one-time lines: split the deal \
         into several opportunities."
    );
    Err(Stop::refused(Code::TooManyLines, message))
}

/// The term of the recurring lines, if there are any: in periods of the longest interval, which end with those of each shorter one.
pub(super) fn term(billed: &Billed, deal: &Deal, settings: &Settings) -> Result<Option<Subscription>, Stop> {
    let Some(every) = billed.every.last().copied() else { return Ok(None) };
    if billed.every.len() > 1 && is_renewal(&deal.opportunity) {
        let names: Vec<_> = billed.every.iter().map(|every| every.as_str()).collect();
        let message = format!(
            "The products are billed {}, and a renewal is billed by one frequency: give them one; or let the subscription end before the \
             renewal's first day, then change the opportunity's type, so that it begins a subscription of its own.",
            names.join(" and ")
        );
        return Err(Stop::refused(Code::FrequenciesMixed, message));
    }
    let names = settings.line_source.names();
    subscription(every, &deal.opportunity, &billed.recurring, names).map(Some)
}

/// What does not divide would be billed a cent off.
pub(super) fn divides(lines: &[PlanLine], term: &Subscription) -> Result<(), Stop> {
    let parts = |term: &Subscription| match term.stub {
        0 => format!("{} equal parts", term.periods.unwrap_or(1)),
        _ => format!("months, of which {} come to a whole amount", term.every.months()),
    };
    let problem = |line: &PlanLine| {
        let of_line = term.of(line).filter(|term| term.each(line.amount).is_none())?;
        let name = crate::customer::cut(&line.description, 60);
        Some(format!("{name} costs {} over the term, to be divided into {}", line.amount, parts(&of_line)))
    };
    let problems: Vec<_> = lines.iter().filter_map(problem).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!("Give these products totals that divide: {}.", problems.join("; "));
    Err(Stop::refused(Code::AmountNotDivisible, message))
}

/// Salesforce keeps `Amount` equal to the sum of the lines. Where it is not, somebody's automation wrote one of them,
/// and which is right is not ours to guess.
pub(super) fn adds_up(lines: &[PlanLine], total: Money) -> Result<(), Stop> {
    let zero = Money::from_minor_units(0, total.currency());
    let sum = lines.iter().try_fold(zero, |sum, line| sum.checked_add(line.amount));
    match sum {
        Ok(sum) if sum == total => Ok(()),
        Ok(sum) => Err(Stop::refused(
            Code::AmountDiffersFromLines,
            format!("The products add up to {sum}, the opportunity's amount is {total}: make them equal."),
        )),
        Err(why) => Err(Stop::refused(Code::AmountTooLarge, format!("Correct the products' prices: {why}."))),
    }
}
