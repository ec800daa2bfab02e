//! One call: made, answered, classified, and logged.

mod described;

use described::{describe_stripe, salesforce_outcome, stripe_outcome};
use domain::SubscriptionId;
use jiff::Timestamp;
use ledger::CallEntry;
use workflow::{Call, Fact, Intent, Operation, Run};

use crate::convert::{self, salesforce_failure, stripe_failure};
use crate::{Clock, Engine, Errand, Pause, Reporter, Stripe, World};

/// What came of a call, and the line that the call log gets.
pub(crate) struct Performed {
    pub(crate) result: Result<Fact, Pause>,
    pub(crate) entry: CallEntry,
    pub(crate) key: Key,
}

/// "Only return the price with these lookup_keys … up to 10": docs.stripe.com, api/prices/list.
const MOST_KEYS: usize = 10;

/// What an answer says about the key that it was given under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// It is done. Nothing will be sent under it again.
    Settled,
    /// Nothing happened under it, for certain: the next attempt gets a new one.
    Retired,
    /// Nothing is certain. A spent key will never give another answer, so it is looked for what it did.
    /// Nor is it certain of an ambiguous one that it will not arrive yet.
    Open { is_spent: bool, is_ambiguous: bool },
}

impl<W: World> Engine<W> {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A write under its key. Everything that makes it happen once was saved before this is called.
    pub(crate) async fn send(&self, call: &Call, operation: Operation, intent: &Intent) -> Performed {
        let began = self.now();
        let write = stripe::Write {
            operation: stripe_operation(operation),
            path: intent.path.clone(),
            body: intent.body.clone().unwrap_or_default(),
        };
        let answer = self.stripe.write(&write, &intent.key).await;
        let mut entry = self.entry(call, began);
        entry.idempotency_key = Some(intent.key.clone());
        match answer {
            Ok(reply) => {
                entry.request_id = reply.request_id.clone();
                entry.outcome = if reply.replayed { "replayed" } else { "ok" }.to_owned();
                let note = note_made(&reply.answer);
                let result = self.answered(call, reply).await;
                entry.detail = note.or_else(|| result.as_ref().ok().and_then(made));
                let key = match result {
                    Ok(Fact::CustomerMissing | Fact::InvoiceMissing) => Key::Retired,
                    Ok(_) => Key::Settled,
                    Err(_) => Key::Open { is_spent: false, is_ambiguous: false },
                };
                Performed { result, entry, key }
            }
            Err(error) => {
                describe_stripe(&mut entry, &error);
                let result = stripe_failure(call, &error);
                // What an attempt before may have begun, or may begin yet, is looked for before anything else is decided.
                let is_refused = matches!(error, stripe::Error::Refused(_));
                if intent.ambiguous && is_refused && matches!(call, Call::CreateSubscription(_)) {
                    let pause = Pause::backoff("stripe_unknown_outcome", "an earlier attempt was never answered");
                    let key = Key::Open { is_spent: true, is_ambiguous: true };
                    return Performed { result: Err(result.err().unwrap_or(pause)), entry, key };
                }
                let key = key_after(&error, result.is_ok());
                Performed { result: self.unless_it_is_there(call, result).await, entry, key }
            }
        }
    }

    /// Stripe takes a number once for a customer; by what code it refuses a second one is not documented. A person may have added it a
    /// moment ago, or an attempt of ours whose answer was lost.
    async fn unless_it_is_there(&self, call: &Call, result: Result<Fact, Pause>) -> Result<Fact, Pause> {
        match (call, result) {
            (Call::AddTaxId { customer_id, tax_id }, Ok(refused @ Fact::Refused(_))) => {
                let is_there = self.has_tax_id(customer_id, tax_id).await;
                Ok(if is_there.map_err(|error| convert::stripe_pause(&error))? { Fact::TaxIdAdded } else { refused })
            }
            (_, result) => result,
        }
    }

    /// A replayed answer tells what was true when it was first given, so the object is read again.
    async fn answered(&self, call: &Call, reply: stripe::Reply) -> Result<Fact, Pause> {
        let customer_fact = |customer_id| match call {
            Call::UpdateCustomer { .. } => Fact::CustomerUpdated,
            _ => Fact::CustomerCreated { customer_id },
        };
        match (reply.answer, reply.replayed && !planted!(BelievesReplays)) {
            (stripe::Answer::Customer(customer), false) => Ok(customer_fact(customer.id)),
            (stripe::Answer::Customer(customer), true) => match self.stripe.customer(&customer.id).await {
                Ok(now) if now.deleted => Ok(Fact::CustomerMissing),
                Ok(now) => Ok(customer_fact(now.id)),
                Err(error) => convert::read_again(&Call::ReadCustomer { customer_id: customer.id }, &error),
            },
            (stripe::Answer::Invoice(invoice), false) => Ok(Fact::InvoiceRead(convert::invoice(&invoice, &self.scope))),
            (stripe::Answer::Invoice(invoice), true) => match self.invoice_seen(&invoice.id).await {
                Ok(now) => Ok(Fact::InvoiceRead(now)),
                Err(error) => convert::read_again(&Call::ReadInvoice { invoice_id: invoice.id }, &error),
            },
            // What became of the invoice by it is asked.
            (stripe::Answer::CreditNote(note), _) => match self.invoice_seen(&note.invoice).await {
                Ok(seen) => Ok(Fact::InvoiceRead(seen)),
                Err(error) => convert::read_again(&Call::ReadInvoice { invoice_id: note.invoice }, &error),
            },
            // One that a person has taken away since stays away until the account has another.
            (stripe::Answer::TaxIdAdded, _) => Ok(Fact::TaxIdAdded),
            // A price never changes, but for whether it is active; and a subscription of this moment takes none that is not.
            (stripe::Answer::Price(price), _) => Ok(Fact::PriceCreated(convert::price(&price))),
            (stripe::Answer::Subscription(subscription), is_replayed)
                if matches!(call, Call::RenewSubscription(_) | Call::EndSubscription { .. }) =>
            {
                let seen = match is_replayed {
                    false => self.renewable(&subscription).await,
                    true => self.renewable_named(&subscription.id).await,
                };
                let fact = seen.map(|seen| Fact::SubscriptionRenewed(Box::new(seen)));
                fact.or_else(|error| convert::read_again(call, &error))
            }
            (stripe::Answer::Subscription(subscription), false) => {
                let seen = self.subscription_seen(&subscription).await;
                seen.or_else(|error| convert::read_again(call, &error))
            }
            (stripe::Answer::Subscription(subscription), true) => {
                let call = Call::ReadSubscription { subscription_id: subscription.id.clone() };
                let seen = self.read_subscription(&subscription.id).await;
                seen.or_else(|error| convert::read_again(&call, &error))
            }
            (stripe::Answer::Deleted, _) if matches!(call, Call::RemoveTaxId { .. }) => Ok(Fact::TaxIdRemoved),
            (stripe::Answer::Deleted, _) => {
                Err(Pause::backoff("stripe_unknown_outcome", format!("{} was answered by a deletion", call.name())))
            }
        }
    }

    /// Any other call: reads, field updates and reports, all of which can simply be repeated.
    pub(crate) async fn perform(&self, call: &Call, run: &Run, errand: &Errand<'_>) -> Performed {
        let began = self.now();
        let mut error_entry: Option<(&'static str, String, Option<String>)> = None;
        let result = match call.system() {
            "salesforce" => self.ask_salesforce(call, run).await.or_else(|error| {
                error_entry = Some((salesforce_outcome(&error), error.to_string(), None));
                salesforce_failure(call, &error, self.now())
            }),
            "notifier" => Ok(self.tell(call, run).await.unwrap_or_else(|(fact, outcome, why)| {
                error_entry = Some((outcome, why, None));
                fact
            })),
            "queue" => self.report(call, run, errand).await.inspect_err(|pause| {
                error_entry = Some(("unknown", pause.detail.clone(), None));
            }),
            _ => self.ask_stripe(call, run).await.or_else(|error| {
                let request_id = error.request_id().map(str::to_owned);
                error_entry = Some((stripe_outcome(&error), error.to_string(), request_id));
                stripe_failure(call, &error)
            }),
        };
        let result = match result {
            Ok(Fact::RenewableSeen { found, at }) => self.with_settled(found, at).await,
            result => result,
        };
        let mut entry = self.entry(call, began);
        if let Some((outcome, detail, request_id)) = error_entry {
            entry.outcome = outcome.to_owned();
            entry.detail = Some(detail);
            entry.request_id = request_id;
        }
        Performed { result, entry, key: Key::Settled }
    }

    async fn ask_salesforce(&self, call: &Call, run: &Run) -> Result<Fact, salesforce::Error> {
        match call {
            Call::ReadDeal { opportunity_id } => {
                let older = self.rulebook.older(run);
                self.read_deal(opportunity_id, older.as_deref().unwrap_or(&self.settings)).await
            }
            Call::ReadBilling { opportunity_id } => {
                let query = mapping::billing_query(opportunity_id, &self.settings);
                let record = self.ask(&[query]).await?.into_iter().flatten().next();
                Ok(record.map_or(Fact::RecordMissing, Fact::BillingRead))
            }
            Call::ReadPaid { opportunity_id } => {
                let query = mapping::billing_query(opportunity_id, &self.settings);
                let asking = mapping::paid_query(opportunity_id, &self.settings);
                let (answers, unread) = self.ask_for_rules(vec![asking], &[query]).await?;
                let record = answers.into_iter().flatten().next();
                Ok(record.map_or(Fact::RecordMissing, |record| Fact::PaidRead { record, unread }))
            }
            Call::ReadNaming { standing } => self.read_naming(standing).await,
            Call::ReadCase { failure } => self.read_case(failure).await,
            Call::LookUp { search } => self.look_up(search).await,
            Call::ReadNames { opportunity_id } => Ok(self.read_names(opportunity_id.as_ref()).await),
            Call::UpdateRecords { updates } => {
                let (read_back, places) = convert::read_back(updates);
                let answers = self.tell_salesforce(updates, &read_back).await;
                if matches!(answers, Err(salesforce::Error::Refused(_) | salesforce::Error::NotAllowed { .. })) {
                    self.access.doubt();
                }
                let answers = answers?;
                let shown = |place: usize| answers.get(place).and_then(|records| records.first()).cloned();
                Ok(Fact::RecordsUpdated(places.into_iter().map(|place| shown(place).unwrap_or_default()).collect()))
            }
            _ => unreachable_call(call),
        }
    }

    async fn ask_stripe(&self, call: &Call, run: &Run) -> Result<Fact, stripe::Error> {
        match call {
            Call::ReadCustomer { customer_id } => {
                let customer = self.stripe.customer(customer_id).await?;
                Ok(match customer.deleted {
                    true => Fact::CustomerMissing,
                    false => Fact::CustomerRead { customer_id: customer.id, metadata: customer.metadata },
                })
            }
            Call::ReadPaymentMethod { customer_id } => {
                let billing = self.stripe.billing_of_customer(customer_id).await?;
                Ok(match billing.is_deleted {
                    true => Fact::CustomerMissing,
                    false => Fact::PaymentMethodRead { is_any: billing.has_payment_method },
                })
            }
            Call::ReadTaxIds { customer_id } => {
                let tax_ids = self.stripe.tax_ids(customer_id).await?;
                Ok(Fact::TaxIdsRead(tax_ids.into_iter().map(convert::tax_id).collect()))
            }
            Call::ReadInvoice { invoice_id } => Ok(Fact::InvoiceRead(self.invoice_seen(invoice_id).await?)),
            Call::ReadSettlement { invoice_id } => self.settlement(invoice_id).await,
            Call::ReadLines { invoice_id } => {
                let lines = self.stripe.invoice_lines(invoice_id).await?;
                Ok(Fact::LinesRead(lines.iter().map(convert::line).collect()))
            }
            Call::ReadPrices { price_ids } => {
                Ok(Fact::PricesRead(self.stripe.prices(price_ids).await?.iter().map(convert::price).collect()))
            }
            Call::ReadPending { customer_id, currency } => {
                Ok(Fact::PendingRead { is_any: self.anything_waits_for(customer_id, *currency).await? })
            }
            Call::FindPrices { wanted } => {
                let keys: Vec<_> = wanted.iter().map(workflow::AgreedPrice::lookup_key).collect();
                let mut prices = Vec::new();
                for keys in keys.chunks(MOST_KEYS) {
                    prices.extend(self.stripe.prices_by_lookup_key(keys).await?.iter().map(convert::price));
                }
                Ok(Fact::PricesRead(prices))
            }
            Call::ReadSubscription { subscription_id } => self.read_subscription(subscription_id).await,
            Call::ReadStanding { subscription_id } => self.read_standing(subscription_id).await,
            Call::ReadCollecting { invoice_id } => self.read_collecting(invoice_id).await,
            Call::ReadInvoiceStanding { invoice_id } => self.read_invoice_standing(invoice_id).await,
            Call::FindRenewed { customer_id, named } => self.find_renewed(customer_id, named.as_ref()).await,
            Call::PreviewRenewal(extension) => self.preview(extension).await,
            Call::CancelSubscription { subscription_id } => {
                let key = format!("{}:{subscription_id}", run.id);
                self.stripe.write(&stripe::Write::cancel_subscription(subscription_id), &key).await?;
                Ok(Fact::SubscriptionCanceled)
            }
            Call::DeleteDraft { invoice_id } => {
                let key = format!("{}:{invoice_id}", run.id);
                self.stripe.write(&stripe::Write::delete_invoice(invoice_id), &key).await?;
                Ok(Fact::DraftDeleted)
            }
            _ => unreachable_call(call),
        }
    }

    async fn read_subscription(&self, id: &SubscriptionId) -> Result<Fact, stripe::Error> {
        self.subscription_seen(&self.stripe.subscription(id).await?).await
    }

    /// With all of its items, of which an answer shows the first ten; and with its first invoice, which is not the latest any more
    /// once another period has begun.
    pub(crate) async fn subscription_seen(&self, seen: &stripe::Subscription) -> Result<Fact, stripe::Error> {
        let items = match seen.has_more_items {
            false => seen.items.clone(),
            true => self.stripe.subscription_items(&seen.id).await?,
        };
        let first = match (seen.latest_invoice.as_deref(), &seen.customer) {
            (Some(latest), Some(customer)) if !seen.has_begun_with(latest) => {
                let mut all = self.stripe.invoices_of_customer(customer, seen.created).await?;
                all.retain(|invoice| invoice.subscription.as_ref() == Some(&seen.id));
                all.into_iter().min_by_key(|invoice| (invoice.created, invoice.id.clone()))
            }
            (latest, _) => latest.cloned(),
        };
        let seen = convert::subscription(seen, &items, first.as_ref(), &self.scope);
        Ok(Fact::SubscriptionRead(Box::new(seen)))
    }

    async fn report(&self, call: &Call, run: &Run, errand: &Errand<'_>) -> Result<Fact, Pause> {
        let Call::Report { stop } = call else {
            return unreachable_call(call);
        };
        if planted!(SwallowsReports) {
            return Ok(Fact::Reported);
        }
        let parked = convert::parked(stop, &run.id.to_string(), self.now());
        let of_account = self.of_account(&run.id);
        let sent = self.reporter.park(of_account.as_ref().unwrap_or(errand.envelope), parked).await;
        sent.map(|()| Fact::Reported).map_err(|error| Pause::backoff("queue_unavailable", error))
    }

    /// What was looked for instead of being sent again, and found.
    pub(crate) fn adopted(&self, call: &Call, fact: &Fact) -> CallEntry {
        let is_to_be_asked_anew =
            matches!(fact, Fact::SubscriptionNotBegun | Fact::SubscriptionNotRenewed | Fact::InvoiceNotVoided);
        let outcome = if is_to_be_asked_anew { "not_found" } else { "adopted" }.to_owned();
        CallEntry { outcome, detail: made(fact), ..self.entry(call, self.now()) }
    }

    fn entry(&self, call: &Call, began: Timestamp) -> CallEntry {
        CallEntry {
            at: began,
            system: call.system().to_owned(),
            call: call.name().to_owned(),
            target: call.target(),
            idempotency_key: None,
            outcome: "ok".to_owned(),
            detail: None,
            request_id: None,
            duration_ms: i64::try_from(self.now().duration_since(began).as_millis()).unwrap_or(i64::MAX),
        }
    }
}

fn unreachable_call<T>(call: &Call) -> T {
    unreachable!("{} goes another way", call.name())
}

fn stripe_operation(operation: Operation) -> stripe::Operation {
    match operation {
        Operation::CreateCustomer => stripe::Operation::CreateCustomer,
        Operation::UpdateCustomer => stripe::Operation::UpdateCustomer,
        Operation::AddTaxId => stripe::Operation::AddTaxId,
        Operation::RemoveTaxId => stripe::Operation::RemoveTaxId,
        Operation::CreateInvoice => stripe::Operation::CreateInvoice,
        Operation::AddLines { .. } | Operation::CorrectLines { .. } => stripe::Operation::AddLines,
        Operation::SendInvoice => stripe::Operation::SendInvoice,
        Operation::VoidInvoice => stripe::Operation::VoidInvoice,
        Operation::CreditInvoice => stripe::Operation::CreateCreditNote,
        Operation::CreatePrice { .. } => stripe::Operation::CreatePrice,
        Operation::CreateSubscription => stripe::Operation::CreateSubscription,
        Operation::HoldInvoice => stripe::Operation::HoldInvoice,
        Operation::DisarmInvoice => stripe::Operation::DisarmInvoice,
        Operation::RenewSubscription => stripe::Operation::RenewSubscription,
        Operation::EndSubscription => stripe::Operation::EndSubscription,
    }
}

/// What becomes of a key whose request failed so; `is_answer` says that the failure is an answer and will stay one.
fn key_after(error: &stripe::Error, is_answer: bool) -> Key {
    match error {
        // One key with two bodies: somebody has to look first, and so do we before anything else is sent.
        stripe::Error::IdempotencyMismatch { .. } => Key::Open { is_spent: true, is_ambiguous: true },
        _ if is_answer => Key::Retired,
        stripe::Error::Unknown { .. } if planted!(NewKeyForUnknown) => Key::Retired,
        stripe::Error::Unknown { replayed, .. } => Key::Open { is_spent: *replayed, is_ambiguous: !replayed },
        _ => Key::Open { is_spent: false, is_ambiguous: false },
    }
}

/// What is known of a credit note afterwards is its invoice; who looks for it looks for its own id.
fn note_made(answer: &stripe::Answer) -> Option<String> {
    match answer {
        stripe::Answer::CreditNote(note) => Some(note.id.clone()),
        _ => None,
    }
}

/// The object that a call made or changed, by its id: what the call is about was not known before.
fn made(fact: &Fact) -> Option<String> {
    match fact {
        Fact::CustomerCreated { customer_id } | Fact::CustomerFound { customer_id } => Some(customer_id.to_string()),
        Fact::InvoiceRead(seen) => Some(seen.invoice_id.to_string()),
        Fact::PriceCreated(seen) => Some(seen.price_id.to_string()),
        Fact::SubscriptionRenewed(seen) => Some(seen.subscription_id.to_string()),
        // Its invoice is what the deal is settled on, so both are named.
        Fact::SubscriptionRead(seen) => {
            let invoice = seen.invoice.as_ref().map(|invoice| format!(" {}", invoice.invoice_id)).unwrap_or_default();
            Some(format!("{}{invoice}", seen.subscription_id))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
