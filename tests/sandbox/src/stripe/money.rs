//! Currencies and amounts. Amounts are integers in the currency's minor unit; unit amounts and quantities may have up
//! to twelve decimals and are multiplied as decimals.

use super::error::Error;
use rust_decimal::{Decimal, RoundingStrategy};

/// The codes Stripe presents prices in.
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp \
    byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd \
    hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk \
    mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar \
    sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof \
    xpf yer zar zmw";

/// Card networks know two decimals only, so the last digit of these must be 0.
const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

const ZERO_DECIMAL: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

/// The lower-case code, whatever the case it came in.
pub fn currency(text: &str, param: &str) -> Result<String, Error> {
    let code = text.to_ascii_lowercase();
    if CURRENCIES.split_whitespace().any(|known| known == code) {
        return Ok(code);
    }
    let list = CURRENCIES.split_whitespace().collect::<Vec<_>>().join(", ");
    Err(Error::invalid(param, format!("Invalid currency: {text}. Stripe currently supports these currencies: {list}")))
}

pub fn check_amount(amount: i64, currency: &str, param: &str) -> Result<i64, Error> {
    if THREE_DECIMAL.contains(&currency) && amount % 10 != 0 {
        let message =
            format!("Invalid amount: amounts in {currency} must end in 0, because its last digit is not used.");
        return Err(Error::invalid(param, message));
    }
    Ok(amount)
}

/// Unit amount × quantity, rounded half away from zero to the minor unit.
pub fn line_amount(unit_amount: Decimal, quantity: Decimal, param: &str) -> Result<i64, Error> {
    let product = unit_amount.checked_mul(quantity);
    let rounded = product.map(|exact| exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    rounded.and_then(|whole| i64::try_from(whole).ok()).ok_or_else(|| too_large(param))
}

pub fn too_large(param: &str) -> Error {
    Error::invalid(param, "The amount is too large.").code("amount_too_large")
}

/// `1050` → `1050`, `999.50` → `999.5`: how Stripe writes a decimal back.
pub fn plain(decimal: Decimal) -> String {
    decimal.normalize().to_string()
}

/// `$10.00`, `€10.00`, `CHF 10.00`: a price for people.
pub fn shown(price: &serde_json::Value) -> String {
    let currency = price["currency"].as_str().unwrap_or_default();
    let minor: Decimal = price["unit_amount_decimal"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let decimals = match currency {
        _ if THREE_DECIMAL.contains(&currency) => 3,
        _ if ZERO_DECIMAL.contains(&currency) => 0,
        _ => 2,
    };
    let mut major = minor / Decimal::from(10_i64.pow(decimals));
    major.rescale(major.scale().max(decimals));
    match currency {
        "usd" => format!("${major}"),
        "eur" => format!("€{major}"),
        "gbp" => format!("£{major}"),
        other => format!("{} {major}", other.to_ascii_uppercase()),
    }
}
