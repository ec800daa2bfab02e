use super::*;

fn agreed(unit_amount: &str) -> Pricing {
    Pricing::Product {
        product: ProductId::parse("prod_1").expect("valid"),
        currency: eur(),
        unit_amount_decimal: unit_amount.parse().expect("a decimal"),
        tax_behavior: None,
    }
}

#[test]
fn a_line_costs_its_unit_amount_times_its_quantity() {
    let fraction = |text: &str| Quantity::Fraction(text.parse().expect("a decimal"));
    for (quantity, pricing, expected) in [
        (Quantity::Whole(3), price("price_1"), 3000),
        (fraction("2.5"), price("price_1"), 2500),
        (fraction("0.0015"), price("price_1"), 2),
        (Quantity::Whole(3), agreed("333.5"), 1001),
        (Quantity::Whole(1), agreed("0.4"), 0),
        (Quantity::Whole(0), price("price_1"), 0),
    ] {
        let mut stripe = stripe();
        let draft = with_draft(&mut stripe);
        let lines = [line("00k2", quantity, pricing.clone())];
        let filled = invoice_of(stripe.write(at(1), &Write::add_lines(&draft.id, &lines), "more"));
        assert_eq!(filled.lines[1].amount, expected, "{quantity:?} of {pricing:?}");
        assert_eq!((filled.subtotal, filled.total), (1000 + expected, 1000 + expected));
    }
}

#[test]
fn a_line_that_cannot_be_priced_keeps_all_of_its_batch_out() {
    for (pricing, code, param) in [
        (price("price_none"), Some("resource_missing"), "lines[1][pricing][price]"),
        (price("price_off"), None, "lines[1][pricing][price]"),
        (price("price_usd"), None, "lines[1][pricing][price]"),
    ] {
        let mut stripe = stripe();
        let draft = with_draft(&mut stripe);
        let lines = [line("00k2", Quantity::Whole(1), price("price_1")), line("00k3", Quantity::Whole(1), pricing)];
        let (status, found, about) = refusal(stripe.write(at(1), &Write::add_lines(&draft.id, &lines), "more"));
        assert_eq!((status, found.as_deref(), about.as_deref()), (400, code, Some(param)));
        assert_eq!(stripe.invoice_lines(at(1), &draft.id).map(|lines| lines.len()), Ok(1));
    }
}

#[test]
fn an_answer_embeds_ten_lines_and_an_invoice_takes_250() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    let lines: Vec<_> =
        (0..100).map(|number| line(&format!("00k{number}"), Quantity::Whole(1), price("price_1"))).collect();
    let filled = invoice_of(stripe.write(at(1), &Write::add_lines(&draft.id, &lines[..9]), "a"));
    assert_eq!((filled.lines.len(), filled.has_more_lines), (10, false));
    for key in ["b", "c"] {
        let filled = invoice_of(stripe.write(at(1), &Write::add_lines(&draft.id, &lines), key));
        assert_eq!((filled.lines.len(), filled.has_more_lines), (10, true));
    }
    let refused = refusal(stripe.write(at(1), &Write::add_lines(&draft.id, &lines[..41]), "d"));
    assert_eq!((refused.0, refused.2.as_deref()), (400, Some("lines")));
    assert_eq!(stripe.invoice_lines(at(1), &draft.id).map(|lines| lines.len()), Ok(210));
}

#[test]
fn only_a_draft_takes_lines() {
    let mut stripe = stripe();
    let draft = with_draft(&mut stripe);
    invoice_of(stripe.write(at(1), &Write::send_invoice(&draft.id), "send"));
    let lines = [line("00k2", Quantity::Whole(1), price("price_1"))];
    let refused = refusal(stripe.write(at(2), &Write::add_lines(&draft.id, &lines), "more"));
    assert_eq!((refused.0, refused.1.as_deref()), (400, Some("invoice_not_editable")));
}

#[test]
fn what_waits_for_a_customer_is_left_out_unless_it_is_asked_for() {
    for (behavior, lines) in [("exclude", 0), ("include", 1)] {
        let mut stripe = stripe();
        let customer = customer_of(stripe.write(at(0), &customer_for("001"), "customer"));
        stripe.leave_pending_item(Timestamp::UNIX_EPOCH, &customer.id, 4200, eur());
        let mut write = invoice_for(&customer.id);
        write.body = write.body.replace("behavior=exclude", &format!("behavior={behavior}"));
        let draft = invoice_of(stripe.write(at(0), &write, "invoice"));
        assert_eq!(draft.lines.len(), lines, "{behavior}");
    }
}
