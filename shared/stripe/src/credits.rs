//! Credit notes, and what became of the money of a paid invoice.

use std::collections::BTreeMap;

use domain::{CustomerId, InvoiceId, InvoicePaymentId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::lines::InvoiceLine;
use crate::objects::{Expandable, Expanded, HasId};
use crate::reads::unreadable;
use crate::{Client, Operation, Write};

/// A note over all lines of an invoice. It takes what is still due first, and what was paid goes to the customer's balance: "A credit note will
/// first reduce the invoice's amount_remaining (and amount_due), but not below zero": api/credit_notes/create.
pub struct CreateCreditNote {
    pub invoice: InvoiceId,
    /// Minor units: what was paid. Stripe refuses a note that gives back anything else.
    pub credit_amount: i64,
    pub lines: Vec<CreditedLine>,
    pub metadata: BTreeMap<String, String>,
}

pub struct CreditedLine {
    /// Of the invoice.
    pub id: String,
    pub share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Quantity(i64),
    /// Minor units. "If invoice is set up with automatic_tax[enabled]=true, this amount is tax exclusive": api/credit_notes/create.
    Amount(i64),
}

impl Write {
    /// There is no draft of it, and no way back once the invoice is paid. The customer gets it by e-mail, as Stripe's settings say.
    pub fn create_credit_note(params: &CreateCreditNote) -> Self {
        let line = |line: &CreditedLine| {
            let (quantity, amount) = match line.share {
                Share::Quantity(quantity) => (Some(quantity), None),
                Share::Amount(amount) => (None, Some(amount)),
            };
            json!({
                "type": "invoice_line_item",
                "invoice_line_item": line.id,
                "quantity": quantity,
                "amount": amount,
            })
        };
        let params = json!({
            "invoice": params.invoice.as_str(),
            "lines": params.lines.iter().map(line).collect::<Vec<Value>>(),
            "credit_amount": params.credit_amount,
            "reason": "order_change",
            "metadata": params.metadata,
        });
        Self::new(Operation::CreateCreditNote, "/v1/credit_notes".into(), &params)
    }
}

/// A credit note, as far as it says whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    pub id: String,
    pub invoice: InvoiceId,
    /// A void one does not count.
    pub is_issued: bool,
    /// Minor units, its tax included: what it took of what was still due, and what it gave back of what was paid.
    pub amount: i64,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(crate) struct CreditNoteWire {
    id: String,
    invoice: Expandable,
    status: String,
    amount: i64,
    metadata: Option<BTreeMap<String, String>>,
}

impl HasId for CreditNoteWire {
    fn id(&self) -> &str {
        &self.id
    }
}

impl CreditNoteWire {
    pub(crate) fn into_note(self) -> Option<CreditNote> {
        Some(CreditNote {
            id: self.id,
            invoice: InvoiceId::parse(&self.invoice.into_id()).ok()?,
            is_issued: self.status == "issued",
            amount: self.amount,
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

/// A payment, by what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoicePayment {
    pub invoice_id: InvoiceId,
    /// Nothing of its invoice is left to be paid.
    pub is_whole: bool,
}

#[derive(Deserialize)]
struct OfInvoice {
    id: String,
    invoice: Expanded<InvoiceOfPayment>,
}

#[derive(Deserialize)]
struct InvoiceOfPayment {
    id: String,
    status: Option<String>,
}

/// What became of a payment of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyIn {
    Kept,
    Refunded,
    Disputed,
    /// It may come, or fail: a bank takes days.
    UnderWay,
    /// By a way that does not say.
    Unknown,
}

/// A payment of an invoice, with its charge.
#[derive(Deserialize)]
pub(crate) struct PaymentWire {
    id: String,
    status: String,
    amount_paid: Option<i64>,
    payment: HowPaid,
}

impl HasId for PaymentWire {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Deserialize)]
struct HowPaid {
    payment_intent: Option<Expanded<PaymentIntentWire>>,
}

#[derive(Deserialize)]
struct PaymentIntentWire {
    status: Option<String>,
    latest_charge: Option<Expanded<ChargeWire>>,
}

#[derive(Deserialize)]
pub(crate) struct ChargeWire {
    pub(crate) amount_refunded: i64,
    pub(crate) disputed: bool,
}

impl PaymentWire {
    /// Of one that came in. A charge may pay several invoices, and more than they come to: of this one no more goes back than it brought in.
    pub(crate) fn charge(self) -> Option<ChargeWire> {
        let charge = Some(self.payment).filter(|_| self.status == "paid")?.charge()?;
        let most = self.amount_paid.unwrap_or(i64::MAX);
        Some(ChargeWire { amount_refunded: charge.amount_refunded.min(most), ..charge })
    }
}

impl HowPaid {
    fn charge(self) -> Option<ChargeWire> {
        self.payment_intent?.object()?.latest_charge?.object()
    }

    /// Of one that is open: whether a bank is to answer for it.
    fn under_way(self) -> Option<MoneyIn> {
        let intent = self.payment_intent.and_then(Expanded::object);
        let status = intent.and_then(|intent| intent.status);
        (status.as_deref() == Some("processing")).then_some(MoneyIn::UnderWay)
    }

    fn money(self) -> MoneyIn {
        match self.charge() {
            None => MoneyIn::Unknown,
            Some(charge) if charge.disputed => MoneyIn::Disputed,
            Some(charge) if charge.amount_refunded != 0 => MoneyIn::Refunded,
            Some(_) => MoneyIn::Kept,
        }
    }
}

/// Expanding goes four levels deep at most: api/expanding_objects.
const WITH_CHARGES: (&str, &str) = ("expand[]", "data.payment.payment_intent.latest_charge");

impl Client {
    /// What became of each payment that the invoice was paid by, and of what is under way. One that was paid by nothing but a balance, or outside of Stripe, has none.
    pub async fn money_of_invoice(&self, id: &InvoiceId) -> Result<Vec<MoneyIn>, Error> {
        let payments = self.payments_of_invoice(id).await?;
        let money = payments.into_iter().filter_map(|payment| match payment.status.as_str() {
            "paid" => Some(payment.payment.money()),
            "open" => payment.payment.under_way(),
            _ => None,
        });
        Ok(money.collect())
    }

    pub(crate) async fn payments_of_invoice(&self, id: &InvoiceId) -> Result<Vec<PaymentWire>, Error> {
        self.list("/v1/invoice_payments", &[("invoice", id.as_str()), WITH_CHARGES]).await
    }

    /// What a payment came in for.
    pub async fn invoice_payment(&self, id: &InvoicePaymentId) -> Result<InvoicePayment, Error> {
        let wire: OfInvoice = self.get(&format!("/v1/invoice_payments/{id}"), "expand[]=invoice").await?;
        let invoice = wire.invoice.object().filter(|_| wire.id == id.as_str()).ok_or_else(|| unreadable(()))?;
        let invoice_id = InvoiceId::parse(&invoice.id).map_err(unreadable)?;
        Ok(InvoicePayment { invoice_id, is_whole: invoice.status.as_deref() == Some("paid") })
    }

    /// Every one, void ones too.
    pub async fn credit_notes_of_invoice(&self, id: &InvoiceId) -> Result<Vec<CreditNote>, Error> {
        let notes: Vec<CreditNoteWire> = self.list("/v1/credit_notes", &[("invoice", id.as_str())]).await?;
        let read: Option<Vec<_>> = notes.into_iter().map(CreditNoteWire::into_note).collect();
        read.ok_or_else(|| unreadable(()))
    }

    pub async fn billing_of_customer(&self, id: &CustomerId) -> Result<CustomerBilling, Error> {
        let wire: BillingWire = self.get(&format!("/v1/customers/{id}"), "").await?;
        let of_invoices = wire.invoice_settings.and_then(|settings| settings.default_payment_method);
        Ok(CustomerBilling {
            is_deleted: wire.deleted,
            currency: wire.currency,
            has_payment_method: of_invoices.is_some() || wire.default_source.is_some(),
        })
    }
}

/// What a customer is billed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerBilling {
    pub is_deleted: bool,
    /// In which its balance is: that of the first thing that was billed to it.
    pub currency: Option<String>,
    /// One that Stripe charges when nobody says which.
    pub has_payment_method: bool,
}

#[derive(Deserialize)]
struct BillingWire {
    #[serde(default)]
    deleted: bool,
    currency: Option<String>,
    default_source: Option<Expandable>,
    invoice_settings: Option<InvoiceSettingsWire>,
}

#[derive(Deserialize)]
struct InvoiceSettingsWire {
    default_payment_method: Option<Expandable>,
}

impl InvoiceLine {
    /// All of it, as a credit note takes it. A line that takes something off the invoice cannot be credited.
    pub fn whole(&self) -> Option<CreditedLine> {
        let share = match self.quantity {
            Some(quantity) if quantity.is_integer() && quantity > Decimal::ZERO => {
                Share::Quantity(i64::try_from(quantity).ok()?)
            }
            _ => Share::Amount(self.amount - self.tax_inside),
        };
        (self.amount > 0).then(|| CreditedLine { id: self.id.clone(), share })
    }
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    #[test]
    fn a_note_credits_lines_of_the_invoice_by_number_or_by_amount() {
        let line = |id: &str, share| CreditedLine { id: id.to_owned(), share };
        let write = Write::create_credit_note(&CreateCreditNote {
            invoice: InvoiceId::parse("in_1").expect("valid"),
            credit_amount: 11_000,
            lines: vec![line("il_1", Share::Quantity(2)), line("il_2", Share::Amount(1050))],
            metadata: [("closedwon_run".to_owned(), "r".to_owned())].into(),
        });
        assert_eq!((write.operation, write.path.as_str()), (Operation::CreateCreditNote, "/v1/credit_notes"));
        let sent: Vec<_> = form_urlencoded::parse(write.body.as_bytes()).into_owned().collect();
        let expected = [
            ("invoice", "in_1"),
            ("lines[0][type]", "invoice_line_item"),
            ("lines[0][invoice_line_item]", "il_1"),
            ("lines[0][quantity]", "2"),
            ("lines[1][type]", "invoice_line_item"),
            ("lines[1][invoice_line_item]", "il_2"),
            ("lines[1][amount]", "1050"),
            ("credit_amount", "11000"),
            ("reason", "order_change"),
            ("metadata[closedwon_run]", "r"),
        ];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_became_of_a_payment_is_told_by_its_charge() {
        let money = |payment: &str| serde_json::from_str::<HowPaid>(payment).expect("readable").money();
        let charged = |refunded: i64, disputed: bool| {
            format!(
                r#"{{"type":"payment_intent","payment_intent":{{"id":"pi_1","latest_charge":{{"id":"ch_1","amount_refunded":{refunded},"disputed":{disputed}}}}}}}"#
            )
        };
        for (payment, expected) in [
            (charged(0, false), MoneyIn::Kept),
            (charged(1, false), MoneyIn::Refunded),
            (charged(0, true), MoneyIn::Disputed),
            (charged(1, true), MoneyIn::Disputed),
            (
                r#"{"type":"payment_intent","payment_intent":{"id":"pi_1","latest_charge":null}}"#.into(),
                MoneyIn::Unknown,
            ),
            (
                r#"{"type":"payment_intent","payment_intent":{"id":"pi_1","latest_charge":"ch_1"}}"#.into(),
                MoneyIn::Unknown,
            ),
            (r#"{"type":"payment_intent","payment_intent":"pi_1"}"#.into(), MoneyIn::Unknown),
            (r#"{"type":"payment_record","payment_record":"pr_1"}"#.into(), MoneyIn::Unknown),
            (r#"{"type":"charge","charge":"ch_1"}"#.into(), MoneyIn::Unknown),
        ] {
            assert_eq!(money(&payment), expected, "{payment}");
        }
    }

    #[test]
    fn a_note_says_whether_it_counts() {
        let read = |json: &str| serde_json::from_str::<CreditNoteWire>(json).expect("readable").into_note();
        let note = read(r#"{"id":"cn_1","invoice":"in_1","status":"issued","amount":500,"metadata":{"a":"b"}}"#);
        let note = note.expect("a note");
        assert_eq!((note.id.as_str(), note.invoice.as_str(), note.amount), ("cn_1", "in_1", 500));
        assert!(note.is_issued && note.metadata["a"] == "b");
        let void = read(r#"{"id":"cn_1","invoice":{"id":"in_1"},"status":"void","amount":0,"metadata":null}"#);
        assert!(!void.expect("a note").is_issued);
        assert_eq!(read(r#"{"id":"cn_1","invoice":"","status":"issued","amount":1,"metadata":null}"#), None);
    }

    #[test]
    fn a_line_is_credited_as_a_whole_and_without_its_tax() {
        let line = |amount, quantity: Option<&str>, tax_inside| InvoiceLine {
            id: "il_1".into(),
            amount,
            currency: Currency::parse("EUR").expect("valid"),
            quantity: quantity.map(|quantity| quantity.parse().expect("a number")),
            tax_inside,
            metadata: BTreeMap::new(),
            price: None,
            product: None,
            subscription_item: None,
            period_start: None,
        };
        for (line, expected) in [
            (line(1000, Some("2"), 0), Some(Share::Quantity(2))),
            (line(1190, Some("2"), 190), Some(Share::Quantity(2))),
            (line(1000, Some("2.5"), 0), Some(Share::Amount(1000))),
            (line(1190, Some("2.5"), 190), Some(Share::Amount(1000))),
            (line(1000, None, 0), Some(Share::Amount(1000))),
            (line(1000, Some("0"), 0), Some(Share::Amount(1000))),
            (line(-1000, Some("1"), 0), None),
            (line(0, Some("1"), 0), None),
        ] {
            let whole = line.whole();
            assert_eq!(whole.as_ref().map(|whole| whole.share), expected, "{line:?}");
            assert!(whole.is_none_or(|whole| whole.id == "il_1"));
        }
    }
}
