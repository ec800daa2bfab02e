use proptest::prelude::*;

use super::*;

fn money(amount: &str, currency: &str) -> Result<i64, MoneyError> {
    let currency = Currency::parse(currency).expect("valid currency");
    Money::from_major_units(amount.parse().expect("valid decimal"), currency).map(Money::minor_units)
}

#[test]
fn amounts_become_minor_units_exactly() {
    for (amount, currency, expected) in [
        ("48000", "USD", 4_800_000),
        ("0.10", "USD", 10),
        ("0.30", "EUR", 30),
        ("12.3400", "EUR", 1234),
        ("1500", "JPY", 1500),
        ("1500.00", "JPY", 1500),
        ("12.340", "KWD", 12_340),
        ("1234.56", "HUF", 123_456),
        ("700", "ISK", 70_000),
        ("700.00", "UGX", 70_000),
        ("-5.25", "USD", -525),
        ("0", "USD", 0),
    ] {
        assert_eq!(money(amount, currency), Ok(expected), "{amount} {currency}");
    }
}

#[test]
fn what_cannot_be_billed_exactly_is_refused() {
    for (amount, currency) in
        [("0.105", "USD"), ("1500.5", "JPY"), ("12.345", "KWD"), ("700.50", "ISK"), ("0.0000000001", "EUR")]
    {
        assert!(matches!(money(amount, currency), Err(MoneyError::NotRepresentable { .. })), "{amount} {currency}");
    }
    for amount in ["1e11", "10000000000", "79228162514264337593543950335"] {
        let amount = Decimal::from_scientific(amount).or_else(|_| amount.parse()).expect("valid decimal");
        let refused = Money::from_major_units(amount, Currency::parse("USD").expect("valid"));
        assert!(matches!(refused, Err(MoneyError::TooLarge { .. })), "{amount}");
    }
}

#[test]
fn a_refusal_names_the_smallest_unit() {
    let refusal = money("12.345", "KWD").expect_err("refused");
    assert_eq!(refusal.to_string(), "12.345 KWD cannot be billed exactly: KWD amounts are multiples of 0.01");
}

#[test]
fn currencies_are_iso_codes() {
    assert_eq!(Currency::parse("eur").map(|c| c.to_string()), Ok("EUR".into()));
    for text in ["", "EU", "EURO", "ABC", "€", "12$"] {
        assert_eq!(Currency::parse(text), Err(CurrencyError), "{text}");
    }
}

#[test]
fn stripe_writes_currencies_small_and_we_write_them_down_large() {
    let currency = Currency::parse("EUR").expect("valid");
    assert_eq!(currency.to_stripe(), "eur");
    assert_eq!(format!("{currency:?}"), "EUR");
    let written = serde_json::to_string(&currency).expect("written");
    assert_eq!(written, r#""EUR""#);
    assert_eq!(serde_json::from_str::<Currency>(&written).expect("read"), currency);
    serde_json::from_str::<Currency>(r#""EURO""#).expect_err("no currency");
}

#[test]
fn the_largest_amount_is_billed_and_no_larger_one() {
    assert_eq!(money("9999999999.99", "USD"), Ok(999_999_999_999));
    assert_eq!(money("-9999999999.99", "USD"), Ok(-999_999_999_999));
    assert!(matches!(money("10000000000", "USD"), Err(MoneyError::TooLarge { .. })));
    let largest = Money::from_minor_units(i64::MAX, Currency::parse("USD").expect("valid"));
    assert!(matches!(largest.checked_add(largest), Err(MoneyError::TooLarge { .. })));
}

#[test]
fn an_amount_is_read_by_people_in_major_units() {
    for (minor_units, currency, expected) in
        [(1250, "USD", "12.50 USD"), (1250, "JPY", "1250 JPY"), (-5, "EUR", "-0.05 EUR")]
    {
        let currency = Currency::parse(currency).expect("valid");
        assert_eq!(Money::from_minor_units(minor_units, currency).to_string(), expected);
    }
}

#[test]
fn only_one_currency_is_added_up() {
    let usd = Money::from_minor_units(1, Currency::parse("USD").expect("valid"));
    let eur = Money::from_minor_units(1, Currency::parse("EUR").expect("valid"));
    assert_eq!(usd.checked_add(usd).map(Money::minor_units), Ok(2));
    assert_eq!(usd.checked_add(eur), Err(MoneyError::CurrencyMismatch(usd.currency(), eur.currency())));
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(units in -9_999_999_999i64..9_999_999_999, code in "USD|EUR|JPY|KWD|ISK|HUF|CLP") {
        let currency = Currency::parse(&code).expect("valid currency");
        let money = Money::from_minor_units(units * currency.step(), currency);
        prop_assert_eq!(Money::from_major_units(money.to_major_units(), currency), Ok(money));
    }

    #[test]
    fn nothing_is_ever_rounded(units in any::<i32>(), extra in 1i64..1000, code in "USD|EUR|JPY") {
        let currency = Currency::parse(&code).expect("valid currency");
        let amount = Decimal::new(i64::from(units) * 1000 + extra, currency.exponent() + 3);
        match Money::from_major_units(amount, currency) {
            Ok(money) => prop_assert_eq!(money.to_major_units(), amount),
            Err(refusal) => {
                let not_representable = matches!(refusal, MoneyError::NotRepresentable { .. });
                prop_assert!(not_representable);
            }
        }
    }
}
