//! Many deals, in a table.

use std::fmt;

use deployment::Sight;
use domain::OpportunityId;
use jiff::Timestamp;
use serde::Serialize;

use super::told::{End, Preview};
use super::{Unforeseen, preview};
use crate::Exit;
use crate::paint::{Paint, Tone};
use crate::progress::Progress;

#[derive(Debug, Serialize)]
pub struct Many {
    pub deals: Vec<Deal>,
    /// How many more there are than were to be looked at.
    pub left_out: usize,
    /// What the list may show otherwise than somebody sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Deal {
    Foreseen(Box<Preview>),
    Unforeseen { opportunity: String, why: String },
}

/// One after the other: each by itself, as if none of the others were billed. The query is read to its end before the first.
pub async fn many(
    sight: &Sight,
    soql: &str,
    most: usize,
    at: Timestamp,
    progress: &dyn Progress,
) -> Result<Many, Unforeseen> {
    progress.begin("reading the list", None);
    let found = sight.salesforce.read(&[soql.to_owned()]).await;
    let found = found.map_err(|why| Unforeseen(format!("the query is not answered: {why}")))?;
    let records: Vec<_> = found.into_iter().flatten().collect();
    let ids: Option<Vec<_>> = records.iter().map(|record| OpportunityId::parse(record.text("Id")?).ok()).collect();
    let ids = ids.ok_or_else(|| Unforeseen("the query has to ask for the Id of opportunities".into()))?;
    let mut deals = Vec::new();
    progress.begin("previewing", Some(ids.len().min(most)));
    for id in ids.iter().take(most) {
        deals.push(match preview(sight, id, at).await {
            Ok(foreseen) => Deal::Foreseen(Box::new(foreseen)),
            Err(Unforeseen(why)) => Deal::Unforeseen { opportunity: id.to_string(), why },
        });
        progress.step();
    }
    progress.end();
    Ok(Many { left_out: ids.len() - deals.len(), deals, warning: None })
}

impl Deal {
    fn exit(&self) -> Exit {
        match self {
            Self::Foreseen(preview) => preview.exit(),
            Self::Unforeseen { .. } => Exit::Unavailable,
        }
    }

    fn tone(&self) -> Tone {
        match self {
            Self::Foreseen(preview) => preview.end.tone(),
            Self::Unforeseen { .. } => Tone::Bad,
        }
    }

    /// Opportunity, outcome, amount and code.
    fn row(&self) -> [String; 4] {
        match self {
            Self::Unforeseen { opportunity, why } => {
                [opportunity.clone(), "unforeseen".into(), String::new(), why.clone()]
            }
            Self::Foreseen(preview) => {
                let (outcome, code) = match &preview.end {
                    End::Billed => ("billed", String::new()),
                    End::Changed => ("changed", String::new()),
                    End::Unchanged => ("unchanged", String::new()),
                    End::Scheduled { until } => ("scheduled", until.to_string()),
                    End::Stopped(stopped) if stopped.needs_person => ("refused", stopped.code.to_owned()),
                    End::Stopped(stopped) => ("not billable", stopped.code.to_owned()),
                    End::Waits { code, .. } => ("waits", code.clone()),
                };
                let amount = preview.billed().or(preview.deal.filter(|_| preview.end == End::Billed));
                let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
                [preview.opportunity.clone(), outcome.into(), amount, code]
            }
        }
    }
}

impl Many {
    /// That something is not known comes before that something is refused.
    pub fn exit(&self) -> Exit {
        let exits: Vec<_> = self.deals.iter().map(Deal::exit).collect();
        let worst = [Exit::Unavailable, Exit::Unknown, Exit::NeedsPerson].into_iter().find(|exit| exits.contains(exit));
        worst.unwrap_or(Exit::Well)
    }

    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        let head = ["opportunity", "outcome", "amount", "code"];
        let rows: Vec<_> = self.deals.iter().map(|deal| (deal.tone(), deal.row())).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|(_, row)| row[column].as_str()).chain([head[column]]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let [first, second, third] = [0, 1, 2].map(width);
        let [opportunity, outcome, amount, code] = head;
        writeln!(f, "{opportunity:first$}  {outcome:second$}  {amount:>third$}  {code}")?;
        for (tone, [opportunity, outcome, amount, code]) in &rows {
            let (outcome, amount) = (paint.toned(*tone, outcome), paint.strong(amount));
            let row = format!("{opportunity:first$}  {outcome:second$}  {amount:>third$}  {code}");
            writeln!(f, "{}", row.trim_end())?;
        }
        if self.left_out > 0 {
            writeln!(f, "{} more are left out: --most", self.left_out)?;
        }
        self.warning.iter().try_for_each(|warning| writeln!(f, "{}: {warning}", paint.toned(Tone::Care, "warning")))
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money};
    use mapping::{Code, Stop};

    use super::*;
    use crate::explain::Stopped;
    use crate::paint::{BOLD, GREEN, RED, YELLOW, painted};

    fn deal(end: End, minor_units: Option<i64>) -> Deal {
        let currency = Currency::parse("EUR").expect("valid");
        Deal::Foreseen(Box::new(Preview {
            opportunity: "006000000000001AAA".into(),
            at: Timestamp::UNIX_EPOCH,
            end,
            calls: Vec::new(),
            invoices: Vec::new(),
            subscriptions: Vec::new(),
            deal: minor_units.map(|minor_units| Money::from_minor_units(minor_units, currency)),
            follows: Vec::new(),
            told: Vec::new(),
        }))
    }

    #[test]
    fn a_list_is_a_table_and_ends_as_the_worst_of_it() {
        let refused = || End::Stopped(Stopped::from(&Stop::refused(Code::NoLines, "It has none.")));
        let unknown = || Deal::Unforeseen { opportunity: "006000000000002AAA".into(), why: "busy".into() };
        let of = |deals| Many { deals, left_out: 0, warning: None };
        assert_eq!(of(vec![]).exit(), Exit::Well);
        assert_eq!(of(vec![deal(End::Billed, Some(1))]).exit(), Exit::Well);
        assert_eq!(of(vec![deal(End::Billed, Some(1)), deal(refused(), None)]).exit(), Exit::NeedsPerson);
        assert_eq!(of(vec![unknown(), deal(refused(), None)]).exit(), Exit::Unavailable);
        let all = vec![deal(End::Billed, Some(123_456)), deal(refused(), Some(1)), unknown()];
        let all = Many { deals: all, left_out: 7, warning: Some("It is read as somebody else.".into()) };
        let paints = [(GREEN, "billed"), (RED, "refused"), (YELLOW, "warning"), (BOLD, "1234.56 EUR")];
        painted(&all, &paints);
        assert_eq!(
            all.to_string(),
            "opportunity         outcome          amount  code\n\
             006000000000001AAA  billed      1234.56 EUR\n\
             006000000000001AAA  refused                  no_lines\n\
             006000000000002AAA  unforeseen               busy\n\
             7 more are left out: --most\n\
             warning: It is read as somebody else.\n"
        );
    }
}
