//! What people do in Salesforce. Each change of an opportunity is told; a change of an account is not.

use domain::{AccountId, OpportunityId};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Account, Contract, Opportunity, Salesforce};

impl Salesforce {
    /// Any edit of an opportunity that exists, and the event that follows it.
    pub fn edit(&mut self, now: Timestamp, id: &OpportunityId, change: impl FnOnce(&mut Opportunity)) -> bool {
        let Some(opportunity) = self.opportunities.get_mut(id).filter(|opportunity| !opportunity.is_deleted) else {
            return false;
        };
        let stage = opportunity.stage.clone();
        change(opportunity);
        if opportunity.stage != stage {
            opportunity.stage_since = now;
        }
        opportunity.changes_by_people += 1;
        opportunity.modified = now;
        self.tell(now, id, false);
        true
    }

    /// Nothing of the opportunity changes by it, and nothing tells of it but a flow that somebody may have made.
    pub fn activate_contract(&mut self, now: Timestamp, id: &OpportunityId, is_told: bool) -> bool {
        let Some(opportunity) =
            self.opportunities.get_mut(id).filter(|one| !one.is_deleted && one.contract == Contract::Draft)
        else {
            return false;
        };
        opportunity.contract = Contract::Activated(now);
        opportunity.changes_by_people += 1;
        if is_told {
            self.tell(now, id, false);
        }
        true
    }

    /// The amount follows the lines, as Salesforce keeps it.
    pub fn edit_lines(&mut self, now: Timestamp, id: &OpportunityId, change: impl FnOnce(&mut Opportunity)) -> bool {
        self.edit(now, id, |opportunity| {
            change(opportunity);
            opportunity.amount = Some(opportunity.lines.iter().filter_map(|line| line.total).sum::<Decimal>());
        })
    }

    pub fn name_invoice_by_hand(&mut self, now: Timestamp, id: &OpportunityId, invoice_id: Option<&str>) -> bool {
        self.edit(now, id, |opportunity| {
            opportunity.invoice_id = invoice_id.map(str::to_owned);
            opportunity.invoice_named_by_hand = true;
        })
    }

    pub fn name_renewed(&mut self, now: Timestamp, id: &OpportunityId, from: &OpportunityId) -> bool {
        let Some(named) = self.opportunities.get(from).and_then(|one| one.subscription_id.clone()) else {
            return false;
        };
        self.edit(now, id, |renewal| renewal.renewal_id = Some(named))
    }

    /// A clone carries the ids and the link of what it was made of, if there are any yet.
    pub fn copy_invoice(&mut self, now: Timestamp, id: &OpportunityId, from: &OpportunityId) -> bool {
        let Some(original) = self.opportunities.get(from).filter(|original| original.invoice_id.is_some()).cloned()
        else {
            return false;
        };
        self.edit(now, id, |clone| {
            clone.customer_id = original.customer_id;
            clone.invoice_id = original.invoice_id;
            clone.invoice_url = original.invoice_url;
            clone.invoice_pdf = original.invoice_pdf;
            clone.invoice_named_by_hand = true;
        })
    }

    /// In which the account bought something.
    pub fn currency_of(&self, account: &AccountId) -> domain::Currency {
        let of_account = self.opportunities.values().find(|deal| deal.account_id.as_ref() == Some(account));
        let code = of_account.filter(|_| self.multi_currency).map_or(&self.org_currency, |deal| &deal.currency);
        domain::Currency::parse(code).expect("a currency")
    }

    /// As our own write-back does it.
    pub fn name_customer(&mut self, id: &AccountId, customer: &domain::CustomerId) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.stripe_customer_id = Some(customer.to_string());
        }
    }

    pub fn edit_account(&mut self, now: Timestamp, id: &AccountId, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.get_mut(id) else {
            return false;
        };
        let before = account.clone();
        change(account);
        account.modified = now;
        account.customer_named_by_hand |= before.stripe_customer_id != account.stripe_customer_id;
        if before.billing_email != account.billing_email {
            account.emails.extend(account.billing_email.clone().map(|email| (now, email)));
        }
        true
    }
}
