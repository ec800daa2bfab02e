//! Why a deal is not billed, in a code that stays and a sentence that a person can act on.

use serde::{Deserialize, Serialize};

/// How a stop is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The record does not ask to be billed. Nobody has to do anything; an edit brings it back.
    NotBillable,
    /// The record asks to be billed and cannot be: a person has to mend something. Nothing is left at Stripe.
    Refused,
    /// Something is already at the customer's, or an outcome must be judged: a person has to decide.
    Review,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub kind: Kind,
    pub code: Code,
    pub message: String,
}

impl Stop {
    pub fn not_billable(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::NotBillable, code, message: message.into() }
    }

    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, code, message: message.into() }
    }

    pub fn review(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::Review, code, message: message.into() }
    }

    pub fn needs_person(&self) -> bool {
        self.kind != Kind::NotBillable
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The stable codes. They are written to Salesforce, to the ledger and to metrics, so they never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The opportunity's stage is not Closed Won (any more).
    NotClosedWon = "not_closed_won",
    /// A renewal is not billed by this workflow.
    Renewal = "renewal",
    /// The opportunity has no amount.
    AmountMissing = "amount_missing",
    /// The opportunity's amount is zero or less.
    AmountNotPositive = "amount_not_positive",
    /// The amount has more decimals than its currency.
    AmountNotRepresentable = "amount_not_representable",
    /// The amount is beyond anything that is billed.
    AmountTooLarge = "amount_too_large",
    /// The lines do not add up to the opportunity's amount.
    AmountDiffersFromLines = "amount_differs_from_lines",
    /// The currency is not an ISO 4217 code.
    CurrencyUnknown = "currency_unknown",
    /// The opportunity is gone, or the integration user cannot see it.
    OpportunityNotFound = "opportunity_not_found",
    /// The opportunity has no account.
    AccountMissing = "account_missing",
    /// The account has no name.
    AccountNameMissing = "account_name_missing",
    /// There is no address to send the invoice to.
    BillingEmailMissing = "billing_email_missing",
    /// The address to send the invoice to is not an e-mail address.
    BillingEmailInvalid = "billing_email_invalid",
    /// The account's billing country is not a country.
    BillingCountryUnknown = "billing_country_unknown",
    /// The opportunity has no lines.
    NoLines = "no_lines",
    /// A Stripe invoice takes 250 lines.
    TooManyLines = "too_many_lines",
    /// One or more lines cannot be billed; the message lists each.
    LinesNotBillable = "lines_not_billable",
    /// The opportunity already names a Stripe invoice that this deployment did not make.
    AlreadyBilled = "already_billed",
    /// The deal changed after its invoice was sent.
    DealChangedAfterBilling = "deal_changed_after_billing",
    /// The invoice is above the operator's ceiling and waits for an approval.
    ApprovalRequired = "approval_required",
    /// The draft at Stripe does not equal the deal, and could not be made to.
    InvoiceDiffersFromDeal = "invoice_differs_from_deal",
    /// Somebody voided or wrote off the invoice while it was being made.
    InvoiceChangedInStripe = "invoice_changed_in_stripe",
    /// The customer that the account names belongs to another account.
    CustomerBelongsElsewhere = "customer_belongs_elsewhere",
    /// The account names something that is no customer's id.
    CustomerIdMalformed = "customer_id_malformed",
    /// The account names another customer than the one that its deals are billed to.
    CustomerDiffers = "customer_differs",
    /// Stripe refused a request for a reason that only a person can remove.
    StripeRefused = "stripe_refused",
    /// One idempotency key came with two bodies: somebody has to look before anything else is sent.
    StripeIdempotencyMismatch = "stripe_idempotency_mismatch",
    /// Salesforce refused a read or a write.
    SalesforceRefused = "salesforce_refused",
    /// Salesforce said yes, and the record holds something else: a trigger, a flow or field-level security.
    WriteBackDiffers = "write_back_differs",
    /// The invoice is not paid (any more).
    NotPaid = "not_paid",
    /// The invoice is paid, and the opportunity that it names does not name it.
    InvoiceNotLinked = "invoice_not_linked",
    /// The paid invoice and the opportunity name each other wrongly.
    InvoiceLinkedElsewhere = "invoice_linked_elsewhere",
    /// The invoice was not made by this deployment for this organization.
    NotOurs = "not_ours",
    /// Salesforce lost change events; somebody has to look which deals were won in that time.
    ChangeEventsLost = "change_events_lost",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_to_act_on_what_does_not_ask_to_be_billed() {
        let stops = [Stop::not_billable, Stop::refused, Stop::review].map(|stop| stop(Code::Renewal, "."));
        assert_eq!(stops.map(|stop| stop.needs_person()), [false, true, true]);
    }

    #[test]
    fn codes_are_short_and_plain() {
        for code in Code::ALL {
            let text = code.as_str();
            assert!(text.len() <= 80, "{text} does not fit Stripe_Sync_Code__c");
            assert!(text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{text}");
        }
    }
}
