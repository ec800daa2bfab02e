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
    /// What else stands in the way; the message tells of it too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Code>,
}

impl Stop {
    pub fn not_billable(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::NotBillable, code, message: message.into(), also: Vec::new() }
    }

    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, code, message: message.into(), also: Vec::new() }
    }

    pub fn review(code: Code, message: impl Into<String>) -> Self {
        Self { kind: Kind::Review, code, message: message.into(), also: Vec::new() }
    }

    pub fn needs_person(&self) -> bool {
        self.kind != Kind::NotBillable
    }
}

/// Everything that stands in the way of one deal: nobody wants to mend it one visit at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Refusals(Vec<Stop>);

impl Refusals {
    /// What was found, or nothing and one refusal more.
    pub fn take<T>(&mut self, found: Result<T, Stop>) -> Option<T> {
        found.map_err(|stop| self.0.push(stop)).ok()
    }

    pub fn extend(&mut self, stops: impl IntoIterator<Item = Stop>) {
        self.0.extend(stops);
    }

    /// What was found, if nothing stands in its way.
    pub fn or<T>(self, found: Option<T>) -> Result<T, Stop> {
        match (self.into_stop(), found) {
            (Some(stop), _) => Err(stop),
            (None, Some(found)) => Ok(found),
            (None, None) => unreachable!("what was not found was refused"),
        }
    }

    /// All of them as one, with the code of the first.
    fn into_stop(mut self) -> Option<Stop> {
        // A note is cut at two thousand characters, and the products' sentence may be longer than that.
        self.0.sort_by_key(|stop| stop.code == Code::LinesNotBillable);
        let count = self.0.len();
        let mut refusals = self.0.into_iter();
        let first = refusals.next()?;
        if count == 1 {
            return Some(first);
        }
        let mut stop = Stop { message: format!("Mend {count} things. 1 ({}): {}", first.code, first.message), ..first };
        for (index, refusal) in refusals.enumerate() {
            stop.message.push_str(&format!(" {} ({}): {}", index + 2, refusal.code, refusal.message));
            stop.also.push(refusal.code);
        }
        Some(stop)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who has to act on a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Whoever owns the opportunity and its account.
    Sales,
    /// Whoever answers for invoices and their amounts.
    Finance,
    /// Whoever administers Salesforce, Stripe, or this deployment.
    Admin,
    Nobody,
}

macro_rules! codes {
    ($($name:ident($owner:ident) = $text:literal, $cause:literal, $remedy:literal;)*) => {
        /// The stable codes. They are written to Salesforce, to the ledger and to metrics, so they never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $cause] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What is the matter.
            pub fn cause(self) -> &'static str {
                match self { $(Self::$name => $cause,)* }
            }

            /// What mends it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }

            pub fn owner(self) -> Owner {
                match self { $(Self::$name => Owner::$owner,)* }
            }
        }
    };
}

codes! {
    NotClosedWon(Nobody) = "not_closed_won",
        "The opportunity's stage is none of won.stages (any more).",
        "Nothing. Winning it again brings it back.";
    LeftOut(Nobody) = "left_out",
        "The opportunity is none of those that won.when asks to be billed.",
        "Nothing, unless it should be: then correct the opportunity; or won.when in the configuration, and edit the opportunity after that is deployed.";
    SkippedByRule(Nobody) = "skipped_by_rule",
        "A rule of the configuration leaves the deal out. The message has the rule's name and its words.",
        "Nothing, unless it should be billed: then correct the opportunity; or the rule, and edit the opportunity after that is deployed.";
    RefusedByRule(Sales) = "refused_by_rule",
        "A rule of the configuration lets the deal wait for a person. The message has the rule's name and its words.",
        "Do what the rule's words say. A change of the opportunity brings it back.";
    RuleUndecided(Admin) = "rule_undecided",
        "A rule or a mapping of the configuration comes to nothing for the deal: a field is empty, or holds something of another type.",
        "Fill in the field that the message names, and of a payment send the event again; or correct the expression in the configuration, and send the event again after that is deployed.";
    Renewal(Nobody) = "renewal",
        "The opportunity's type is Renewal, and subscriptions.renewals is off.",
        "Nothing, unless the type is wrong.";
    ContractNotActivated(Nobody) = "contract_not_activated",
        "The deal is won, and the contract that begins its subscription is not activated.",
        "Nothing. Activating the contract brings it on; a renewal's more than an hour before the old term ends.";
    RenewalNotFound(Sales) = "renewal_not_found",
        "Which subscription the deal renews is not to be seen: none is ours, several are, or what is named is not one.",
        "Write the id of the subscription into Renewal Stripe Sub Id on the renewal's opportunity. One that was begun elsewhere cannot be renewed: let it end, then change the opportunity's type.";
    RenewalUnsettled(Sales) = "renewal_unsettled",
        "The deal that began the subscription has not sent its first invoice, or one of a later period is still a draft at Stripe.",
        "See that deal through, or send that invoice, then send the renewal's event again.";
    RenewalOver(Sales) = "renewal_over",
        "The subscription was canceled, or ended with its term, before it was renewed.",
        "Change the opportunity's type: then it begins a subscription of its own.";
    RenewalDiffers(Sales) = "renewal_differs",
        "The renewal does not fit the subscription: another account's customer, another currency or billing frequency, days that do not go with its periods, or a difference that Stripe would bill otherwise; or its opportunity names another one since.",
        "Do what the sentence says. Change the opportunity's type only if nothing was renewed for it and the old subscription ends before its first day: otherwise both are billed.";
    AmountMissing(Nobody) = "amount_missing",
        "The opportunity has no amount.",
        "Nothing, unless there is something to bill: then add its products.";
    AmountNotPositive(Nobody) = "amount_not_positive",
        "The opportunity's amount is zero or less.",
        "Nothing, unless the amount is wrong.";
    AmountNotRepresentable(Sales) = "amount_not_representable",
        "The amount has more decimals than its currency: half a yen, a tenth of a cent.",
        "Correct the opportunity's amount and its products' prices.";
    AmountTooLarge(Sales) = "amount_too_large",
        "The amount is beyond anything that is billed, or cannot be read: most likely a typing mistake.",
        "Correct the opportunity's amount and its products' prices.";
    AmountDiffersFromLines(Sales) = "amount_differs_from_lines",
        "The products do not add up to the opportunity's amount.",
        "Make them equal. Which of them is right is not guessed.";
    CurrencyUnknown(Admin) = "currency_unknown",
        "The opportunity's currency is not an ISO 4217 code.",
        "Give the organization's currency its ISO code.";
    OpportunityNotFound(Admin) = "opportunity_not_found",
        "The opportunity is gone, or the integration user cannot see it.",
        "Undelete it, or share it with the integration user.";
    AccountMissing(Sales) = "account_missing",
        "The opportunity has no account, and the account is who is billed.",
        "Give the opportunity its account.";
    AccountNameMissing(Sales) = "account_name_missing",
        "The account has no name, or the integration user cannot see it.",
        "Give the account its name; it stands on the invoice.";
    BillingEmailMissing(Sales) = "billing_email_missing",
        "There is no address to send the invoice to.",
        "Fill in Billing Email on the account, or give the opportunity a primary contact with an e-mail address.";
    BillingEmailInvalid(Sales) = "billing_email_invalid",
        "The address to send the invoice to is not one e-mail address.",
        "Correct Billing Email on the account, or the primary contact's e-mail: one address of the form name@example.com.";
    BillingCountryUnknown(Sales) = "billing_country_unknown",
        "The account's billing country is not a country.",
        "Use the country's English name or its ISO 3166 code.";
    ShippingAddressIncomplete(Sales) = "shipping_address_incomplete",
        "With tax.shipping_address, the account's shipping address has no street, no country, or one that is not a country.",
        "Complete the shipping address of the account, or empty it.";
    TaxIdInvalid(Sales) = "tax_id_invalid",
        "The account's tax id cannot be read, whose it is cannot be told, or Stripe does not take it.",
        "Correct Tax Id on the account; where the number does not say whose it is, fill in Tax Id Type with Stripe's name for it, like us_ein.";
    TaxExemptUnknown(Sales) = "tax_exempt_unknown",
        "The account's tax exemption is none of Stripe's.",
        "Choose none, exempt or reverse in Tax Exempt on the account, or empty it.";
    PaymentTermsUnknown(Sales) = "payment_terms_unknown",
        "The quote's payment terms are neither Net and a number of days nor Due on Receipt.",
        "Give the quote payment terms like Net 30.";
    NoLines(Sales) = "no_lines",
        "The opportunity has no products; with won.lines_from, its primary quote has no lines, or none of its orders is activated.",
        "Add at least one product, or activate the order: that is found within a quarter of an hour.";
    TooManyLines(Sales) = "too_many_lines",
        "The deal has more than 250 lines, and a Stripe invoice takes no more; with a subscription, more than 20 of a kind, or a first invoice of more than 250 for all the periods that have begun.",
        "Split the deal into several opportunities; or correct the first day of its term.";
    LinesNotBillable(Sales) = "lines_not_billable",
        "One or more products cannot be billed, or name Stripe prices that are archived or not there.",
        "The sentence lists each product and everything that it lacks. Stripe Price Id on a product is an admin's to fill in, and an archived price an admin's to make active again.";
    TermNotBillable(Sales) = "term_not_billable",
        "The deal has recurring products, and their term is missing, over, or not of whole periods.",
        "Correct the first day and the months of the term, on the quote or on the opportunity; and the quote's end date, which is the last day of the term.";
    FrequenciesMixed(Sales) = "frequencies_mixed",
        "A renewal's recurring products are billed at different frequencies.",
        "Give them one; or let the subscription end before the renewal's first day, then change the opportunity's type, so that it begins a subscription of its own.";
    AmountNotDivisible(Sales) = "amount_not_divisible",
        "What a recurring product costs over its term does not divide into equal parts, to the cent.",
        "Give it a total that does: a price for each period times their number.";
    PendingItems(Finance) = "pending_items",
        "Invoice items wait for the customer at Stripe, and would come with the first invoice of the deal's subscription, or with what a renewal is billed by at once.",
        "Invoice or delete them in Stripe's dashboard; then send the event again.";
    CurrenciesCombined(Finance) = "currencies_combined",
        "The account has a customer at Stripe for its subscriptions in the deal's currency, and something that is active for that one (a subscription, a schedule, a quote, an invoice item) is in another currency. Stripe takes one at a time.",
        "End or delete it in Stripe's dashboard, where the customer's description says which currency it is for; then send the event again.";
    AlreadyBilled(Finance) = "already_billed",
        "The opportunity already names a Stripe invoice that this deployment did not make for it.",
        "If the deal is not billed yet, empty Stripe Invoice Id and send the event again.";
    CancellationNotPossible(Sales) = "cancellation_not_possible",
        "Stripe Cancel On is no day on which the subscription can end: it is inside a period, too soon, or after the term; or another deal renews it.",
        "The sentence names the next day that it can be. Where what is billed is to be given back, that is a credit note by hand.";
    DealChangedAfterBilling(Finance) = "deal_changed_after_billing",
        "The deal changed after its invoice was sent.",
        "Void the invoice and bill again, write a credit note, or set the deal back. What was voided or credited by hand is billed anew when \
         the event is sent again.";
    ApprovalRequired(Finance) = "approval_required",
        "The invoice is above the operator's ceiling and waits as a draft.",
        "Fill in Stripe Approved Amount on the opportunity with at least its amount, or leave it.";
    InvoiceDiffersFromDeal(Finance) = "invoice_differs_from_deal",
        "The invoice at Stripe does not come to the deal's amounts, and could not be made to.",
        "Compare the products' Stripe prices, and tax rates or discounts of the Stripe account, with the opportunity's products. If it is sent, void it or write a credit note.";
    InvoiceChangedInStripe(Finance) = "invoice_changed_in_stripe",
        "Somebody voided, wrote off or deleted the invoice while it was being made.",
        "Decide whether the deal is to be billed, and by which invoice; then send the event again.";
    TaxLocationUnknown(Sales) = "tax_location_unknown",
        "With tax.calculation, the account's address is not enough to know where the customer is taxed.",
        "Fill in Billing Country on the account; in the United States the ZIP code, in Canada and India the state or the postal code. With tax.shipping_address, the same of a shipping address.";
    TaxNotCalculated(Admin) = "tax_not_calculated",
        "With tax.calculation, Stripe did not calculate the draft's tax.",
        "Look at Stripe Tax in Stripe's dashboard: its settings and its status. Then send the event again.";
    TaxBehaviorDiffers(Admin) = "tax_behavior_differs",
        "Amounts are billed with tax inside (or on top) by tax.calculation, and a product's price is the other way round at Stripe.",
        "Correct the tax behavior of the products' prices at Stripe, or tax.calculation of the configuration; then send the event again.";
    CustomerBelongsElsewhere(Sales) = "customer_belongs_elsewhere",
        "The Stripe customer that the account names was made for another account, or for the account's subscriptions in one currency.",
        "Correct Stripe Customer Id on the account, or empty it to have a new customer made.";
    CustomerIdMalformed(Sales) = "customer_id_malformed",
        "The account names something that is no Stripe customer's id.",
        "Correct or empty Stripe Customer Id on the account.";
    CustomerDiffers(Finance) = "customer_differs",
        "The account names another Stripe customer than the one that its deals are billed to.",
        "Empty Stripe Customer Id on the account, or write the one there that its deals are billed to.";
    StripeRefused(Admin) = "stripe_refused",
        "Stripe said no for a reason that only a person can remove.",
        "What Stripe's sentence says; it stands in the message.";
    StripeIdempotencyMismatch(Admin) = "stripe_idempotency_mismatch",
        "One idempotency key came with two bodies.",
        "Compare the run's call log with Stripe's request log before anything is sent again.";
    SalesforceRefused(Admin) = "salesforce_refused",
        "Salesforce refused a read or a write: field-level security, a validation rule.",
        "What Salesforce's sentence says; it names the field or the rule.";
    FieldNotEditable(Admin) = "field_not_editable",
        "The integration user may not edit a field that is written when the deal is billed or paid.",
        "Assign the permission set Closedwon Integration to it, or let it edit the fields that the sentence names; then send the event again.";
    WriteBackDiffers(Admin) = "write_back_differs",
        "Salesforce said yes, and the record holds something else: a trigger, a flow, field-level security.",
        "Let the integration user write the fields that the message names, then send the event again.";
    NotPaid(Finance) = "not_paid",
        "Stripe sent an event that an invoice is paid, and for a day the invoice did not say so.",
        "Look at it in Stripe's dashboard, and whether the key belongs to the same account.";
    InvoiceNotLinked(Finance) = "invoice_not_linked",
        "The invoice is paid, or something else has become of it, and the opportunity that it names did not name it for a day.",
        "Write the invoice's id into Stripe Invoice Id and send the event again.";
    InvoiceWithoutDeal(Finance) = "invoice_without_deal",
        "An invoice that was not made here is paid, its customer is that of an account, and no opportunity named it for a day.",
        "Write its id into Stripe Invoice Id of the deal that it bills, or let changes.stray_invoices be ignore; then send the event again.";
    InvoiceInAnotherCurrency(Finance) = "invoice_in_another_currency",
        "An invoice is paid, or something else has become of it, and the opportunity that was found to name it is in another currency.",
        "Correct Stripe Invoice Id, or the opportunity's currency, and send the event again; or enter by hand what came in.";
    SubscriptionNotLinked(Admin) = "subscription_not_linked",
        "Something has become of the subscription, and the opportunity that it is billed for did not name it for a day.",
        "See that deal's own run through; or write the subscription's id into Stripe Subscription Id (Renewal Stripe Sub Id, where the deal renews it) and send the event again.";
    SubscriptionNotFound(Admin) = "subscription_not_found",
        "Stripe sent an event of a subscription that the key does not find.",
        "Look whether the key belongs to the same account as the webhook endpoint, then send the event again.";
    InvoiceNotFound(Admin) = "invoice_not_found",
        "Stripe sent an event of an invoice that it does not know.",
        "Look whether the API key belongs to the account that sends the events.";
    InvoiceNotFinalized(Finance) = "invoice_not_finalized",
        "Stripe could not finalize an invoice of a deal, so nobody was asked to pay it: its tax cannot be calculated, an address is missing.",
        "Mend what Stripe's sentence says; it stands in the message. Then finalize the invoice in Stripe's dashboard.";
    PaymentDisputed(Finance) = "payment_disputed",
        "The customer's bank asks for the payment of an invoice back, and Stripe for evidence by a day.",
        "Answer the dispute in Stripe's dashboard, or accept it there, before the day that it names.";
    CustomerDeleted(Finance) = "customer_deleted",
        "Somebody deleted a customer at Stripe that an account names. Its subscriptions ended with it.",
        "Nothing, where that was meant: the account's next deal gets a customer anew. Otherwise have its subscriptions begun again.";
    InvoiceLinkedElsewhere(Finance) = "invoice_linked_elsewhere",
        "The paid invoice and the opportunity name each other wrongly.",
        "Decide which of the two is right, and correct the other.";
    NotOurs(Nobody) = "not_ours",
        "The invoice was not made by this deployment for this organization.",
        "Nothing.";
    NotificationNotSent(Admin) = "notification_not_sent",
        "For a day Slack or SNS did not take, or did not answer for, what people were to be told. No money waits for it.",
        "Look whether the address in Slack's secret and the topic are those that are meant, then send the event again.";
    ChangeEventsLost(Admin) = "change_events_lost",
        "Salesforce lost change events and cannot say which.",
        "Nothing at once: the reconciler finds the deals that were won in that time. Look at the next statement.";
}

#[cfg(test)]
mod tests;
