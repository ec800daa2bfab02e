//! The same for people.

use std::fmt::{self, Formatter};

use super::told::{Call, End, Invoice, Item, Line, Preview, Request, Subscription, Tax, Told};

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Opportunity {} at {}: {}", self.opportunity, self.at, self.end)?;
        if let End::Stopped(stopped) = &self.end {
            writeln!(f, "  {}", stopped.message)?;
            writeln!(f, "  what to do ({}): {}", stopped.whose, stopped.remedy)?;
        }
        if let Some(deal) = &self.deal {
            writeln!(f, "  the deal as a whole: {deal}")?;
        }
        for subscription in &self.subscriptions {
            write!(f, "{subscription}")?;
        }
        for invoice in &self.invoices {
            write!(f, "{invoice}")?;
        }
        if !self.calls.is_empty() {
            writeln!(f, "  calls, in this order:")?;
        }
        for call in &self.calls {
            write!(f, "{call}")?;
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
        write!(f, "  subscription {} is {}", self.id, self.fate)?;
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
            "sent_by_stripe" => "is sent by Stripe within the hour",
            "charged" => "is finalized, and the customer charged for it",
            "voided" => "is voided",
            "credited" => "is credited to the customer's balance",
            _ => "is sent",
        };
        write!(f, "  invoice {} {fate}: {}", self.id, self.total)?;
        if let Some(due_on) = self.due_on.filter(|_| self.fate != "charged") {
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
