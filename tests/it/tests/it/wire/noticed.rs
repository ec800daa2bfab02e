//! What the histories would notice. These promises are broken by hand once.

use sandbox::LoggedRequest;
use serde_json::{Value, json};

use super::bill::Judgement;
use super::history::{History, begin};
use super::notes::Notes;
use super::watch::text;

/// A history in which all deals are won, nothing goes wrong, and some invoice is sent.
async fn undisturbed() -> (History, Value) {
    for seed in 0.. {
        let mut history = Box::pin(begin(seed, Notes::default())).await;
        while history.deals.iter().any(|deal| !deal.is_won) {
            history.win();
        }
        Box::pin(history.come_to_rest()).await;
        history.look();
        history.at_rest();
        assert!(!history.notes.is_broken(), "seed {seed}: {:?}", history.notes.told().violations);
        if let Some(invoice) = history.env.invoices().into_iter().find(|invoice| invoice["status"] == "open") {
            return (history, invoice);
        }
    }
    unreachable!("some seed bills something")
}

/// The invoice once more, as a draft with a line.
fn copy(history: &History, invoice: &Value) -> String {
    let id = text(&history.copy_of(invoice).unwrap(), "id").to_owned();
    let line = "lines[0][amount]=500&lines[0][description]=x";
    history.dashboard("POST", &format!("/v1/invoices/{id}/add_lines"), line).unwrap();
    id
}

fn request(at_ms: i64, body_digest: u64) -> LoggedRequest {
    LoggedRequest {
        seq: 1,
        at_ms,
        method: "POST".into(),
        path: "/v1/invoices".into(),
        status: 200,
        idempotency_key: Some("key".into()),
        replayed: false,
        fault: None,
        body_digest,
    }
}

type Breach = fn(&mut History, &Value);

/// What is done, and the promise that it breaks.
const BREACHES: &[(&str, Breach)] = &[
    ("one_invoice_per_deal", |history, invoice| {
        let id = copy(history, invoice);
        history.dashboard("POST", &format!("/v1/invoices/{id}/finalize"), "").unwrap();
    }),
    ("no_orphan_drafts", |history, invoice| drop(copy(history, invoice))),
    ("what_is_sent_is_what_was_read", |history, invoice| {
        history.watch.live.clear();
        let of = text(&invoice["metadata"], "sf_opportunity_id");
        let deal = history.deals.iter_mut().find(|deal| deal.id == of).unwrap();
        for (_, judgement) in &mut deal.readings {
            if let Judgement::Billable(bill) = judgement {
                bill.lines.values_mut().next().unwrap().0 += 1;
            }
        }
    }),
    ("a_status_never_regresses", |history, invoice| {
        history.watch.live.insert(text(invoice, "id").to_owned(), 3);
    }),
    ("salesforce_says_what_stripe_says", |history, invoice| {
        let deal = text(&invoice["metadata"], "sf_opportunity_id");
        history.env.update("Opportunity", deal, json!({ "Stripe_Invoice_URL__c": "https://elsewhere.example" }));
    }),
    ("no_payment_is_lost", |history, invoice| {
        let path = format!("/v1/invoices/{}/pay", text(invoice, "id"));
        history.dashboard("POST", &path, "paid_out_of_band=true").unwrap();
    }),
    ("done_means_billed", |history, invoice| {
        history.dashboard("POST", &format!("/v1/invoices/{}/void", text(invoice, "id")), "").unwrap();
    }),
    ("an_edit_is_never_silent", |history, invoice| {
        let deal = text(&invoice["metadata"], "sf_opportunity_id");
        history.env.update("Opportunity", deal, json!({ "StageName": "Closed Lost" }));
        history.judge_all();
    }),
    ("one_customer_per_account", |history, _| {
        let body = format!("name=Twice&email=a@b.example&metadata[sf_account_id]={}", history.accounts[0]);
        for _ in 0..2 {
            history.dashboard("POST", "/v1/customers", &body).unwrap();
        }
    }),
    ("one_body_under_one_key", |history, _| {
        history.key_is_used_rightly(&request(0, 1));
        history.key_is_used_rightly(&request(0, 2));
    }),
    ("no_key_grows_old", |history, _| {
        history.key_is_used_rightly(&request(0, 1));
        history.key_is_used_rightly(&request(24 * 3_600_000, 1));
    }),
    ("the_log_is_whole", |history, _| {
        let items = history.env.aws.items();
        let is_call = |item: &&Value| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("call#"));
        let mut call = items.iter().find(is_call).unwrap().clone();
        call["document"] = json!({ "S": call["document"]["S"].as_str().unwrap().replace("ok", "no") });
        history.env.aws.put(&call);
    }),
];

#[tokio::test]
async fn each_broken_promise_is_noticed() {
    for (rule, breach) in BREACHES {
        let (mut history, invoice) = Box::pin(undisturbed()).await;
        breach(&mut history, &invoice);
        history.look();
        history.at_rest();
        history.sum_up();
        let violations = history.notes.told().violations;
        assert!(violations.iter().any(|found| found.starts_with(rule)), "{rule} is not noticed: {violations:?}");
        history.env.sqs.purge();
    }
}
