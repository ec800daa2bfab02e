use super::*;

fn details(modified: i64) -> CustomerDetails {
    let email = BillingEmail::parse("ap@acme.example").expect("valid");
    let modified_at = Timestamp::from_second(modified).ok();
    CustomerDetails { phone: Some("1".into()), modified_at, ..CustomerDetails::new("Acme".into(), email) }
}

fn address(line1: Option<&str>, line2: Option<&str>) -> Option<Address> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Some(Address { line1: text(line1), line2: text(line2), ..Address::default() })
}

#[test]
fn only_what_is_new_is_told_and_only_by_who_read_it_later() {
    let (earlier, now) = (details(1), details(2));
    let told = earlier.told(None);
    assert_eq!(now.news_since(Some(&told)), None, "the account was edited, and the customer is the same");
    let email = BillingEmail::parse("billing@acme.example").expect("valid");
    for (changed, expected) in [
        (
            CustomerDetails { name: "Acme Inc".into(), ..now.clone() },
            CustomerNews { name: Some("Acme Inc".into()), ..Default::default() },
        ),
        (
            CustomerDetails { email: Some(email.clone()), ..now.clone() },
            CustomerNews { email: Some(email.clone()), ..Default::default() },
        ),
        (
            CustomerDetails { phone: Some("2".into()), ..now.clone() },
            CustomerNews { phone: Some("2".into()), ..Default::default() },
        ),
        (
            CustomerDetails { address: address(Some("A 1"), None), ..now.clone() },
            CustomerNews { address: Some(address(Some("A 1"), None)), ..Default::default() },
        ),
    ] {
        assert_eq!(changed.news_since(Some(&told)), Some(expected));
        let stale = CustomerDetails { modified_at: Timestamp::from_second(0).ok(), ..changed.clone() };
        assert_eq!(stale.news_since(Some(&told)), None, "it was read before what was told");
        // Of what was read as late, more may be known by now.
        let same = CustomerDetails { modified_at: earlier.modified_at, ..changed.clone() };
        assert_eq!(same.news_since(Some(&told)), changed.news_since(Some(&told)));
        assert_eq!(earlier.news_since(Some(&told)), None);
        assert_eq!(changed.news_since(Some(&changed.told(Some(&told)))), None, "it is told by then");
    }
}

/// A phone number stays: Stripe's parameter list says of it that it cannot be emptied.
#[test]
fn an_address_can_be_taken_away() {
    let told = CustomerDetails { address: address(Some("A 1"), None), ..details(1) }.told(None);
    let gone = CustomerDetails { phone: None, ..details(2) };
    let expected = CustomerNews { address: Some(None), ..Default::default() };
    assert_eq!(gone.news_since(Some(&told)), Some(expected));
    assert_eq!(CustomerDetails { phone: None, ..details(2) }.news_since(Some(&details(1).told(None))), None);
}

#[test]
fn an_exemption_is_told_and_taken_back_and_never_guessed() {
    let exempt = |exempt, modified| CustomerDetails { exempt, ..details(modified) };
    let news = |now: &CustomerDetails, told: Option<&Told>| now.news_since(told).and_then(|news| news.exempt);
    let told = exempt(Some(TaxExempt::Reverse), 1).told(None);
    assert_eq!(news(&exempt(Some(TaxExempt::Exempt), 2), Some(&told)), Some(TaxExempt::Exempt));
    assert_eq!(news(&exempt(Some(TaxExempt::Reverse), 2), Some(&told)), None);
    assert_eq!(news(&exempt(None, 2), Some(&told)), Some(TaxExempt::None), "Salesforce says nothing of it any more");
    // A person may have exempted it at Stripe.
    let silent = exempt(None, 1).told(None);
    assert_eq!((news(&exempt(None, 2), Some(&silent)), news(&exempt(None, 2), None)), (None, None));
    assert_eq!(news(&exempt(Some(TaxExempt::None), 2), Some(&silent)), Some(TaxExempt::None));
}

#[test]
fn a_shipping_address_is_told_with_its_name_and_can_be_taken_away() {
    let shipped = |line1: &str, modified| CustomerDetails { shipping: address(Some(line1), None), ..details(modified) };
    let news = |now: &CustomerDetails, told: Option<&Told>| now.news_since(told).and_then(|news| news.shipping);
    let told = shipped("A 1", 1).told(None);
    let whole = |name: &str, line1| Some(address(Some(line1), None).map(|address| (name.to_owned(), address)));
    assert_eq!(news(&shipped("A 1", 2), Some(&told)), None);
    assert_eq!(news(&details(2), Some(&told)), Some(None));
    // A person may have written one at Stripe.
    let silent = details(1).told(None);
    assert_eq!((news(&details(2), Some(&silent)), news(&details(2), None)), (None, None));
    assert_eq!(news(&shipped("A 1", 2), Some(&silent)), whole("Acme", "A 1"));
    let renamed = CustomerDetails { name: "Acme SE".into(), ..shipped("A 1", 2) };
    assert_eq!(news(&renamed, Some(&told)), whole("Acme SE", "A 1"));
    // Another one comes after the one before is gone; so does the first one, of whom nobody knows what it had.
    for (now, told, expected) in
        [(shipped("A 2", 2), Some(&told), whole("Acme", "A 2")), (shipped("A 1", 2), None, whole("Acme", "A 1"))]
    {
        assert_eq!(news(&now, told), Some(None));
        let gone = now.told_by_news(told);
        assert_eq!(now.news_since(Some(&gone)).map(|news| news.shipping), Some(expected));
        let there = now.told_by_news(Some(&gone));
        assert_eq!((now.news_since(Some(&there)), there.modified_at), (None, told.and_then(|told| told.modified_at)));
    }
}

/// The ledger of an older program knows nothing of exemptions and tax ids.
#[test]
fn what_an_older_program_told_is_read() {
    let kept = serde_json::to_string(&details(1).told(None)).expect("writable");
    assert!(!kept.contains("exempt") && !kept.contains("shipping") && !kept.contains("tax_id"), "{kept}");
    let told: Told = serde_json::from_str(&kept).expect("readable");
    let tax_id = TaxId::parse(None, "DE123456789").ok();
    let now = CustomerDetails { tax_id, ..details(2) };
    assert!(now.tax_id_is_new(&told) && !details(2).tax_id_is_new(&told));
    // The account may have had it before the program knew the field.
    assert!(CustomerDetails { modified_at: details(1).modified_at, ..now.clone() }.tax_id_is_new(&told));
    assert!(!CustomerDetails { modified_at: None, ..now.clone() }.tax_id_is_new(&told));
    let kept = serde_json::to_string(&now.told(None)).expect("writable");
    assert!(!kept.contains("123456789"), "{kept}");
}

/// The next deal's contact may be somebody else.
#[test]
fn a_contacts_address_is_told_to_nobody_who_is_there() {
    let of_contact = |modified| CustomerDetails { email_is_accounts: false, ..details(modified) };
    let other = BillingEmail::parse("other@acme.example").expect("valid");
    let told = of_contact(1).told(None);
    assert_eq!(CustomerDetails { email: Some(other.clone()), ..of_contact(2) }.news_since(Some(&told)), None);
    assert_eq!(of_contact(2).news_since(None).and_then(|news| news.email), None);
    // The account gets an address of its own; is left without; and gets the same one again.
    let own = CustomerDetails { email: Some(other.clone()), ..details(3) };
    assert_eq!(own.news_since(Some(&told)).and_then(|news| news.email), Some(other));
    let told = own.told(Some(&told));
    assert_eq!(of_contact(4).news_since(Some(&told)), None);
    assert_eq!(CustomerDetails { modified_at: None, ..own }.news_since(Some(&of_contact(4).told(Some(&told)))), None);
}

#[test]
fn where_a_line_ends_is_a_difference() {
    let told = |address| CustomerDetails { address, ..details(1) }.told(None);
    assert_ne!(told(address(Some("A"), Some("B"))), told(address(Some("AB"), None)));
    assert_ne!(told(address(None, Some("A"))), told(address(Some("A"), None)));
    let written = serde_json::to_string(&told(address(Some("Main Street"), None))).expect("writable");
    assert!(!written.contains("Main") && !written.contains("acme"), "{written}");
}

fn seen(id: &str, value: &str) -> TaxIdSeen {
    let kind = if value.contains('-') { "us_ein" } else { "eu_vat" };
    TaxIdSeen { id: TaxIdId::parse(id).expect("valid"), kind: kind.into(), value: value.into() }
}

fn taxed(modified: i64, value: &str) -> CustomerDetails {
    CustomerDetails { tax_id: TaxId::parse(None, value).ok(), ..details(modified) }
}

/// The account's takes the place of those of its type, of the one before it, and of those that were to go; others are left.
#[test]
fn what_becomes_of_a_customers_tax_ids() {
    let (old, new) = ("DE111111111", "DE222222222");
    let news = |now: &CustomerDetails, told: &Told, there: &[(&str, &str)], going: &[&str]| {
        let there: Vec<_> = there.iter().map(|(id, value)| seen(id, value)).collect();
        let going: Vec<_> = going.iter().map(|id| TaxIdId::parse(id).expect("valid")).collect();
        let news = now.tax_id_news(told, &there, &going);
        let remove: Vec<_> = news.remove.iter().map(ToString::to_string).collect();
        (news.add.is_some(), remove.join(" "), news.is_none())
    };
    let (told, now, none) = (taxed(1, old).told(None), taxed(2, new), details(2));
    let ein = TaxId::parse(Some("us_ein"), "12-3456789").ok();
    let (of_ein, told_ein) = (
        CustomerDetails { tax_id: ein.clone(), ..details(2) },
        CustomerDetails { tax_id: ein, ..details(1) }.told(None),
    );
    for (what, found, expected) in [
        ("it is new", news(&now, &details(1).told(None), &[], &[]), (true, "", false)),
        ("it is there", news(&now, &told, &[("txi_2", new)], &[]), (false, "", true)),
        ("nothing is told", news(&none, &details(1).told(None), &[("txi_1", old)], &[]), (false, "", true)),
        ("another of its type", news(&now, &told, &[("txi_9", "DE999999999")], &[]), (true, "txi_9", false)),
        ("one of another type", news(&now, &told, &[("txi_9", "99-9999999")], &[]), (true, "", false)),
        ("the former of another type", news(&now, &told_ein, &[("txi_1", "12-3456789")], &[]), (true, "txi_1", false)),
        (
            "it has none any more",
            news(&none, &told, &[("txi_1", old), ("txi_9", "DE999999999")], &[]),
            (false, "txi_1", false),
        ),
        (
            "one was to go",
            news(&of_ein, &told_ein, &[("txi_1", "12-3456789"), ("txi_9", old)], &["txi_9"]),
            (false, "txi_9", false),
        ),
        (
            "it was to go, and is the account's again",
            news(&now, &told, &[("txi_2", new)], &["txi_2"]),
            (false, "", true),
        ),
    ] {
        assert_eq!(found, (expected.0, expected.1.to_owned(), expected.2), "{what}");
    }
    let to_go = TaxIdNews { add: None, remove: vec![TaxIdId::parse("txi_1").expect("valid")] };
    assert!(!to_go.is_none());
}

/// Other news are told by themselves, and say nothing of the tax id.
#[test]
fn a_tax_id_is_told_when_it_is_there() {
    let told = taxed(1, "DE111111111").told(None);
    let now = taxed(2, "DE222222222");
    assert!(now.tax_id_is_new(&told) && !now.tax_id_is_new(&now.told(None)));
    assert_eq!(now.told_by_news(Some(&told)).tax_id, told.tax_id);
    assert_eq!(now.told_tax_id(told.clone()).tax_id, now.told(None).tax_id);
    assert_eq!(told.clone().without_tax_id(), Told { tax_id: None, ..told });
}
