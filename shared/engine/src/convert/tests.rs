use domain::{AccountId, BillingEmail, Currency, CustomerId, InvoiceId, Money, OpportunityId};
use mapping::CustomerDetails;
use stripe::{NoEffectReason, UnknownReason};

use super::*;

fn refusal(status: u16, code: Option<&str>, param: Option<&str>) -> stripe::Error {
    stripe::Error::Refused(stripe::Refusal {
        status,
        error_type: None,
        code: code.map(str::to_owned),
        param: param.map(str::to_owned),
        decline_code: None,
        message: "No such thing".into(),
        request_id: None,
    })
}

fn calls() -> Vec<Call> {
    let invoice_id = || InvoiceId::parse("in_1").expect("valid");
    let customer_id = || CustomerId::parse("cus_1").expect("valid");
    let currency = Currency::parse("EUR").expect("valid");
    let email = BillingEmail::parse("ap@acme.example").expect("valid");
    let details = CustomerDetails::new("Acme".into(), email);
    vec![
        Call::CreateCustomer { account_id: AccountId::parse("001000000000001AAA").expect("valid"), details },
        Call::CreateInvoice {
            opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid"),
            customer_id: customer_id(),
            currency,
            days_until_due: 30,
            automatic_tax: false,
            is_charged: false,
        },
        Call::ReadCustomer { customer_id: customer_id() },
        Call::DeleteDraft { invoice_id: invoice_id() },
        Call::ReadInvoice { invoice_id: invoice_id() },
        Call::ReadLines { invoice_id: invoice_id() },
        Call::AddLines { invoice_id: invoice_id(), batch: 0, lines: vec![] },
        Call::SendInvoice {
            invoice_id: invoice_id(),
            total: Money::from_minor_units(1, currency),
            is_approved: false,
            is_charged: false,
        },
    ]
}

fn facts(error: &stripe::Error) -> Vec<&'static str> {
    calls().iter().map(|call| stripe_failure(call, error).expect("a fact").name()).collect()
}

/// The object that the call is about is gone. One that it only names may be wrong, which is a refusal.
#[test]
fn what_a_call_is_about_may_be_missing() {
    let gone = refusal(404, Some("resource_missing"), Some("id"));
    assert_eq!(
        facts(&gone),
        [
            "refused",
            "refused",
            "customer_missing",
            "draft_deleted",
            "invoice_missing",
            "invoice_missing",
            "invoice_missing",
            "invoice_missing",
        ]
    );
    // A price of a line.
    assert_eq!(facts(&refusal(404, Some("resource_missing"), Some("lines[0][pricing][price]"))), ["refused"; 8]);
    // A customer that an invoice is for is a parameter of it.
    let customer = facts(&refusal(400, Some("resource_missing"), Some("customer")));
    assert_eq!(customer[1], "customer_missing");
    assert!(customer.iter().enumerate().all(|(index, fact)| index == 1 || *fact == "refused"), "{customer:?}");
    for (code, param) in
        [(Some("resource_missing"), Some("currency")), (Some("email_invalid"), Some("customer")), (None, None)]
    {
        assert_eq!(facts(&refusal(400, code, param)), ["refused"; 8]);
    }
}

/// What was to go and is not there is gone.
#[test]
fn what_was_to_be_taken_away_may_be_gone() {
    let gone = refusal(404, Some("resource_missing"), Some("id"));
    let customer_id = || CustomerId::parse("cus_1").expect("valid");
    let subscription_id = domain::SubscriptionId::parse("sub_1").expect("valid");
    let tax_id = domain::TaxIdId::parse("txi_1").expect("valid");
    for (call, expected) in [
        (Call::CancelSubscription { subscription_id }, "subscription_canceled"),
        (Call::RemoveTaxId { customer_id: customer_id(), tax_id }, "tax_id_removed"),
        (Call::ReadTaxIds { customer_id: customer_id() }, "customer_missing"),
    ] {
        assert_eq!(stripe_failure(&call, &gone).expect("a fact").name(), expected);
    }
}

/// What a person can mend has a code of its own, and says where.
#[test]
fn a_refusal_that_a_person_can_mend_says_where() {
    let refused = |code: Option<&str>, message: &str| {
        let stripe::Error::Refused(refusal) = refusal(400, code, None) else { unreachable!() };
        let error = stripe::Error::Refused(stripe::Refusal { message: message.into(), ..refusal });
        let Ok(Fact::Refused(why)) = stripe_failure(&calls()[1], &error) else { panic!("a refusal") };
        (why.stop.code, why.stop.message.split(':').next().unwrap_or_default().to_owned())
    };
    let combined = "You cannot combine currencies on a single customer. This customer has an active subscription.";
    for (code, message, expected, says) in [
        (Some("customer_tax_location_invalid"), "No", Code::TaxLocationUnknown, "Stripe refused create_invoice"),
        (
            Some("tax_id_invalid"),
            "No",
            Code::TaxIdInvalid,
            "Correct Tax Id or Tax Id Type on the account. Stripe refused create_invoice",
        ),
        (
            Some("tax_id_prohibited"),
            "No",
            Code::TaxIdInvalid,
            "Correct Tax Id or Tax Id Type on the account. Stripe refused create_invoice",
        ),
        (
            None,
            combined,
            Code::CurrenciesCombined,
            "Something is active for the Stripe customer in another currency, and Stripe takes one at a time",
        ),
        (None, "No", Code::StripeRefused, "Stripe refused create_invoice"),
    ] {
        assert_eq!(refused(code, message), (expected, says.to_owned()), "{code:?}");
    }
}

#[test]
fn a_refusal_says_what_was_refused_and_why() {
    let [call, ..] = &calls()[..] else { unreachable!() };
    let Ok(Fact::Refused(why)) = stripe_failure(call, &refusal(400, Some("email_invalid"), Some("email"))) else {
        panic!("a refusal")
    };
    assert_eq!(why.stop.code, Code::StripeRefused);
    assert_eq!(why.stop.kind, mapping::Kind::Refused);
    assert_eq!(
        why.stop.message,
        "Stripe refused create_customer: No such thing (status 400, code email_invalid, parameter email)."
    );
    let mismatch = stripe::Error::IdempotencyMismatch { request_id: None };
    let Ok(Fact::Refused(why)) = stripe_failure(call, &mismatch) else { panic!("a refusal") };
    assert_eq!((why.stop.code, why.stop.kind), (Code::StripeIdempotencyMismatch, mapping::Kind::Review));
}

/// What may have happened, or did not, is no fact: it is asked again.
#[test]
fn what_says_nothing_is_asked_again() {
    let busy = stripe::Error::NoEffect { reason: NoEffectReason::LockTimeout, request_id: None };
    let unknown = stripe::Error::Unknown { reason: UnknownReason::Timeout, replayed: false, request_id: None };
    let barred = stripe::Error::NotAllowed { status: 401, permission: None, request_id: None };
    for (error, code) in [(busy, "stripe_busy"), (unknown, "stripe_unknown_outcome"), (barred, "stripe_not_allowed")] {
        for call in calls() {
            let pause = stripe_failure(&call, &error).expect_err("no fact");
            assert_eq!((pause.code, pause.pace), (code, Pace::Backoff), "{}", call.name());
        }
    }
    let refused = refusal(400, None, None);
    assert_eq!(read_again(&calls()[4], &refused).expect_err("no fact").code, "stripe_refused", "it says nothing of it");
    assert_eq!(read_again(&calls()[4], &refusal(404, None, None)).expect("a fact").name(), "invoice_missing");
}

#[test]
fn salesforce_refuses_or_is_asked_again() {
    let now = Timestamp::UNIX_EPOCH;
    let call = Call::ReadDeal { opportunity_id: OpportunityId::parse("006000000000001AAA").expect("valid") };
    let refusal = salesforce::Refusal {
        status: 400,
        error_code: "INVALID_FIELD".into(),
        message: "No such column".into(),
        fields: vec![],
    };
    let Ok(Fact::Refused(why)) = salesforce_failure(&call, &salesforce::Error::Refused(refusal), now) else {
        panic!("a refusal")
    };
    assert_eq!(why.stop.code, Code::SalesforceRefused);
    assert_eq!(why.stop.message, "Salesforce refused read_deal: No such column (INVALID_FIELD).");
    let code = || "X".to_owned();
    let half_an_hour = now.saturating_add(LIMIT_PAUSE).expect("in range");
    for (error, expected, pace) in [
        (
            salesforce::Error::NotAllowed { error_code: code(), message: code() },
            "salesforce_not_allowed",
            Pace::Backoff,
        ),
        (
            salesforce::Error::LimitReached { error_code: code() },
            "salesforce_limit_reached",
            Pace::NotBefore(half_an_hour),
        ),
        (salesforce::Error::Busy { error_code: code() }, "salesforce_busy", Pace::Backoff),
        (salesforce::Error::Unknown { reason: code() }, "salesforce_unknown_outcome", Pace::Backoff),
    ] {
        let pause = salesforce_failure(&call, &error, now).expect_err("no fact");
        assert_eq!((pause.code, pause.pace), (expected, pace));
    }
}

/// A contract that may not be edited says no to that write alone: the deal's own record is written without it. Anything else that does not let
/// us in is the operator's business.
#[test]
fn a_contract_that_may_not_be_edited_is_a_refusal() {
    let now = Timestamp::UNIX_EPOCH;
    let of = |object: &'static str| Call::UpdateRecords {
        updates: vec![mapping::Update {
            external_id: None,
            only_where: vec![],
            object,
            id: "800000000000001AAA".into(),
            fields: Default::default(),
            also_read: vec![],
        }],
    };
    let no_access = |code: &str| salesforce::Error::NotAllowed { error_code: code.into(), message: "no".into() };
    let code = "INSUFFICIENT_ACCESS_OR_READONLY";
    assert!(matches!(salesforce_failure(&of("Contract"), &no_access(code), now), Ok(Fact::Refused(_))));
    assert!(salesforce_failure(&of("Opportunity"), &no_access(code), now).is_err());
    assert!(salesforce_failure(&of("Contract"), &no_access("INVALID_SESSION_ID"), now).is_err());
}

/// Its way out is another one: a field to fill in, and not a talk with Stripe.
#[test]
fn a_place_that_stripe_cannot_tax_is_told_apart_from_any_other_refusal() {
    let code_of = |code: Option<&str>| match stripe_failure(&calls()[0], &refusal(400, code, Some("tax[ip_address]"))) {
        Ok(Fact::Refused(refusal)) => refusal.stop.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code_of(Some("customer_tax_location_invalid")), Code::TaxLocationUnknown);
    assert_eq!(code_of(Some("parameter_invalid_empty")), Code::StripeRefused);
    assert_eq!(code_of(None), Code::StripeRefused);
}

#[test]
fn tax_is_read_with_both_its_sums_and_how_far_it_has_come() {
    for (status, expected) in [
        (None, TaxStatus::Off),
        (Some(stripe::TaxStatus::Complete), TaxStatus::Complete),
        (Some(stripe::TaxStatus::RequiresLocationInputs), TaxStatus::LocationMissing),
        (Some(stripe::TaxStatus::Failed), TaxStatus::Failed),
        (Some(stripe::TaxStatus::Other), TaxStatus::Failed),
    ] {
        let seen = tax(&stripe::Tax { on_top: 19, inside: 7, status });
        assert_eq!((seen.on_top, seen.inside, seen.status), (19, 7, expected));
    }
}

/// Who renewed it last, and for which day, is what keeps two deals from renewing it for the same term, and finds a renewal that the ledger
/// has forgotten.
#[test]
fn a_subscription_says_who_renewed_it_and_from_when() {
    let scope = crate::samples::scope();
    let with = |metadata: &[(&str, &str)]| {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        crate::samples::subscription("sub_1", metadata.collect())
    };
    let said = |metadata: &[(&str, &str)]| {
        let seen = renewable(&with(metadata), &[], &scope);
        let of_its_own = subscription(&with(metadata), &[], None, &scope);
        assert_eq!(of_its_own.renewed_from, seen.renewed_from);
        let day = seen.renewed_from.map(|day| day.to_string());
        (seen.renewed_for.map(|id| id.to_string()), day, seen.begun_by)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(said(&[]), (None, None, None));
    let renewed = [(RENEWED_FOR, "006000000000002AAA"), (RENEWED_FROM, "2027-03-01"), ("closedwon_run", "run#1")];
    assert_eq!(said(&renewed), (text("006000000000002AAA"), text("2027-03-01"), text("run#1")));
    assert_eq!(said(&[(RENEWED_FOR, "somebody"), (RENEWED_FROM, "soon")]), (None, None, None));
}
