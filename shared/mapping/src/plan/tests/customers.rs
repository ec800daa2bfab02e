//! Whom a deal is billed to, and what that is told of.

use super::*;

#[test]
fn what_a_customer_is_taxed_by_must_be_clear() -> Result<(), String> {
    check(set("Account.Tax_Id__c", text("DE 123456789")), Ok(15_000))?;
    check(set("Account.Tax_Id__c", text("123456789")), Err(Code::TaxIdInvalid))?;
    check(set("Account.Tax_Id_Type__c", text("nonsense")), Ok(15_000))?;
    check(set("Account.Tax_Exempt__c", text("Reverse")), Ok(15_000))?;
    check(set("Account.Tax_Exempt__c", text("yes")), Err(Code::TaxExemptUnknown))?;
    let mut deal = deal();
    for (field, value) in [("Tax_Id__c", "12-3456789"), ("Tax_Id_Type__c", "us_ein"), ("Tax_Exempt__c", "exempt")] {
        deal.opportunity.set(format!("Account.{field}"), text(value));
    }
    let (_, details) = plan(&deal, &settings()).map_err(|stop| stop.message)?;
    let tax_id = details.tax_id.as_ref().map(|id| (id.kind.as_str(), id.value.as_str()));
    assert_eq!((tax_id, details.exempt), (Some(("us_ein", "12-3456789")), Some(domain::TaxExempt::Exempt)));
    Ok(())
}

/// One that repeats the billing address is none, and none is read where nobody said that they are real.
#[test]
fn a_shipping_address_is_real_or_none() {
    let shipping = Settings { shipping: ShippingAddress::Account, ..settings() };
    let found = |fields: &[(&str, &str)], settings: &Settings| {
        let mut deal = deal();
        fields.iter().for_each(|(field, value)| deal.opportunity.set(format!("Account.Shipping{field}"), text(value)));
        let line1 = |details: CustomerDetails| details.shipping.and_then(|address| address.line1);
        plan(&deal, settings).map(|(_, details)| line1(details)).map_err(|stop| stop.code)
    };
    let elsewhere = [("Street", "Platz 1"), ("Country", "Austria")];
    assert_eq!(found(&elsewhere, &shipping), Ok(Some("Platz 1".to_owned())));
    assert_eq!((found(&elsewhere, &settings()), found(&[], &shipping)), (Ok(None), Ok(None)));
    let same = [("Street", "Unter den Linden 1\n3. Etage, Hinterhaus"), ("Country", "DE")];
    assert_eq!(found(&same, &shipping), Ok(None));
    for half in
        [&[("Street", "Platz 1")][..], &[("Country", "Austria")], &[("Street", "Platz 1"), ("Country", "Narnia")]]
    {
        assert_eq!(found(half, &shipping), Err(Code::ShippingAddressIncomplete), "{half:?}");
    }
    let read = |settings: &Settings| {
        let id = OpportunityId::parse("006000000000001AAA").expect("valid");
        crate::deal_queries(&id, settings)[0].fields.iter().filter(|field| field.contains("Shipping")).count()
    };
    assert_eq!((read(&settings()), read(&shipping)), (0, 5));
}

#[test]
fn an_address_to_ship_to_is_read_or_not() {
    assert_eq!(ShippingAddress::parse("off"), Ok(ShippingAddress::Off));
    assert_eq!(ShippingAddress::parse("account"), Ok(ShippingAddress::Account));
    for text in ["", "on", "Account"] {
        assert!(ShippingAddress::parse(text).is_err(), "{text}");
    }
}

/// Whose address of e-mail it is and how old what the account says is decide which of two deals is heard.
#[test]
fn a_customer_is_described_by_its_account() {
    let described = |deal: &Deal| plan(deal, &settings()).expect("billable").1;
    let mut deal = deal();
    deal.opportunity.set("Account.Phone", text("+49 30 1234567 ext. 12345"));
    deal.opportunity.set("Account.SystemModstamp", text("2026-11-23T10:11:12.000+0000"));
    let details = described(&deal);
    assert_eq!(details.phone.as_deref(), Some("+49 30 1234567 ext. "));
    assert_eq!(details.modified_at, "2026-11-23T10:11:12Z".parse().ok());
    assert!(details.email_is_accounts);
    deal.opportunity.set("Account.Billing_Email__c", FieldValue::Null);
    deal.primary_contact = Some(record([("Contact.Email", text("jo@acme.example"))]));
    assert!(!described(&deal).email_is_accounts, "it is the contact's");
}

/// Whether it is paid is only asked where a changed deal is billed anew.
#[test]
fn a_deal_is_asked_whether_it_is_paid_where_it_may_be_billed_anew() {
    let id = OpportunityId::parse("006000000000001AAA").expect("valid");
    for (amendments, is_asked) in [(Amendments::Review, false), (Amendments::VoidAndReissue, true)] {
        let fields = &crate::deal_queries(&id, &Settings { amendments, ..settings() })[0].fields;
        assert_eq!(fields.contains(&crate::PAID), is_asked, "{amendments:?}");
    }
}
