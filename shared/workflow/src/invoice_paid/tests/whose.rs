//! Whose an invoice is that no deal names, as far as is known.

use domain::CustomerId;
use mapping::{StrayInvoices, Whereabouts};

use super::*;

const DEAL: &str = "006000000000001AAA";
const OTHER: &str = "006000000000002AAA";

/// Who names the invoice, whose its customer is, and who may have it.
pub(super) fn looked_up(named_by: &[&str], accounts: &[&str], perhaps: &[&str]) -> Fact {
    let records = |ids: &[&str]| ids.iter().map(|id| record(&[("Id", text(id))])).collect();
    let answers = vec![records(named_by), records(accounts), records(perhaps)];
    Fact::LookedUp(Box::new(Whereabouts::of(answers)))
}

fn customer_of(account: &str) -> Fact {
    let metadata = [("sf_account_id".to_owned(), account.to_owned())].into();
    Fact::CustomerRead { customer_id: CustomerId::parse("cus_1").expect("valid"), metadata }
}

const ACCOUNT: &str = "001000000000001AAA";

/// After a day it is looked up who names it; the deal that does has it, and is told in its turn.
#[test]
fn what_was_waited_for_in_vain_is_looked_up() {
    let payment = Received { customer_id: CustomerId::parse("cus_1").ok(), ..payment() };
    let waiting = Point::NotLinked { payment, names_another: false };
    let Next::Wait(stop) = waiting.next() else { panic!("it waits") };
    let seeking = after(waiting, Fact::Refused(Refusal { stop }));
    assert_eq!((seeking.name(), seeking.status()), ("seeking", Status::Open));
    let by_customer = after(seeking.clone().resume(), nobodys());
    assert!(matches!(by_customer.next(), Next::Call(Call::ReadCustomer { .. })));
    let asked = after(by_customer, customer_of(ACCOUNT));
    let Next::Call(Call::LookUp { search }) = asked.next() else { panic!("it is looked up") };
    assert_eq!(search.account_id.as_ref().map(|id| id.as_str()), Some(ACCOUNT));
    // Why it was waited for is not lost, and that all of it is paid is heard meanwhile.
    let refused =
        after(seeking.clone(), Fact::Refused(Refusal { stop: Stop::refused(Code::SalesforceRefused, "No.") }));
    assert!(refused.stop().is_some_and(|stop| stop.code == Code::InvoiceNotLinked && stop.message.ends_with("No.")));
    let Point::Seeking { seek, waited, .. } = seeking else { panic!("it is looked for") };
    let part = Point::Seeking { invoice_id: invoice_id(), said: Said::Part, seek, waited };
    assert!(matches!(part.hearing(&claimed(false)), Point::Seeking { said: Said::Whole, .. }));
    for (found, ending) in [
        (looked_up(&[], &[ACCOUNT], &[OTHER]), "of its won deals these name none: 006000000000002AAA."),
        (looked_up(&[], &[], &[]), "and no account its customer cus_1."),
        (looked_up(&[DEAL, OTHER], &[ACCOUNT], &[]), "006000000000001AAA, 006000000000002AAA."),
    ] {
        let stopped = after(asked.clone(), found);
        let stop = stopped.stop().expect("a person decides");
        assert!(stop.code == Code::InvoiceNotLinked && stop.message.ends_with(ending), "{stop:?}");
        assert!(
            stop.message.starts_with("Invoice in_1 is paid, and opportunity 006000000000001AAA names no"),
            "{stop:?}"
        );
    }
    let found = after(asked, looked_up(&[OTHER], &[], &[]));
    let Point::Claimed { found: Some(deal), looks_first: true, .. } = &found else { panic!("{found:?}") };
    assert_eq!(deal.as_str(), OTHER);
    let Point::Paid { payment } = after(found, seen(InvoiceStatus::Paid, true)) else { panic!("it is told there") };
    assert_eq!((payment.opportunity_id.as_str(), payment.is_found), (OTHER, true));
    // The rest of it is told there as well.
    let part = Received { paid_at: None, ..payment };
    assert!(
        matches!(Point::Done { payment: part }.resume(), Point::Claimed { found: Some(deal), .. } if deal.as_str() == OTHER)
    );
}

/// It is moved once more, is gone, or cannot hold the amounts: what the invoice itself names is asked again, or a person is told.
#[test]
fn a_deal_that_was_found_is_let_go_of_when_it_has_the_invoice_no_more() {
    let found =
        || Received { opportunity_id: OpportunityId::parse(OTHER).expect("valid"), is_found: true, ..payment() };
    let read = |fields: &[(&str, FieldValue)]| Fact::PaidRead { record: record(fields), unread: None };
    for fact in [read(&[]), read(&[("Stripe_Invoice_Id__c", text("in_2"))]), Fact::RecordMissing] {
        let point = after(Point::Paid { payment: found() }, fact);
        assert_eq!(point, claimed(true), "the deal of the metadata");
    }
    let Point::Paid { payment } = (Point::Done { payment: found() }).resume() else { panic!("it is looked at") };
    let dollars = Settings { multi_currency: true, ..settings(Amendments::Review) };
    let named = [("Stripe_Invoice_Id__c", text("in_1")), ("CurrencyIsoCode", text("USD"))];
    let point = Point::Paid { payment: payment.clone() }.record(read(&named), &dollars).expect("in order");
    assert_eq!(point.stop().map(|stop| stop.code), Some(Code::InvoiceInAnotherCurrency));
    assert_eq!(after(Point::Paid { payment }, read(&named[..1])).name(), "linked");
}

/// The deal that the invoice names was deleted: another one may have it.
#[test]
fn where_a_deal_is_gone_another_one_is_looked_for() {
    let seeking = after(Point::Paid { payment: payment() }, Fact::RecordMissing);
    let stopped = after(seeking.clone(), nobodys());
    assert_eq!(stopped.stop().map(|stop| stop.code), Some(Code::OpportunityNotFound));
    let found = after(seeking.clone(), looked_up(&[OTHER], &[], &[]));
    assert!(matches!(found, Point::Claimed { found: Some(_), .. }));
    assert!(seeking.record(Fact::Reported, &settings(Amendments::Review)).is_err());
}

pub(super) fn nobodys() -> Fact {
    looked_up(&[], &[], &[])
}

/// Where that is switched on, an invoice that was made by hand is looked up at once, and a day long.
#[test]
fn what_nobody_made_for_a_deal_is_looked_up_where_that_is_wanted() {
    let looking = Settings { stray_invoices: StrayInvoices::LookedUp, ..settings(Amendments::Review) };
    let by = |change: fn(&mut InvoiceSeen)| match seen(InvoiceStatus::Paid, false) {
        Fact::InvoiceRead(mut seen) => {
            seen.is_ours = false;
            seen.customer_id = CustomerId::parse("cus_1").ok();
            change(&mut seen);
            claimed(false).record(Fact::InvoiceRead(seen), &looking).expect("in order")
        }
        fact => panic!("{fact:?}"),
    };
    // A subscription that nobody here sold bills by itself.
    let of_subscription = by(|seen| seen.subscription_id = domain::SubscriptionId::parse("sub_1").ok());
    assert_eq!(of_subscription.stop().map(|stop| stop.code), Some(Code::NotOurs));
    let nobody = after(by(|seen| seen.customer_id = None), nobodys());
    assert_eq!(nobody.stop().map(|stop| stop.code), Some(Code::NotOurs), "there is nobody to ask");
    // What another integration has written there is a guess.
    let guessed = by(|seen| drop(seen.metadata.insert("sf_opportunity_id".into(), DEAL.into())));
    assert!(matches!(guessed.next(), Next::Call(Call::LookUp { .. })), "{guessed:?}");
    let asked = || after(after(by(|_| {}), nobodys()), Fact::CustomerMissing);
    let ignored = after(asked(), looked_up(&[], &[], &[]));
    assert_eq!((ignored.stop().map(|stop| stop.code), ignored.status()), (Some(Code::NotOurs), Status::Rejected));
    assert!(matches!(after(asked(), looked_up(&[DEAL], &[], &[])), Point::Claimed { found: Some(_), .. }));
    let astray = after(asked(), looked_up(&[], &[ACCOUNT], &[OTHER]));
    let Next::Wait(stop) = astray.next() else { panic!("{astray:?}") };
    assert_eq!((astray.name(), stop.code), ("astray", Code::InvoiceWithoutDeal));
    assert_eq!(astray.clone().resume(), claimed(true), "somebody may have written its id by now");
    let stopped = after(astray, Fact::Refused(Refusal { stop: stop.clone() }));
    assert_eq!(stopped.stop(), Some(&stop));
}
