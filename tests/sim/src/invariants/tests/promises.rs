//! What is promised about keys, leases, links and logs.

use domain::InvoiceId;
use sha2::{Digest, Sha256};
use stripe::Operation;

use super::*;

/// A run that is done with this invoice, its link, and its log of one call.
pub(super) fn books(case: &Case, invoice: &InvoiceId) -> Vec<Item> {
    let run = case.run("done");
    let key = commits::text(&run, "pk").expect("it has a key").to_owned();
    let entry = serde_json::json!({
        "at": now().to_string(), "system": "stripe", "call": "send_invoice", "target": invoice.to_string(),
        "outcome": "ok", "duration_ms": 1,
    });
    let document = serde_json::json!({ "previous": "", "entry": entry }).to_string();
    let head = hex::encode(Sha256::digest(&document));
    let mut run: Item =
        run.into_iter().chain(item(&[("stripe_invoice_id", invoice.as_str()), ("call_hash", &head)])).collect();
    run.insert("call_count".into(), Value::Number(1));
    let link = item(&[("pk", &format!("link#{invoice}")), ("sk", "link"), ("run", &key)]);
    vec![run, link, item(&[("pk", &key), ("sk", "call#00000001"), ("document", &document)])]
}

fn rules_without(which: usize) -> Vec<&'static str> {
    rules_with(|_, books| {
        books.remove(which);
        if which == 2 {
            books[0].insert("call_count".into(), Value::Number(0));
            books[0].insert("call_hash".into(), Value::Text(String::new()));
        }
    })
}

#[test]
fn an_invoice_leads_back_and_its_calls_are_logged() {
    assert_eq!(rules_without(1), ["an_invoice_leads_to_its_run"]);
    assert_eq!(rules_without(2), ["the_log_tells_of_the_invoice"]);
}

/// The rules that a deal breaks which is billed right, but for this.
fn rules_with(change: impl FnOnce(&mut Case, &mut Vec<Item>)) -> Vec<&'static str> {
    let mut case = case();
    let account = case.account.to_string();
    let customer = case.customer(&account);
    let invoice = case.send(&customer, 0);
    let deal = case.deal.clone();
    case.models.salesforce.edit(now(), &deal, |deal| {
        deal.invoice_id = Some(invoice.to_string());
        deal.invoice_url = Some("https://invoice.example".into());
    });
    let mut books = books(&case, &invoice);
    change(&mut case, &mut books);
    case.at_rest(&books)
}

#[test]
fn salesforce_says_which_invoice_it_is() {
    let names_another = |case: &mut Case, _: &mut Vec<Item>| {
        let deal = case.deal.clone();
        case.models.salesforce.edit(now(), &deal, |deal| deal.invoice_id = Some("in_another".into()));
    };
    assert_eq!(rules_with(names_another), ["salesforce_names_the_invoice"]);
}

#[test]
fn a_deal_is_not_written_without_end() {
    let written = |times: u32| {
        rules_with(|case, _| {
            let deal = case.deal.clone();
            case.models.salesforce.edit(now(), &deal, |deal| deal.our_writes = times);
        })
    };
    assert_eq!(written(8), [] as [&str; 0]);
    assert_eq!(written(100), ["writes_are_bounded"]);
}

#[test]
fn a_refused_deal_is_not_billed_and_says_why() {
    let refused = |code: bool| {
        rules_with(|_, books| {
            books[0].insert("status".into(), Value::Text("rejected".into()));
            if !code {
                books[0].remove("code");
            }
        })
    };
    // It could be billed, and nobody was told: that is noticed as well.
    let of_refusal = ["a_refused_deal_is_not_billed", "no_deal_is_lost", "a_person_is_told", "the_note_gives_the_code"];
    assert_eq!(refused(true), of_refusal);
    assert_eq!(refused(false)[0], "a_refusal_has_a_code");
}

#[test]
fn a_log_has_no_gap() {
    let of_log = |change: fn(&mut Vec<Item>)| rules_with(|_, books| change(books));
    let counts_two = |books: &mut Vec<Item>| {
        books[0].insert("call_count".into(), Value::Number(2));
    };
    let ends_elsewhere = |books: &mut Vec<Item>| {
        books[0].insert("call_hash".into(), Value::Text("00".into()));
    };
    let says_something_else = |books: &mut Vec<Item>| {
        let document =
            commits::text(&books[2], "document").expect("it has one").replace("send_invoice", "delete_draft");
        books[2].insert("document".into(), Value::Text(document));
    };
    let has_no_run = |books: &mut Vec<Item>| {
        let document = commits::text(&books[2], "document").expect("it has one").to_owned();
        books.push(item(&[("pk", "run#of-nobody"), ("sk", "call#00000001"), ("document", &document)]));
    };
    let changes: [fn(&mut Vec<Item>); 4] = [counts_two, ends_elsewhere, says_something_else, has_no_run];
    for change in changes {
        assert!(of_log(change).contains(&"the_log_is_whole"));
    }
}

#[test]
fn a_run_is_taken_when_it_is_free_and_for_long_enough() {
    let run = |fence, owner: &str, updated_at, lease_until| {
        let mut run = item(&[("pk", "run#1"), ("sk", "run"), ("owner", owner)]);
        for (name, value) in
            [("fence", fence), ("version", fence), ("updated_at", updated_at), ("lease_until", lease_until)]
        {
            run.insert(name.to_owned(), Value::Number(value));
        }
        run
    };
    let old = run(1, "a", 0, 90_000);
    for (taken_at, lease_until, expected) in [
        (90_000, 180_000, None),
        (89_999, 180_000, Some("a_lease_is_respected")),
        (90_000, 90_000, Some("a_lease_outlives_its_holder")),
    ] {
        let mut case = case();
        case.models.committed(now(), Some(&old), &run(2, "b", taken_at, lease_until));
        assert_eq!(case.rules(), Vec::from_iter(expected));
    }
}

#[test]
fn requests_are_watched_when_they_leave() {
    let key = format!("cw1_{}", "a".repeat(36));
    let mut case = case();
    case.models.sending(now(), &key);
    assert_eq!(case.rules(), ["a_key_is_saved_before_it_is_sent"]);
    case.models.violations.clear();
    case.models.committed(now(), None, &item(&[("sk", "run"), ("document", &format!("\"key\":\"{key}\""))]));
    case.models.sending(now(), &key);
    case.models.sending_late(now(), "invoices", 0);
    assert_eq!(case.rules(), [] as [&str; 0]);
    case.models.sending_late(now(), "invoices", 1);
    assert_eq!(case.rules(), ["nothing_is_sent_after_the_deadline"]);
}

#[test]
fn whoever_gives_back_what_he_holds_is_noticed() {
    let mut run = item(&[("pk", "run#1"), ("sk", "run"), ("owner", "a")]);
    run.insert("lease_until".into(), Value::Number(now().as_millisecond() + 1));
    let mut case = case();
    case.models.held_by_somebody(now(), ("b", now()), [&run].into_iter());
    assert_eq!(case.rules(), [] as [&str; 0]);
    case.models.held_by_somebody(now(), ("a", now()), [&run].into_iter());
    assert_eq!(case.rules(), ["nobody_waits_for_himself"]);
}

#[test]
fn what_is_sent_is_what_its_sender_read_last() {
    let mut case = case();
    let (account, deal) = (case.account.to_string(), case.deal.clone());
    let customer = case.customer(&account);
    let draft = case.draft(&customer, 0);
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), ["what_is_sent_is_what_its_sender_read"], "it has not read it at all");
    case.models.violations.clear();
    case.models.read_by(now(), 1, deal.as_str());
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), [] as [&str; 0]);
    case.models.salesforce.edit(now(), &deal, |deal| deal.stage = "Negotiation".into());
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), [] as [&str; 0], "it has not read it again");
    case.models.read_by(now(), 1, deal.as_str());
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), ["what_is_sent_is_what_its_sender_read"]);
}

/// What a person adds to a draft between the gate and the sending is that person's; what was there before is not sent.
#[test]
fn what_a_person_added_is_not_sent_by_who_has_seen_it() {
    let mut case = case();
    let (account, deal) = (case.account.to_string(), case.deal.clone());
    let customer = case.customer(&account);
    let draft = case.draft(&customer, 0);
    case.models.read_by(now(), 1, deal.as_str());
    case.models.stripe.has_shown(1, &draft);
    assert!(case.models.stripe.add_line_by_hand(&draft, 990));
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), [] as [&str; 0], "it has not seen it");
    case.models.stripe.has_shown(1, &draft);
    case.models.sending_invoice(now(), 1, draft.as_str());
    assert_eq!(case.rules(), ["what_is_sent_is_what_its_sender_read"]);
}

/// Where the account said when the deal was read, or has said since.
#[test]
fn an_invoice_goes_to_where_its_account_says() {
    let rule = "an_invoice_goes_to_where_the_account_says";
    let hours = |hours| now().saturating_add(jiff::SignedDuration::from_hours(hours)).expect("in range");
    // The customer is at ap@acme.example. When the account said so, the deal was read after two hours.
    for (says, is_right) in [
        (&[(0, "ap@acme.example")][..], true),
        (&[(0, "ap@acme.example"), (3, "new@acme.example")], true),
        (&[(0, "old@acme.example"), (3, "ap@acme.example")], true),
        (&[(0, "old@acme.example"), (1, "ap@acme.example")], true),
        (&[(0, "ap@acme.example"), (1, "new@acme.example")], false),
        (&[(0, "old@acme.example")], false),
        (&[], true),
    ] {
        let mut case = case();
        let (account, deal) = (case.account.clone(), case.deal.clone());
        let customer = case.customer(account.as_str());
        case.models.salesforce.edit_account(hours(0), &account, |account| {
            account.emails = says.iter().map(|(at, email)| (hours(*at), (*email).to_owned())).collect();
        });
        case.models.read_by(hours(2), 1, deal.as_str());
        case.send(&customer, 0);
        assert_eq!(!case.rules().contains(&rule), is_right, "{says:?} {:?}", case.rules());
    }
}

#[test]
fn a_request_has_one_key_and_a_line_changes_in_time() {
    let mut case = case();
    let account = case.account.to_string();
    let customer = case.customer(&account);
    for (key, body) in [("cw1_1", "name=A"), ("cw1_1", "name=A"), ("cw1_2", "name=B"), ("cw1_3", "name=A")] {
        assert_eq!(case.rules(), [] as [&str; 0]);
        let write = Write { operation: Operation::CreateCustomer, path: "/v1/customers".into(), body: body.into() };
        case.models.stripe.write(now(), &write, key).expect("done");
        case.models.settle(now());
    }
    assert_eq!(case.rules(), ["one_key_for_one_request"]);
    case.models.violations.clear();
    let sent = case.send(&customer, 0);
    let late = Write { operation: Operation::AddLines, ..Write::add_lines(&sent, &[]) };
    let before = now().checked_sub(jiff::SignedDuration::from_secs(1)).expect("in range");
    for (keys_ignored, sent_at, is_noticed) in [(false, before, false), (true, now(), false), (true, before, true)] {
        case.models.stripe.keys_ignored = keys_ignored;
        case.models.stripe.watch_lines(now(), &late, sent_at);
        case.models.settle(now());
        assert_eq!(case.rules() == ["nothing_is_sent_while_its_lines_change"], is_noticed);
    }
}

#[test]
fn a_deal_is_judged_from_outside() {
    let judged = |invoices: usize| {
        let mut case = case();
        let account = case.account.to_string();
        let customer = case.customer(&account);
        (0..invoices).for_each(|_| drop(case.draft(&customer, 0)));
        let drafts: Vec<_> = case.models.stripe.invoices().map(|invoice| invoice.id().clone()).collect();
        drafts.iter().for_each(|draft| drop(case.write(&Write::send_invoice(draft))));
        let deal = case.deal.clone();
        case.models.settle(now());
        case.models.violations.clear();
        case.models.at_rest_from_outside(now());
        case.models.violations.iter().filter(|violation| violation.detail.starts_with(deal.as_str())).count()
    };
    assert_eq!((judged(0), judged(1), judged(2)), (1, 0, 1));
}
