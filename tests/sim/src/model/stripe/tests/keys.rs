use super::*;

#[test]
fn a_key_gives_its_first_answer_for_a_day() {
    let mut stripe = stripe();
    let first = stripe.write(at(0), &customer_for("001"), "key").expect("made");
    assert!(!first.replayed);
    for minutes in [1, 23 * 60] {
        let again = stripe.write(at(minutes), &customer_for("001"), "key").expect("replayed");
        assert_eq!((again.replayed, again.answer), (true, first.answer.clone()), "after {minutes} minutes");
    }
    assert_eq!(stripe.customers().count(), 1);
    let forgotten = stripe.write(at(24 * 60), &customer_for("001"), "key").expect("made anew");
    assert!(!forgotten.replayed);
    assert_eq!(stripe.customers().count(), 2);
    assert_eq!(stripe.facts.get("a key came again and was not known"), Some(&1));
}

#[test]
fn an_answer_is_replayed_as_it_was() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    let sent = invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    assert!(stripe.pay(at(2), &draft.id));
    let replayed = invoice_of(stripe.write(at(3), &Write::send_invoice(&draft.id), "send"));
    assert_eq!((sent.status, replayed.status), (InvoiceStatus::Open, InvoiceStatus::Open));
    assert_eq!(stripe.invoice(at(3), &draft.id).map(|now| now.status), Ok(InvoiceStatus::Paid));
    assert_eq!(stripe.find_invoice(&draft.id).map(|invoice| invoice.sendings), Some(1));
}

#[test]
fn one_key_takes_one_body() {
    let mut stripe = stripe();
    customer_of(stripe.write(at(0), &customer_for("001"), "key"));
    let other = stripe.write(at(1), &customer_for("002"), "key");
    assert!(matches!(other, Err(Error::IdempotencyMismatch { .. })));
    assert_eq!(stripe.customers().count(), 1);
    assert_eq!(rules(&stripe), ["one_body_under_one_key"]);
}

#[test]
fn a_server_error_is_kept_with_its_effect_or_without() {
    for (with_effect, customers) in [(true, 1), (false, 0)] {
        let mut stripe = stripe();
        stripe.fail_next_with_500(with_effect);
        let replays: Vec<_> = [0, 1, 2]
            .map(|minutes| match stripe.write(at(minutes), &customer_for("001"), "key") {
                Err(Error::Unknown { reason: UnknownReason::ServerError { status: 500 }, replayed, .. }) => replayed,
                other => panic!("not a server error: {other:?}"),
            })
            .into();
        assert_eq!(replays, [false, true, true]);
        assert_eq!(stripe.customers().count(), customers, "with effect: {with_effect}");
        assert!(!stripe.write(at(3), &customer_for("001"), "next").expect("a new key is a new request").replayed);
    }
}

#[test]
fn a_refusal_of_an_executed_request_is_kept_and_a_malformed_one_is_not() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    assert!(stripe.delete_draft(&draft.id));
    let gone = refusal(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    assert_eq!(gone, (404, Some("resource_missing".into()), Some("id".into())));
    assert_eq!(refusal(stripe.write(at(2), &Write::send_invoice(&draft.id), "send")), gone);
    let mut unknown = customer_for("001");
    unknown.body.push_str("&currency=eur");
    let refused = refusal(stripe.write(at(3), &unknown, "key"));
    assert_eq!(refused, (400, Some("parameter_unknown".into()), Some("currency".into())));
    assert_eq!(rules(&stripe), ["every_parameter_is_known"]);
}

#[test]
fn without_keys_every_request_is_a_new_one() {
    let mut stripe = Stripe { keys_ignored: true, ..stripe() };
    for minutes in 0..3 {
        assert!(!stripe.write(at(minutes), &customer_for("001"), "key").expect("made").replayed);
    }
    assert_eq!(stripe.customers().count(), 3);
}

#[test]
fn an_old_key_is_a_violation_though_stripe_may_take_it() {
    let mut stripe = stripe();
    for minutes in [0, 23 * 60, 23 * 60 + 31] {
        customer_of(stripe.write(at(minutes), &customer_for("001"), "key"));
    }
    assert_eq!(rules(&stripe), ["no_old_key"]);
}
