//! One thing that somebody does, and what comes of it.

use domain::{AccountId, OpportunityId};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::model::Models;

mod invoices;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Closed Won.
    Win(OpportunityId),
    /// Its contract, by somebody whose organization tells of that or not.
    ActivateContract {
        deal: OpportunityId,
        is_told: bool,
    },
    /// Which subscription a deal renews: that of another deal.
    NameRenewed {
        deal: OpportunityId,
        from: OpportunityId,
    },
    /// Back to negotiation.
    Reopen(OpportunityId),
    /// Saved without a change that matters.
    Touch(OpportunityId),
    /// A line's total.
    EditLine {
        deal: OpportunityId,
        line: usize,
        total: Decimal,
    },
    RemoveLine {
        deal: OpportunityId,
        line: usize,
    },
    /// The amount alone, against the lines.
    EditAmount {
        deal: OpportunityId,
        amount: Decimal,
    },
    /// What it comes to now may be billed, whatever the ceiling.
    Approve(OpportunityId),
    Delete(OpportunityId),
    /// Address, e-mail, whatever was wrong with the account; then the deal is saved.
    /// Nothing tells of it, and no deal is touched. `None` leaves the address of e-mail as it is.
    EditAccount {
        account: AccountId,
        email: Option<String>,
    },
    MendAccount {
        account: AccountId,
        deal: OpportunityId,
    },
    /// The products, whatever was wrong with them; then the deal is saved.
    MendLines(OpportunityId),
    NameInvoice {
        deal: OpportunityId,
        invoice: &'static str,
    },
    /// A deal is made of another one, with everything that stands on it.
    CopyInvoice {
        deal: OpportunityId,
        from: OpportunityId,
    },
    /// Writes a customer that was made by hand, or something that is none, on the account.
    NameCustomer {
        account: AccountId,
        is_one: bool,
    },
    /// Everything in the dead-letter queue is sent again.
    Redrive,
    Pay {
        deal: OpportunityId,
        tries: u32,
    },
    FailPayment {
        deal: OpportunityId,
        tries: u32,
    },
    /// Of its invoice.
    CloseCase(OpportunityId),
    /// A part of it.
    PayPart(OpportunityId),
    /// Money goes back, and no invoice tells of it.
    Refund(OpportunityId),
    /// The customer's bank wants the payment back.
    Dispute {
        deal: OpportunityId,
        tries: u32,
    },
    Void(OpportunityId),
    WriteOff(OpportunityId),
    FinalizeDraft {
        deal: OpportunityId,
        tries: u32,
    },
    DeleteDraft {
        deal: OpportunityId,
        tries: u32,
    },
    AddToDraft {
        deal: OpportunityId,
        tries: u32,
    },
    CancelSubscription {
        deal: OpportunityId,
        tries: u32,
    },
    /// On its opportunity somebody says from which day on nothing more is billed, or takes that back.
    CancelOn {
        deal: OpportunityId,
        on: Option<jiff::civil::Date>,
    },
    DeleteCustomer(AccountId),
    LeavePendingItem(AccountId),
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    pub text: String,
    /// There was nothing to act on yet; try this then.
    pub again: Option<(Timestamp, Act)>,
    /// The dead-letter queue is to be sent again.
    pub redrive: bool,
}

impl Performed {
    fn is(text: impl Into<String>) -> Self {
        Self { text: text.into(), again: None, redrive: false }
    }

    fn done_or_not(was_done: bool) -> Self {
        Self::is(if was_done { "done" } else { "nothing to do it to" })
    }
}

impl Act {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Win(_) => "win",
            Self::ActivateContract { .. } => "activate contract",
            Self::NameRenewed { .. } => "name renewed",
            Self::Reopen(_) => "reopen",
            Self::Touch(_) => "touch",
            Self::EditLine { .. } => "edit line",
            Self::RemoveLine { .. } => "remove line",
            Self::EditAmount { .. } => "edit amount",
            Self::Approve(_) => "approve",
            Self::Delete(_) => "delete",
            Self::EditAccount { .. } => "edit account",
            Self::MendAccount { .. } => "mend account",
            Self::MendLines(_) => "mend lines",
            Self::NameInvoice { .. } => "name invoice",
            Self::CopyInvoice { .. } => "copy invoice",
            Self::NameCustomer { .. } => "name customer",
            Self::Redrive => "redrive",
            Self::Pay { .. } => "pay",
            Self::FailPayment { .. } => "fail payment",
            Self::CloseCase(_) => "close case",
            Self::PayPart(_) => "pay part",
            Self::Refund(_) => "refund",
            Self::Dispute { .. } => "dispute",
            Self::Void(_) => "void",
            Self::WriteOff(_) => "write off",
            Self::FinalizeDraft { .. } => "finalize draft",
            Self::DeleteDraft { .. } => "delete draft",
            Self::AddToDraft { .. } => "add to draft",
            Self::CancelSubscription { .. } => "cancel subscription",
            Self::CancelOn { .. } => "cancel on",
            Self::DeleteCustomer(_) => "delete customer",
            Self::LeavePendingItem(_) => "leave pending item",
        }
    }

    /// The record that it is about.
    pub fn subject(&self) -> String {
        match self {
            Self::Win(deal) | Self::Reopen(deal) | Self::Touch(deal) => deal.to_string(),
            Self::Approve(deal) | Self::Delete(deal) => deal.to_string(),
            Self::MendLines(deal)
            | Self::CloseCase(deal)
            | Self::PayPart(deal)
            | Self::Refund(deal)
            | Self::Void(deal)
            | Self::WriteOff(deal) => deal.to_string(),
            Self::ActivateContract { deal, .. }
            | Self::NameRenewed { deal, .. }
            | Self::EditLine { deal, .. }
            | Self::RemoveLine { deal, .. }
            | Self::EditAmount { deal, .. }
            | Self::MendAccount { deal, .. }
            | Self::NameInvoice { deal, .. }
            | Self::CopyInvoice { deal, .. }
            | Self::Pay { deal, .. }
            | Self::FailPayment { deal, .. }
            | Self::Dispute { deal, .. }
            | Self::FinalizeDraft { deal, .. }
            | Self::DeleteDraft { deal, .. }
            | Self::CancelSubscription { deal, .. }
            | Self::CancelOn { deal, .. }
            | Self::AddToDraft { deal, .. } => deal.to_string(),
            Self::NameCustomer { account, .. }
            | Self::EditAccount { account, .. }
            | Self::DeleteCustomer(account)
            | Self::LeavePendingItem(account) => account.to_string(),
            Self::Redrive => "everything".to_owned(),
        }
    }

    pub fn perform(&self, now: Timestamp, models: &mut Models) -> Performed {
        let performed = self.perform_at(now, models);
        models.settle(now);
        performed
    }

    fn perform_at(&self, now: Timestamp, models: &mut Models) -> Performed {
        match self {
            Self::CancelSubscription { deal, .. } => {
                let done = models.stripe.cancel_by_hand(now, deal.as_str());
                let again = if done { None } else { self.later(now) };
                Performed { again, ..Performed::done_or_not(done) }
            }
            Self::Redrive => Performed { redrive: true, ..Performed::is("done") },
            Self::CloseCase(deal) => Performed::done_or_not(models.close_case(deal)),
            Self::Pay { .. }
            | Self::FailPayment { .. }
            | Self::PayPart(_)
            | Self::Refund(_)
            | Self::Dispute { .. }
            | Self::Void(_)
            | Self::WriteOff(_)
            | Self::FinalizeDraft { .. }
            | Self::DeleteDraft { .. }
            | Self::AddToDraft { .. } => self.on_invoice(now, models),
            Self::NameCustomer { .. } | Self::DeleteCustomer(_) | Self::LeavePendingItem(_) => {
                self.on_customer(now, models)
            }
            _ => self.on_deal(now, models),
        }
    }

    fn on_deal(&self, now: Timestamp, models: &mut Models) -> Performed {
        let org = &mut models.salesforce;
        Performed::done_or_not(match self {
            Self::Win(deal) => org.edit(now, deal, |deal| deal.stage = "Closed Won".into()),
            Self::ActivateContract { deal, is_told } => org.activate_contract(now, deal, *is_told),
            Self::NameRenewed { deal, from } => org.name_renewed(now, deal, from),
            Self::Reopen(deal) => org.edit(now, deal, |deal| deal.stage = "Negotiation".into()),
            Self::Touch(deal) => org.edit(now, deal, |_| {}),
            Self::CancelOn { deal, on } => org.edit(now, deal, |deal| deal.cancel_on = *on),
            Self::Approve(deal) => org.edit(now, deal, |deal| {
                deal.approved_amount = deal.amount;
                deal.most_approved = deal.most_approved.max(deal.amount);
            }),
            Self::Delete(deal) => org.edit(now, deal, |deal| deal.is_deleted = true),
            Self::EditAmount { deal, amount } => org.edit(now, deal, |deal| deal.amount = Some(*amount)),
            Self::EditLine { deal, line, total } => org.edit_lines(now, deal, |deal| {
                if let Some(line) = deal.lines.get_mut(*line) {
                    line.total = Some(*total);
                }
            }),
            Self::RemoveLine { deal, line } => org.edit_lines(now, deal, |deal| {
                if deal.lines.len() > 1 && *line < deal.lines.len() {
                    deal.lines.remove(*line);
                }
            }),
            Self::EditAccount { account, email } => org.edit_account(now, account, |account| {
                account.billing_email = email.clone().or(account.billing_email.take());
                if account.can_be_told() {
                    return;
                }
                // Whoever puts in an address that is one mends the rest with it.
                account.country =
                    account.country.take().filter(|_| email.as_ref().is_none_or(|email| !email.contains('@')));
            }),
            Self::MendAccount { account, deal } => {
                org.edit_account(now, account, |account| {
                    account.billing_email = Some(format!("mended{}@customer.example", account.emails.len()));
                    account.country = Some("Germany".into());
                    let number = account.tax_ids.len();
                    // Another one, a third, none any more, and again.
                    let tax_id = (number % 3 != 0).then(|| format!("DE{:09}", 100_000_000 + number));
                    account.tax_ids.extend((number > 0).then_some((now, tax_id)));
                });
                // Every deal that waits for it is saved again.
                let waiting = org.opportunities().filter(|one| one.account_id.as_ref() == Some(account));
                let waiting: Vec<_> = waiting.map(|one| one.id.clone()).filter(|id| id != deal).collect();
                for id in &waiting {
                    org.edit(now, id, |_| {});
                }
                org.edit(now, deal, |_| {})
            }
            Self::MendLines(deal) => {
                let mended = models.stripe.catalogue.prices.iter().map(|(id, price)| (id.clone(), price.clone()));
                let mended: Vec<_> = mended.filter(|(_, price)| price.is_active && price.months.is_none()).collect();
                let single = org.org_currency.clone();
                let multi_currency = org.multi_currency;
                org.edit_lines(now, deal, |deal| {
                    let currency = if multi_currency { deal.currency.clone() } else { single };
                    let price = mended.iter().find(|(_, price)| price.currency.as_str() == currency);
                    for line in &mut deal.lines {
                        line.price = price.map(|(id, _)| id.to_string());
                        line.total = line.total.map(|total| total.trunc().max(Decimal::ONE));
                    }
                })
            }
            Self::NameInvoice { deal, invoice } => org.name_invoice_by_hand(now, deal, Some(invoice)),
            Self::CopyInvoice { deal, from } => org.copy_invoice(now, deal, from),
            _ => false,
        })
    }

    fn on_customer(&self, now: Timestamp, models: &mut Models) -> Performed {
        match self {
            Self::NameCustomer { account, is_one } => {
                let customer = match is_one {
                    true => models.stripe.make_customer(now, "made@by.hand.example").to_string(),
                    false => "see spreadsheet".to_owned(),
                };
                let done =
                    models.salesforce.edit_account(now, account, |account| account.stripe_customer_id = Some(customer));
                Performed::done_or_not(done)
            }
            Self::DeleteCustomer(account) => {
                let customers = models.stripe.customers();
                let of_account = customers
                    .filter(|one| one.deleted.is_none())
                    .find(|one| one.metadata.get("sf_account_id").is_some_and(|id| id == account.as_str()));
                let id = of_account.map(|customer| customer.id.clone());
                Performed::done_or_not(id.is_some_and(|id| models.stripe.delete_customer(now, &id)))
            }
            Self::LeavePendingItem(account) => {
                let customers = models.stripe.customers();
                let of_account =
                    customers.filter(|one| one.metadata.get("sf_account_id").is_some_and(|id| id == account.as_str()));
                let ids: Vec<_> = of_account.map(|customer| customer.id.clone()).collect();
                let currency = models.salesforce.currency_of(account);
                ids.iter().for_each(|id| models.stripe.leave_pending_item(now, id, 4200, currency));
                Performed::done_or_not(!ids.is_empty())
            }
            _ => Performed::done_or_not(false),
        }
    }
}
