//! Accounts and opportunities as they are before anything is won.

use domain::{AccountId, LineItemId, OpportunityId};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Scenario;
use super::catalogue::{CURRENCIES, Product, major, step};
use crate::model::salesforce::{Account, Automation, Contract, Line, Opportunity};
use crate::random::Random;

/// Fifteen characters with letters of both cases; parsing adds the checksum.
pub(super) fn id(prefix: &str, number: i64) -> String {
    format!("{prefix}gK0{number:09}")
}

pub(super) fn generate(random: &mut Random, scenario: &mut Scenario, products: &[Product], start: Timestamp) {
    let accounts: Vec<AccountId> = (1..=random.between(1, 3)).map(|number| account(random, scenario, number)).collect();
    let deals = random.between(2, 9);
    let mut lines_made = 0;
    for number in 1..=deals {
        let account_id = random.pick(&accounts).clone();
        let currency = if scenario.models.salesforce.multi_currency {
            (*random.pick(&CURRENCIES)).to_owned()
        } else {
            scenario.models.salesforce.org_currency.clone()
        };
        let lines = lines(random, products, &currency, &mut lines_made);
        let mut deal = opportunity(number, account_id, currency, start);
        deal.lines = lines;
        deal.amount = Some(deal.lines.iter().filter_map(|line| line.total).sum());
        trouble(random, &mut deal);
        if random.chance(80) {
            clone_of_an_earlier(random, scenario, &mut deal, &mut lines_made);
        }
        scenario.models.salesforce.add_opportunity(deal);
    }
}

/// The same deal once more, as Salesforce's own button makes it.
fn clone_of_an_earlier(random: &mut Random, scenario: &mut Scenario, deal: &mut Opportunity, lines_made: &mut i64) {
    let earlier: Vec<Opportunity> = scenario.models.salesforce.opportunities().cloned().collect();
    if earlier.is_empty() {
        return;
    }
    let original = random.pick(&earlier).clone();
    scenario.clones.push((deal.id.clone(), original.id.clone()));
    *deal = Opportunity { id: deal.id.clone(), ..original };
    for line in &mut deal.lines {
        *lines_made += 1;
        line.id = LineItemId::parse(&id("00k", *lines_made)).expect("fifteen characters");
    }
}

fn account(random: &mut Random, scenario: &mut Scenario, number: i64) -> AccountId {
    let account_id = AccountId::parse(&id("001", number)).expect("fifteen characters");
    let email = match random.below(100) {
        0..5 => None,
        5..8 => Some("ap at acme".to_owned()),
        _ => Some(format!("ap@customer{number}.example")),
    };
    let country = match random.below(100) {
        0..4 => Some("Narnia".to_owned()),
        4..20 => None,
        _ => Some((*random.pick(&["Germany", "United States", "Japan", "KW", "The Netherlands"])).to_owned()),
    };
    scenario.models.salesforce.add_account(Account {
        id: account_id.clone(),
        name: format!("Customer {number}"),
        billing_email: email.clone(),
        country,
        stripe_customer_id: None,
        customer_named_by_hand: false,
        modified: Timestamp::UNIX_EPOCH,
        emails: email.iter().map(|email| (Timestamp::UNIX_EPOCH, email.clone())).collect(),
        tax_ids: vec![],
    });
    account_id
}

pub(crate) fn opportunity(number: i64, account_id: AccountId, currency: String, start: Timestamp) -> Opportunity {
    Opportunity {
        id: OpportunityId::parse(&id("006", number)).expect("fifteen characters"),
        account_id: Some(account_id),
        stage: "Negotiation".into(),
        kind: Some("New Customer".into()),
        amount: None,
        currency,
        lines: Vec::new(),
        term: None,
        contract: Contract::NotNeeded,
        contact_email: None,
        customer_id: None,
        invoice_id: None,
        invoice_url: None,
        invoice_pdf: None,
        subscription_id: None,
        mrr: None,
        renewal_id: None,
        cancel_on: None,
        standing: crate::model::salesforce::Standing::default(),
        invoice_standing: crate::model::salesforce::InvoiceStanding::default(),
        contract_names: Default::default(),
        sync_code: None,
        sync_message: None,
        approved_amount: None,
        most_approved: None,
        payment_received: false,
        paid_date: None,
        amount_paid: None,
        amount_remaining: None,
        is_deleted: false,
        automation: Automation::None,
        modified: start,
        stage_since: start,
        our_writes: 0,
        idle_writes: 0,
        note_sent: None,
        note_is_late: false,
        changes_by_people: 0,
        invoice_named_by_hand: false,
        readings: Vec::new(),
    }
}

fn lines(random: &mut Random, products: &[Product], currency: &str, made: &mut i64) -> Vec<Line> {
    let count = match random.below(1000) {
        0..3 => random.between(100, 120),
        3..600 => random.between(1, 4),
        _ => random.between(5, 12),
    };
    (0..count)
        .map(|_| {
            *made += 1;
            let product = random.pick(products);
            line(random, product, currency, *made)
        })
        .collect()
}

/// A line at the price book's price, or at one that was negotiated.
pub(super) fn line(random: &mut Random, product: &Product, currency: &str, number: i64) -> Line {
    let (price, listed) = product.in_currency(currency).expect("every product has every currency");
    let (quantity, scale) = match random.below(10) {
        0 => (Decimal::new(random.between(1, 40), 1), 10),
        _ => (Decimal::from(random.between(1, 20)), 1),
    };
    let tenths = quantity * Decimal::from(scale);
    let at_list = i64::try_from(tenths).unwrap_or(1).saturating_mul(listed);
    let unit = step(currency).saturating_mul(scale);
    let is_whole = at_list % unit == 0;
    let total = match random.below(10) {
        0..7 if is_whole => at_list / scale,
        _ => random.between(1, (at_list / unit).max(1)).saturating_mul(step(currency)),
    };
    Line {
        id: LineItemId::parse(&id("00k", number)).expect("fifteen characters"),
        quantity,
        list_price: Some(major(listed, currency)),
        total: Some(major(total, currency)),
        product: product.name.clone(),
        price,
        is_recurring: false,
        every: None,
    }
}

/// What makes a deal one that cannot be billed, or that does not ask to be.
fn trouble(random: &mut Random, deal: &mut Opportunity) {
    match random.below(100) {
        0..3 => deal.kind = Some("Renewal".into()),
        3..5 => deal.amount = deal.amount.map(|amount| amount + Decimal::ONE),
        5..6 => deal.amount = None,
        6..7 => deal.amount = Some(Decimal::ZERO),
        7..8 => {
            deal.lines.clear();
        }
        8..9 => deal.account_id = None,
        9..10 => {
            // Half of the smallest unit.
            let half = Decimal::new(5, crate::model::bill::exponent(&deal.currency).unwrap_or(2) + 1);
            if let Some(line) = deal.lines.first_mut() {
                line.total = line.total.map(|total| total + half);
            }
            deal.amount = Some(deal.lines.iter().filter_map(|line| line.total).sum());
        }
        10..20 => deal.contact_email = Some("kim@contact.example".into()),
        20..21 => deal.automation = Automation::Refuses,
        21..22 => deal.automation = Automation::DropsLink,
        22..24 => deal.automation = Automation::ChangesNote,
        _ => {}
    }
}
