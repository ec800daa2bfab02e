use mapping::Code;

use super::*;

/// What a call is called, where it goes, what it is about, and whether a key protects it.
#[test]
fn what_is_said_of_a_call() {
    let opportunity_id = OpportunityId::parse("006000000000001AAA").expect("valid");
    let account_id = AccountId::parse("001000000000001AAA").expect("valid");
    let customer_id = CustomerId::parse("cus_1").expect("valid");
    let invoice_id = InvoiceId::parse("in_1").expect("valid");
    let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
    let details = CustomerDetails::new("Acme".into(), email);
    let currency = Currency::parse("EUR").expect("valid");
    let total = Money::from_minor_units(1000, currency);
    let (on, invoice, customer) = (Some("006000000000001AAA"), Some("in_1"), Some("cus_1"));
    for (call, name, system, target, operation, is_write) in [
        (Call::ReadDeal { opportunity_id: opportunity_id.clone() }, "read_deal", "salesforce", on, None, false),
        (Call::ReadBilling { opportunity_id: opportunity_id.clone() }, "read_billing", "salesforce", on, None, false),
        (
            Call::UpdateRecords { updates: vec![mapping::no_note(&opportunity_id)] },
            "update_records",
            "salesforce",
            on,
            None,
            true,
        ),
        (Call::ReadCustomer { customer_id: customer_id.clone() }, "read_customer", "stripe", customer, None, false),
        (
            Call::CreateCustomer { account_id, details },
            "create_customer",
            "stripe",
            Some("001000000000001AAA"),
            Some(Operation::CreateCustomer),
            true,
        ),
        (
            Call::CreateInvoice {
                opportunity_id,
                customer_id,
                currency,
                days_until_due: 30,
                automatic_tax: false,
                is_charged: false,
            },
            "create_invoice",
            "stripe",
            customer,
            Some(Operation::CreateInvoice),
            true,
        ),
        (
            Call::AddLines { invoice_id: invoice_id.clone(), batch: 1, lines: vec![] },
            "add_lines",
            "stripe",
            invoice,
            Some(Operation::AddLines { batch: 1 }),
            true,
        ),
        (Call::ReadInvoice { invoice_id: invoice_id.clone() }, "read_invoice", "stripe", invoice, None, false),
        (Call::ReadLines { invoice_id: invoice_id.clone() }, "read_lines", "stripe", invoice, None, false),
        (
            Call::SendInvoice { invoice_id: invoice_id.clone(), total, is_approved: false, is_charged: false },
            "send_invoice",
            "stripe",
            invoice,
            Some(Operation::SendInvoice),
            true,
        ),
        (Call::DeleteDraft { invoice_id }, "delete_draft", "stripe", invoice, None, true),
        (Call::Report { stop: Stop::refused(Code::NoLines, ".") }, "report", "queue", None, None, true),
    ] {
        assert_eq!((call.name(), call.system(), call.target().as_deref()), (name, system, target));
        assert_eq!((call.operation(), call.is_write()), (operation, is_write), "{name}");
    }
}
