use super::*;

#[test]
fn a_draft_becomes_open_and_then_paid_and_stripe_says_so() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    assert_eq!((draft.status, &draft.hosted_invoice_url, draft.auto_advance), (InvoiceStatus::Draft, &None, false));
    let sent = invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    assert_eq!((sent.status, sent.total, sent.hosted_invoice_url.is_some()), (InvoiceStatus::Open, 1000, true));
    assert_eq!(stripe.take_finalized(), [Finalized { invoice_id: draft.id.clone(), by: By::Us }]);
    assert!(stripe.take_events().is_empty());
    assert!(stripe.pay(at(2), &draft.id) && !stripe.pay(at(3), &draft.id));
    let events = stripe.take_events();
    assert_eq!(events.iter().map(|event| (event.about(), event.at)).collect::<Vec<_>>(), [(draft.id.as_str(), at(2))]);
    assert_eq!(
        stripe.invoice(at(4), &draft.id).map(|paid| (paid.status, paid.paid_at)),
        Ok((InvoiceStatus::Paid, Some(at(2))))
    );
    assert!(stripe.take_events().is_empty(), "an event is taken once");
}

#[test]
fn what_can_be_sent_and_deleted_depends_on_the_status() {
    type Change = fn(&mut Stripe, &InvoiceId) -> bool;
    let changes: [(&str, Change, u16, Result<(), u16>); 5] = [
        ("draft", |_, _| true, 0, Ok(())),
        ("open", |stripe, id| stripe.finalize_by_hand(at(1), id), 0, Err(400)),
        ("paid", |stripe, id| stripe.finalize_by_hand(at(1), id) && stripe.pay(at(1), id), 400, Err(400)),
        ("void", |stripe, id| stripe.finalize_by_hand(at(1), id) && stripe.void(at(1), id), 400, Err(400)),
        ("gone", |stripe, id| stripe.delete_draft(id), 404, Err(404)),
    ];
    for (what, change, send, delete) in changes {
        let mut stripe = stripe();
        let draft = with_draft(&mut stripe);
        assert!(change(&mut stripe, &draft.id), "{what}");
        let deleted = stripe.write(at(2), &Write::delete_invoice(&draft.id), "ignored");
        assert_eq!(deleted.map(drop).map_err(|error| refusal::<()>(Err(error)).0), delete, "{what}");
        if delete.is_err() {
            let sent = stripe.write(at(2), &Write::send_invoice(&draft.id), "send");
            assert_eq!(sent.map_or_else(|error| refusal::<()>(Err(error)).0, |_| 0), send, "{what}");
        }
    }
}

#[test]
fn an_empty_draft_and_one_without_a_customer_are_not_sent() {
    let mut stripe = stripe();
    let customer = customer_of(stripe.write(at(0), &customer_for("001"), "customer"));
    let empty = invoice_of(stripe.write(at(0), &invoice_for(&customer.id), "invoice"));
    let refused = refusal(stripe.write(at(1), &Write::send_invoice(&empty.id), "send"));
    assert_eq!(refused.1.as_deref(), Some("invoice_no_customer_line_items"));
    let lines = [line("00k1", Quantity::Whole(1), price("price_1"))];
    invoice_of(stripe.write(at(1), &Write::add_lines(&empty.id, &lines), "lines"));
    assert!(stripe.delete_customer(at(2), &customer.id));
    assert_eq!(refusal(stripe.write(at(3), &Write::send_invoice(&empty.id), "again")).0, 400);
    let (status, code, param) = refusal(stripe.write(at(3), &invoice_for(&customer.id), "next"));
    assert_eq!((status, code.as_deref(), param.as_deref()), (400, Some("resource_missing"), Some("customer")));
}

#[test]
fn a_second_mail_is_a_violation_while_keys_work() {
    for (keys_ignored, expected) in [(false, vec!["an_invoice_is_mailed_once"]), (true, vec![])] {
        let mut stripe = Stripe { keys_ignored, ..stripe() };
        let draft = with_draft(&mut stripe);
        for key in ["send", "another"] {
            invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), key));
        }
        assert_eq!(rules(&stripe), expected);
    }
}

#[test]
fn a_draft_that_may_advance_is_finalized_by_stripe() {
    let mut stripe = stripe();
    let customer = customer_of(stripe.write(at(0), &customer_for("001"), "customer"));
    let mut write = invoice_for(&customer.id);
    write.body = write.body.replace("auto_advance=false", "auto_advance=true");
    let draft = invoice_of(stripe.write(at(0), &write, "invoice"));
    assert!(draft.auto_advance);
    let lines = [line("00k1", Quantity::Whole(1), price("price_1"))];
    invoice_of(stripe.write(at(1), &Write::add_lines(&draft.id, &lines), "lines"));
    assert_eq!(stripe.invoice(at(59), &draft.id).map(|seen| seen.status), Ok(InvoiceStatus::Draft));
    assert_eq!(stripe.invoice(at(60), &draft.id).map(|seen| seen.status), Ok(InvoiceStatus::Open));
    assert_eq!(stripe.take_finalized(), [Finalized { invoice_id: draft.id, by: By::Stripe }]);
}

#[test]
fn lists_see_everything_at_once_and_newest_first() {
    let mut stripe = stripe();
    let customers =
        [0, 1, 2].map(|minutes| customer_of(stripe.write(at(minutes), &customer_for("001"), &format!("{minutes}"))));
    let listed = stripe.customers_created_since(at(2), at(1)).expect("a list");
    assert_eq!(listed.iter().map(|one| &one.id).collect::<Vec<_>>(), [&customers[2].id, &customers[1].id]);
    assert!(stripe.delete_customer(at(3), &customers[1].id));
    assert_eq!(stripe.customers_created_since(at(3), at(1)).map(|listed| listed.len()), Ok(1));
    let gone = stripe.customer(at(3), &customers[1].id).expect("an answer");
    assert!(gone.deleted && gone.metadata.is_empty());
    let draft = invoice_of(stripe.write(at(4), &invoice_for(&customers[0].id), "invoice"));
    assert_eq!(
        stripe.invoices_of_customer(at(4), &customers[0].id, at(4)).map(|listed| listed[0].id.clone()),
        Ok(draft.id.clone())
    );
    assert_eq!(stripe.invoices_of_customer(at(4), &customers[0].id, at(5)).map(|listed| listed.len()), Ok(0));
    assert_eq!(stripe.invoices_of_customer(at(4), &customers[2].id, at(0)).map(|listed| listed.len()), Ok(0));
    assert!(stripe.delete_draft(&draft.id));
    assert_eq!(stripe.invoices_of_customer(at(4), &customers[0].id, at(4)).map(|listed| listed.len()), Ok(0));
}

#[test]
fn search_lags_behind_what_is_made_and_what_is_deleted() {
    let mut stripe = Stripe { search_lag: SignedDuration::from_mins(10), ..stripe() };
    let customer = customer_of(stripe.write(at(0), &customer_for("001"), "customer"));
    let mut found = |minutes| {
        let found = stripe.customers_by_metadata(at(minutes), "sf_account_id", "001").expect("an answer");
        let seen: Vec<_> = found.into_iter().map(|one| (one.id == customer.id, one.deleted)).collect();
        if minutes == 20 {
            assert!(stripe.delete_customer(at(20), &customer.id));
        }
        seen
    };
    assert_eq!(found(9), []);
    assert_eq!(found(10), [(true, false)]);
    assert_eq!(found(20), [(true, false)]);
    assert_eq!(found(29), [(true, false)], "as it was");
    assert_eq!(found(30), []);
    assert!(stripe.facts.contains_key("search found a deleted customer"));
    assert!(stripe.facts.contains_key("search did not see a customer yet"));
}

#[test]
fn an_event_that_was_never_generated_is_in_no_list() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    assert!(stripe.pay(at(2), &draft.id));
    let event = stripe.take_events().remove(0);
    assert_eq!(stripe.events(), std::slice::from_ref(&event));
    stripe.forget_event(&event.id);
    assert!(stripe.events().is_empty() && stripe.take_events().is_empty());
}
