use super::*;

const DAY: i64 = 24 * 60;

/// The types of what was told since the last call, and when.
fn told(stripe: &mut Stripe) -> Vec<(&'static str, Timestamp)> {
    stripe.take_events().iter().map(|event| (event.type_name(), event.at)).collect()
}

fn sent(stripe: &mut Stripe) -> InvoiceId {
    stripe.payments_fail = true;
    stripe.overdue_after = Some(SignedDuration::from_hours(2));
    let draft = with_draft(stripe);
    invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    assert_eq!(told(stripe), [("invoice.finalized", at(1))]);
    draft.id
}

/// Within thirty days of when it was sent; Stripe tells of it two hours later, and of what is paid by then not at all.
#[test]
fn what_is_not_paid_by_its_day_is_overdue() {
    let mut stripe = stripe();
    let id = sent(&mut stripe);
    let due_at = at(30 * DAY + 1);
    assert_eq!(stripe.invoice_standing(at(2), &id).map(|seen| seen.due_at), Ok(Some(due_at)));
    assert_eq!(stripe.collecting(at(30 * DAY + 120), &id).map(|seen| seen.due_at), Ok(Some(due_at)));
    assert!(told(&mut stripe).is_empty() && stripe.failures().next().is_none());
    stripe.catch_up(at(30 * DAY + 200));
    let told_at = at(30 * DAY + 121);
    assert_eq!(told(&mut stripe), [("invoice.overdue", told_at)]);
    assert_eq!(stripe.told_of_standing(&id, told_at), Some(told_at));
    assert_eq!(
        stripe.failures().map(|(_, failures)| (failures.first, failures.count)).collect::<Vec<_>>(),
        [(told_at, 0)]
    );
    let mut paid = super::stripe();
    let id = sent(&mut paid);
    assert!(paid.pay(at(5), &id));
    paid.catch_up(at(40 * DAY));
    assert_eq!(told(&mut paid), [("invoice.paid", at(5))]);
}

#[test]
fn what_is_paid_can_be_disputed_once_and_is_not_given_back_then() {
    let mut stripe = stripe();
    let id = sent(&mut stripe);
    assert!(!stripe.dispute_payment(at(2), &id) && stripe.pay(at(3), &id));
    assert!(stripe.dispute_payment(at(4), &id) && !stripe.dispute_payment(at(5), &id) && !stripe.refund(at(5), &id));
    assert_eq!(told(&mut stripe), [("invoice.paid", at(3)), ("charge.dispute.created", at(4))]);
    let dispute = stripe.dispute(&dispute_of(&id)).expect("it is there");
    assert_eq!((dispute.invoices, dispute.needs_response), (vec![id.clone()], true));
    assert!(stripe.invoice_standing(at(6), &id).expect("it is there").is_disputed);
    let other = dispute_of(&InvoiceId::parse("in_9").expect("valid"));
    assert_eq!(refusal(stripe.dispute(&other)).0, 404);
}
