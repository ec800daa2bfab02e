//! The same for people.

use std::fmt::{self, Formatter};

use super::told::{
    Call, End, Invoice, InvoiceFate, Item, Line, Preview, Request, Subscription, SubscriptionFate, Tax, Told,
};
use crate::paint::{Paint, Tone};

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        let end = paint.toned(self.end.tone(), &self.end);
        writeln!(f, "Opportunity {} at {}: {end}", self.opportunity, self.at)?;
        if let End::Stopped(stopped) = &self.end {
            writeln!(f, "  {}", stopped.message)?;
            writeln!(f, "  what to do ({}): {}", stopped.whose, stopped.remedy)?;
        }
        if let Some(deal) = &self.deal {
            writeln!(f, "  the deal as a whole: {}", paint.strong(deal))?;
        }
        for subscription in &self.subscriptions {
            subscription.fmt(f)?;
        }
        for invoice in &self.invoices {
            invoice.fmt(f)?;
        }
        if !self.calls.is_empty() {
            writeln!(f, "  calls, in this order:")?;
        }
        for call in &self.calls {
            call.fmt(f)?;
        }
        if !self.follows.is_empty() {
            writeln!(f, "  put on the queue for others: {}", self.follows.join(", "))?;
        }
        for Told { title, text, .. } in &self.told {
            writeln!(f, "  people are told: {title}")?;
            text.iter().try_for_each(|text| writeln!(f, "    {text}"))?;
        }
        writeln!(f, "  Nothing of this was done.")
    }
}

impl End {
    pub(super) fn tone(&self) -> Tone {
        match self {
            Self::Billed => Tone::Good,
            Self::Changed | Self::Unchanged | Self::Scheduled { .. } => Tone::Plain,
            Self::Stopped(stopped) if stopped.needs_person => Tone::Bad,
            Self::Stopped(_) | Self::Waits { .. } => Tone::Care,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Billed => f.write_str("it would be billed"),
            Self::Changed => f.write_str("it would be told what has changed, and nothing more is billed"),
            Self::Unchanged => f.write_str("it is as it should be, and nothing would be written"),
            Self::Scheduled { until } => write!(f, "it would rest until {until}, and be looked at again then"),
            Self::Stopped(stopped) if stopped.needs_person => write!(f, "it would be refused ({})", stopped.code),
            Self::Stopped(stopped) => write!(f, "it is not to be billed ({})", stopped.code),
            Self::Waits { code, why, until: None } => write!(f, "it would wait ({code}): {why}"),
            Self::Waits { code, why, until: Some(until) } => write!(f, "it would wait until {until} ({code}): {why}"),
        }
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            SubscriptionFate::Begun => "begun",
            SubscriptionFate::Changed => "changed",
            SubscriptionFate::Canceled => "canceled",
        };
        write!(f, "  subscription {} is {fate}", self.id)?;
        if let Some(day) = self.starts_on {
            write!(f, ", from {day} on")?;
        }
        match self.ends_on {
            Some(day) => write!(f, ", until {day}")?,
            None => f.write_str(", without an end")?,
        }
        match self.prorated {
            Some((day, true)) => writeln!(f, "; prorated from {day} on, by an invoice at once")?,
            Some((day, false)) => writeln!(f, "; prorated from {day} on, by its next invoice")?,
            None => writeln!(f)?,
        }
        self.items.iter().try_for_each(|item| writeln!(f, "    {item}"))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(quantity) = self.quantity {
            write!(f, " × {quantity}")?;
        }
        if let Some(amount) = self.amount {
            write!(f, ": {amount}")?;
        }
        match self.months {
            Some(1) => f.write_str(" a month"),
            Some(12) => f.write_str(" a year"),
            Some(months) => write!(f, " every {months} months"),
            None => Ok(()),
        }?;
        write!(f, " ({})", self.price)
    }
}

impl fmt::Display for Invoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            InvoiceFate::Sent => "is sent",
            InvoiceFate::Charged => "is finalized, and the customer charged for it",
            InvoiceFate::SentByStripe => "is sent by Stripe within the hour",
            InvoiceFate::Voided => "is voided",
            InvoiceFate::Credited => "is credited to the customer's balance",
        };
        write!(f, "  invoice {} {fate}: {}", self.id, Paint::of(f).strong(self.total))?;
        if let Some(due_on) = self.due_on.filter(|_| self.fate != InvoiceFate::Charged) {
            write!(f, ", due on {due_on}")?;
        }
        match &self.tax {
            None => {}
            Some(Tax::Unknown { behavior }) => {
                write!(f, "; its tax ({behavior}) is calculated by Stripe when it is finalized")?;
            }
            Some(Tax::Known { added, inside }) if added.minor_units() == 0 => write!(f, "; tax of {inside} is in it")?,
            Some(Tax::Known { added, .. }) => write!(f, ", with {added} of tax")?,
        }
        if self.total.minor_units() < 0 {
            f.write_str("; it goes to the customer's balance")?;
        }
        if let Some(paid) = self.from_balance {
            write!(f, "; {paid} of it is paid from the customer's balance")?;
        }
        writeln!(f)?;
        if !self.is_new() {
            return Ok(());
        }
        self.lines.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(quantity) = &self.quantity {
            write!(f, " × {quantity}")?;
        }
        write!(f, ": {}", self.amount)?;
        match (self.from, self.until) {
            (Some(from), Some(until)) if until > from => write!(f, " ({from} to before {until})"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "    {} {}", self.system, self.call)?;
        if let Some(target) = &self.target {
            write!(f, " {target}")?;
        }
        if self.outcome != "ok" {
            write!(f, ": {}", self.outcome)?;
            self.detail.iter().try_for_each(|detail| write!(f, ", {detail}"))?;
        }
        writeln!(f)?;
        for Request { method, path, parameters } in &self.requests {
            write!(f, "      {method} {path}")?;
            self.idempotency_key.iter().try_for_each(|key| write!(f, " [{key}]"))?;
            writeln!(f)?;
            parameters.iter().try_for_each(|(name, value)| writeln!(f, "        {name}={value}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money};
    use jiff::Timestamp;
    use mapping::{Code, Stop};

    use super::*;
    use crate::explain::Stopped;
    use crate::paint::{BOLD, GREEN, RED, YELLOW, painted};

    #[test]
    fn how_it_ends_and_what_it_comes_to_are_painted() {
        let total = Money::from_minor_units(123_456, Currency::parse("EUR").expect("valid"));
        let refused = || Stop::refused(Code::NoLines, "It has none.");
        let waits = |until| End::Waits { code: "run_is_held".into(), why: "busy".into(), until };
        for (end, paints) in [
            (End::Billed, vec![(GREEN, "it would be billed"), (BOLD, "1234.56 EUR")]),
            (End::Stopped(Stopped::from(&refused())), vec![(RED, "it would be refused (no_lines)")]),
            (waits(None), vec![(YELLOW, "it would wait (run_is_held): busy")]),
            (End::Unchanged, vec![]),
        ] {
            let invoice = Invoice {
                id: "in_preview_1".into(),
                fate: InvoiceFate::Sent,
                lines: Vec::new(),
                total,
                from_balance: None,
                tax: None,
                due_on: None,
                subscription: None,
            };
            let preview = Preview {
                opportunity: "006000000000001AAA".into(),
                at: Timestamp::UNIX_EPOCH,
                end,
                calls: Vec::new(),
                invoices: vec![invoice],
                subscriptions: Vec::new(),
                deal: Some(total),
                follows: Vec::new(),
                told: Vec::new(),
            };
            let coloured = painted(&preview, &paints);
            assert!(coloured.contains(&format!("is sent: {BOLD}1234.56 EUR")), "{coloured:?}");
        }
    }
}
