//! Each promise, broken once: a check that cannot fail says nothing.

mod promises;

use domain::{AccountId, OpportunityId, OrganizationId};
use jiff::Timestamp;
use ledger::{Item, Value};
use stripe::{Answer, CreateCustomer, CreateInvoice, InvoiceLineParams, Pricing, Quantity, Write};

use super::*;
use crate::model::{Salesforce, Stripe};
use crate::random::Random;
use crate::scenario::{People, Scenario};

fn now() -> Timestamp {
    Timestamp::from_second(1_793_577_600).expect("in range")
}

struct Case {
    models: Models,
    deal: OpportunityId,
    account: AccountId,
    keys: u32,
}

/// A deal that is won, can be billed, and was read.
fn case() -> Case {
    let mut found = (0..).map(|seed| Scenario::generate(&mut Random::new(seed), now(), People::default()));
    let (mut models, deal, account) = found
        .find_map(|scenario| {
            let mut models = scenario.models;
            let ids: Vec<_> = models.salesforce.opportunities().map(|deal| deal.id.clone()).collect();
            let deal = ids.into_iter().find(|id| {
                models.salesforce.edit(now(), id, |deal| deal.stage = "Closed Won".into());
                let deal = models.salesforce.opportunity(id).expect("there");
                models.salesforce.judge(deal).bill().is_some_and(|bill| bill.lines.len() < 10)
            })?;
            let account = models.salesforce.opportunity(&deal)?.account_id.clone()?;
            Some((models, deal, account))
        })
        .expect("some scenario has one");
    let query = format!("SELECT Id FROM OpportunityLineItem WHERE OpportunityId = '{deal}'");
    models.salesforce.read(now(), &[query]).expect("understood");
    Case { models, deal, account, keys: 0 }
}

impl Case {
    fn write(&mut self, write: &Write) -> Answer {
        self.keys += 1;
        self.models.stripe.write(now(), write, &self.keys.to_string()).expect("done").answer
    }

    fn customer(&mut self, account: &str) -> CustomerId {
        self.customer_for(account, None)
    }

    fn customer_for(&mut self, account: &str, currency: Option<&str>) -> CustomerId {
        let mut metadata = BTreeMap::from([("sf_account_id".to_owned(), account.to_owned())]);
        metadata.extend(currency.map(|currency| ("sf_currency".to_owned(), currency.to_owned())));
        let email = domain::BillingEmail::parse("ap@acme.example").expect("valid");
        let params = CreateCustomer {
            description: None,
            name: "Acme".into(),
            email: Some(email),
            phone: None,
            address: None,
            shipping: None,
            exempt: None,
            tax_id: None,
            metadata,
        };
        match self.write(&Write::create_customer(&params)) {
            Answer::Customer(customer) => customer.id,
            other => panic!("no customer: {other:?}"),
        }
    }

    /// A draft of the deal's lines, each `more` dearer than agreed.
    fn draft(&mut self, customer: &CustomerId, more: i64) -> domain::InvoiceId {
        let deal = self.models.salesforce.opportunity(&self.deal).cloned().expect("there");
        let bill = self.models.salesforce.judge(&deal).bill().cloned().expect("billable");
        let metadata = [("closedwon_run", "run"), ("sf_opportunity_id", self.deal.as_str())];
        let params = CreateInvoice {
            customer: customer.clone(),
            currency: bill.currency,
            collected: stripe::Collected::Sent { days_until_due: 30 },
            automatic_tax: false,
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        };
        let Answer::Invoice(draft) = self.write(&Write::create_invoice(&params)) else { panic!("no invoice") };
        let product = self.models.stripe.catalogue.prices.values().next().expect("there is one").product.clone();
        let lines = bill.lines.iter().map(|(id, line)| InvoiceLineParams {
            description: "Support".into(),
            metadata: BTreeMap::from([("sf_line_id".to_owned(), id.to_string())]),
            quantity: Quantity::Whole(1),
            pricing: Pricing::Product {
                product: product.clone(),
                currency: bill.currency,
                unit_amount_decimal: (line.amount + more).into(),
                tax_behavior: None,
            },
        });
        let lines: Vec<_> = lines.collect();
        self.write(&Write::add_lines(&draft.id, &lines));
        draft.id
    }

    fn send(&mut self, customer: &CustomerId, more: i64) -> domain::InvoiceId {
        let draft = self.draft(customer, more);
        self.write(&Write::send_invoice(&draft));
        self.models.settle(now());
        draft
    }

    fn rules(&self) -> Vec<&'static str> {
        self.models.violations.iter().map(|violation| violation.rule).collect()
    }

    fn at_rest(&mut self, items: &[Item]) -> Vec<&'static str> {
        let organization_id = OrganizationId::parse("00D000000000001EAA").expect("valid");
        let items: Vec<_> = items.iter().collect();
        let ended = Ended {
            now: now(),
            organization_id: &organization_id,
            items: &items,
            dead_letters: &[],
            differences: Some(&std::collections::BTreeSet::new()),
            restores: 0,
            redrives: 0,
            tells_people: false,
        };
        // Only this deal is asked for.
        let others: Vec<_> = self.models.salesforce.opportunities().map(|deal| deal.id.clone()).collect();
        for other in others.iter().filter(|id| **id != self.deal) {
            self.models.salesforce.edit(now(), other, |deal| deal.stage = "Negotiation".into());
        }
        self.models.at_rest(&ended);
        self.rules()
    }

    fn run(&self, status: &str) -> Item {
        let key = format!("run#00D000000000001EAA:{}:opportunity_won:1", self.deal);
        item(&[("pk", &key), ("sk", "run"), ("status", status), ("point", "x"), ("code", "x"), ("call_hash", "")])
    }
}

fn item(texts: &[(&str, &str)]) -> Item {
    texts.iter().map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned()))).collect()
}

#[test]
fn what_is_right_breaks_nothing() {
    let mut case = case();
    let account = case.account.to_string();
    let customer = case.customer(&account);
    let invoice = case.send(&customer, 0);
    assert_eq!(case.rules(), [] as [&str; 0]);
    let deal = case.deal.clone();
    case.models.salesforce.edit(now(), &deal, |deal| {
        deal.invoice_id = Some(invoice.to_string());
        deal.invoice_url = Some("https://invoice.example".into());
    });
    let books = promises::books(&case, &invoice);
    assert_eq!(case.at_rest(&books), [] as [&str; 0]);
}

#[test]
fn what_is_sent_is_watched() {
    type Break = fn(&mut Case, &CustomerId);
    let cases: [(Break, &[&str]); 4] = [
        (|case, customer| drop((case.send(customer, 0), case.send(customer, 0))), &["one_invoice_per_deal"]),
        (|case, customer| drop(case.send(customer, 10)), &["what_is_sent_is_what_was_read"]),
        (
            |case, _| {
                let other = case.customer("001000000000009AAA");
                case.send(&other, 0);
            },
            &["an_account_is_billed_itself"],
        ),
        (
            |case, customer| {
                let first = case.send(customer, 0);
                assert!(case.models.stripe.void(jiff::Timestamp::UNIX_EPOCH, &first));
                let account = case.account.to_string();
                let second = case.customer(&account);
                case.send(&second, 0);
            },
            &["one_customer_per_account"],
        ),
    ];
    for (broken, expected) in cases {
        let mut case = case();
        let account = case.account.to_string();
        let customer = case.customer(&account);
        broken(&mut case, &customer);
        assert_eq!(case.rules(), expected);
    }
}

/// One for subscriptions in a currency is billed nothing else, is not what the account names, and is there for a reason.
#[test]
fn a_second_customer_is_watched() {
    let mut billed = case();
    let account = billed.account.to_string();
    let second = billed.customer_for(&account, Some("gbp"));
    billed.send(&second, 0);
    assert_eq!(billed.rules(), ["a_customer_is_billed_what_it_is_for"]);
    let mut named = case();
    let (id, account) = (named.account.clone(), named.account.to_string());
    let second = named.customer_for(&account, Some("gbp"));
    named.models.salesforce.name_customer(&id, &second);
    let run = named.run("open");
    let rules = named.at_rest(&[run]);
    for rule in ["an_account_names_its_own_customer", "only_who_needs_it_is_two_customers"] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
}

#[test]
fn what_is_committed_is_watched() {
    let number = |item: &Item, name: &str, value: i64| {
        let mut item = item.clone();
        item.insert(name.to_owned(), Value::Number(value));
        item
    };
    let base = [
        ("pk", "run#1"),
        ("sk", "run"),
        ("owner", "a"),
        ("stripe_invoice_id", "in_1"),
        ("stripe_customer_id", "cus_1"),
    ];
    let old = number(&number(&number(&item(&base), "version", 1), "fence", 1), "call_count", 2);
    let next = number(&old, "version", 2);
    let with = |name: &str, text: &str| next.clone().into_iter().chain(item(&[(name, text)])).collect::<Item>();
    let link = |run: &str| item(&[("pk", "link#in_1"), ("sk", "link"), ("run", run)]);
    let entry = |text: &str| item(&[("pk", "run#1"), ("sk", "call#00000001"), ("document", text)]);
    for (old, new, expected) in [
        (&old, next.clone(), None),
        (&old, number(&next, "version", 3), Some("versions_count_every_save")),
        (&old, number(&next, "fence", 0), Some("fences_only_grow")),
        (&old, with("owner", "b"), Some("fences_only_grow")),
        (&old, number(&next, "call_count", 1), Some("a_log_only_grows")),
        (&old, with("stripe_invoice_id", "in_2"), Some("a_pointer_never_changes")),
        (&old, with("stripe_customer_id", "cus_2"), Some("a_pointer_never_changes")),
        (&link("run#1"), link("run#1"), None),
        (&link("run#1"), link("run#2"), Some("a_link_never_moves")),
        (&entry("a"), entry("b"), Some("a_log_entry_never_changes")),
    ] {
        let mut models = Models::new(Stripe::default(), Salesforce::new(false, "EUR"));
        models.committed(now(), Some(old), &new);
        let rules: Vec<_> = models.violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, Vec::from_iter(expected));
    }
}

#[test]
fn a_sent_invoice_is_not_let_go() {
    let mut case = case();
    let account = case.account.to_string();
    let customer = case.customer(&account);
    let invoice = case.send(&customer, 0);
    let base = item(&[("pk", "run#1"), ("sk", "run")]);
    let old: Item = base.clone().into_iter().chain(item(&[("stripe_invoice_id", invoice.as_str())])).collect();
    let mut new = base;
    new.insert("version".into(), Value::Number(1));
    case.models.committed(now(), Some(&old), &new);
    assert_eq!(case.rules(), ["a_sent_invoice_is_never_let_go"]);
}

#[test]
fn what_is_left_at_rest_is_watched() {
    let account_of = |case: &mut Case| {
        let account = case.account.to_string();
        case.customer(&account)
    };
    let mut lost = case();
    assert_eq!(lost.at_rest(&[]), ["no_deal_is_lost"]);
    for (status, expected) in [
        ("open", vec!["every_run_ends"]),
        ("done", vec!["done_means_billed"]),
        ("review", vec!["a_person_is_told", "the_note_gives_the_code", "no_review_without_a_cause"]),
        ("rejected", vec!["no_deal_is_lost", "a_person_is_told", "the_note_gives_the_code"]),
    ] {
        let mut case = case();
        let run = case.run(status);
        assert_eq!(case.at_rest(&[run]), expected, "{status}");
    }
    let mut unpaid = case();
    let customer = account_of(&mut unpaid);
    let invoice = unpaid.send(&customer, 0);
    assert!(unpaid.models.stripe.pay(now(), &invoice));
    let run = unpaid.run("open");
    assert_eq!(unpaid.at_rest(&[run]), ["every_run_ends", "no_payment_is_lost"]);
    let mut orphans = case();
    let customer = account_of(&mut orphans);
    account_of(&mut orphans);
    orphans.draft(&customer, 0);
    let run = orphans.run("open");
    assert_eq!(orphans.at_rest(&[run]), ["every_run_ends", "no_orphan_drafts", "one_customer_per_account"]);
}

/// A clone has the invoice of the deal that it was made of. While that has it as well, only that one is paid by it.
#[test]
fn what_a_clone_says_is_watched() {
    for is_moved in [false, true] {
        let mut case = case();
        let account = case.account.to_string();
        let customer = case.customer(&account);
        let invoice = case.send(&customer, 0);
        assert!(case.models.stripe.pay(now(), &invoice));
        let others = case.models.salesforce.opportunities().map(|deal| deal.id.clone());
        let clone = others.into_iter().find(|id| *id != case.deal).expect("there is another");
        let named = || Some(invoice.to_string());
        case.models.salesforce.edit(now(), &case.deal, |deal| deal.invoice_id = named().filter(|_| !is_moved));
        case.models.salesforce.edit(now(), &clone, |deal| {
            (deal.invoice_id, deal.invoice_named_by_hand) = (named(), true);
            (deal.payment_received, deal.paid_date) = (true, Some("2026-11-01".into()));
        });
        let run = case.run("open");
        let rules = case.at_rest(&[run]);
        assert_eq!(rules.contains(&"paid_means_paid"), !is_moved, "{rules:?}");
        assert_eq!(rules.contains(&"no_payment_is_lost"), !is_moved, "{rules:?}");
    }
}
