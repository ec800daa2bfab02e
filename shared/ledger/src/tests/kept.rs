//! What the reconciler and the operator keep in it.

use jiff::civil::date;

use super::*;
use crate::attributes::{number, text};
use crate::{Books, Difference, Statement, Sum, Sums, Watermark};

#[tokio::test]
async fn unfinished_runs_come_back_when_their_time_has_come() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    for run in 1..=5 {
        let mut open = held(&ledger, claimed(run), &claim("first", event("evt_1"), 0)).await;
        let until = Release::Until(at(100 * i64::from(run)));
        ledger.save(&mut open, claimed(run), &[], until, at(1)).await.expect("saved");
    }
    left(&ledger, known(), 0).await;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = ledger.due_runs(at(400), after.as_deref()).await.expect("available");
        assert!(page.runs.len() <= 2);
        found.extend(page.runs);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (1..=4).map(|run| (run_id(run).to_string(), at(100 * i64::from(run)))).collect();
    assert_eq!(found.into_iter().map(|run| (run.key, run.next_check_at)).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_watermark_is_moved_by_one() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let org = organization_id();
    let mut mine = ledger.watermark(&org, "deals").await.expect("available");
    assert_eq!(mine, Watermark::default());
    let mut others = mine.clone();
    mine.cursor = Some("page 2".into());
    memory.loses_an_answer.set(true);
    ledger.set_watermark(&org, "deals", &mut mine, at(1)).await.expect("it was moved, though the answer was lost");
    assert_eq!((mine.version, ledger.watermark(&org, "deals").await.expect("available")), (1, mine.clone()));
    let lost = ledger.set_watermark(&org, "deals", &mut others, at(2)).await;
    assert!(matches!(lost, Err(LedgerError::Lost)), "{lost:?}");
    mine.seen_until = Some(at(3));
    ledger.set_watermark(&org, "deals", &mut mine, at(3)).await.expect("moved");
    assert_eq!(mine.version, 2);
    others.version = 1;
    let lost = ledger.set_watermark(&org, "deals", &mut others, at(4)).await;
    assert!(matches!(lost, Err(LedgerError::Lost)), "{lost:?}");
    assert_eq!(ledger.watermark(&org, "invoices").await.expect("available"), Watermark::default());
    memory.change(&format!("watermark#{org}"), "deals", |item| drop(item.remove("version")));
    let unreadable = ledger.watermark(&org, "deals").await;
    assert!(matches!(unreadable, Err(LedgerError::Unreadable { .. })), "{unreadable:?}");
}

#[tokio::test]
async fn a_days_statement_is_kept_and_made_anew() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    let org = organization_id();
    let money =
        |minor_units, currency: &str| Money::from_minor_units(minor_units, Currency::parse(currency).expect("valid"));
    let mut deals = Sums::default();
    for (minor_units, currency) in [(100, "EUR"), (250, "EUR"), (7, "JPY")] {
        deals.add(money(minor_units, currency));
    }
    let sums = [("EUR", Sum { count: 2, minor_units: 350 }), ("JPY", Sum { count: 1, minor_units: 7 })];
    let sums = sums.map(|(currency, sum)| (Currency::parse(currency).expect("valid"), sum));
    assert_eq!(deals.0, sums.into());
    let difference = Difference {
        cause: "amount_differs".into(),
        opportunity_id: None,
        invoice_id: Some(invoice_id()),
        in_salesforce: Some(money(100, "EUR").into()),
        at_stripe: None,
    };
    let amount = difference.in_salesforce.expect("given");
    assert_eq!((amount.currency.as_str(), amount.minor_units), ("EUR", 100));
    let of_month = Books { deals, differences: vec![difference], difference_count: 1, ..Books::default() };
    let day = date(2026, 11, 25);
    let statement = Statement { day, made_at: at(0), of_day: Books::default(), of_month };
    assert_eq!(ledger.statement(&org, day).await.expect("available"), None);
    ledger.save_statement(&org, &statement).await.expect("saved");
    let later = Statement { made_at: at(60), ..statement };
    ledger.save_statement(&org, &later).await.expect("saved again");
    assert_eq!(ledger.statement(&org, day).await.expect("available"), Some(later));
    let (pk, sk) = (format!("statement#{org}"), format!("day#{day}"));
    assert_eq!(get_number(&memory.item(&pk, &sk).expect("it is there"), "differences"), Some(1));
    memory.change(&pk, &sk, |item| drop(item.insert("document".into(), text("{"))));
    let unreadable = ledger.statement(&org, day).await;
    assert!(matches!(unreadable, Err(LedgerError::Unreadable { .. })), "{unreadable:?}");
}

/// The first read of a table says which layout this version writes; a newer one is left alone.
#[tokio::test]
async fn the_layout_is_written_once_and_only_goes_up() {
    let memory = Memory::default();
    let ledger = Ledger::over(&memory);
    assert_eq!(ledger.control(at(0)).await.expect("available").stopped, None);
    let schema = || memory.item("control", "control#schema").and_then(|item| get_number::<u32>(&item, "schema"));
    assert_eq!(schema(), Some(crate::SCHEMA));
    ledger.control(at(1)).await.expect("available");
    assert_eq!(memory.writes.get(), 1, "it is read before every request, and written once");
    memory.change("control", "control#schema", |item| drop(item.insert("schema".into(), number(0))));
    ledger.control(at(0)).await.expect("available");
    assert_eq!(schema(), Some(crate::SCHEMA));
    memory.change("control", "control#schema", |item| drop(item.insert("schema".into(), number(crate::SCHEMA + 1))));
    let newer = ledger.control(at(0)).await;
    assert!(matches!(newer, Err(LedgerError::Newer(_))), "{newer:?}");
    assert_eq!(schema(), Some(crate::SCHEMA + 1));
}
