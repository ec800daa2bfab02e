use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_795_392_000).expect("valid")
}

fn read(attributes: &[(&str, Value)]) -> Result<Control, LedgerError> {
    let mut operator = item([("pk", text(CONTROL)), ("sk", text(OPERATOR))]);
    operator.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Control::read(&[operator], now())
}

#[test]
fn nothing_is_decided_where_nothing_is_written() {
    assert_eq!(Control::read(&[], now()).expect("read"), Control::default());
    assert_eq!(read(&[]).expect("read"), Control::default());
}

#[test]
fn whatever_is_written_under_stopped_stops_but_a_plain_no() {
    for (value, expected) in [
        (text("invoices go to the wrong account"), Some("invoices go to the wrong account")),
        (text("true"), Some("true")),
        (text(""), Some("")),
        (Value::Number(0), Some("")),
        (text("false"), None),
    ] {
        assert_eq!(read(&[("stopped", value)]).expect("read").stopped.as_deref(), expected);
    }
}

#[test]
fn a_ceiling_is_of_one_currency_and_counts_what_is_above_it() {
    let control = read(&[("ceiling_USD", Value::Number(10_000))]).expect("read");
    let money = |minor_units, code| Money::from_minor_units(minor_units, Currency::parse(code).expect("valid"));
    assert_eq!(control.ceiling_below(money(10_000, "USD")), None);
    assert_eq!(control.ceiling_below(money(10_001, "USD")), Some(money(10_000, "USD")));
    assert_eq!(control.ceiling_below(money(1_000_000, "EUR")), None);
}

#[test]
fn a_restore_is_looked_back_to_where_it_went() {
    let since = now().checked_sub(jiff::SignedDuration::from_hours(12)).expect("in range");
    let told = read(&[("epoch", Value::Number(1)), ("restored_to", time_of(since))]).expect("read");
    assert_eq!(told.restored, Some(Restored { epoch: 1, since }));
    let farthest = now().checked_sub(jiff::SignedDuration::from_hours(840)).expect("in range");
    let untold = read(&[("epoch", Value::Number(1))]).expect("read");
    assert_eq!(untold.restored, Some(Restored { epoch: 1, since: farthest }));
    let second = read(&[("epoch", Value::Number(2)), ("restored_to", time_of(now()))]).expect("read");
    assert_eq!(second.restored, Some(Restored { epoch: 2, since: farthest }), "the first may have taken more away");
    assert_eq!(read(&[("epoch", Value::Number(0))]).expect("read").restored, None);
}

#[test]
fn what_cannot_be_understood_is_an_error_and_never_nothing() {
    for (name, value) in [
        ("ceiling_USD", text("10000")),
        ("ceiling_USD", Value::Number(-1)),
        ("ceiling_DOLLARS", Value::Number(1)),
        ("epoch", text("1")),
        ("epoch", Value::Number(-1)),
        ("restored_to", text("2026-11-23T00:00:00Z")),
    ] {
        let mut attributes = vec![(name, value)];
        if name == "restored_to" {
            attributes.push(("epoch", Value::Number(1)));
        }
        assert!(matches!(read(&attributes), Err(LedgerError::Unreadable { .. })), "{attributes:?}");
    }
}

#[test]
fn a_newer_layout_is_an_error_and_an_older_one_is_raised() {
    let layout = |schema: u32| item([("pk", text(CONTROL)), ("sk", text(LAYOUT)), ("schema", number(schema))]);
    assert!(matches!(Control::read(&[layout(SCHEMA + 1)], now()), Err(LedgerError::Newer(_))));
    assert_eq!(Control::read(&[layout(SCHEMA)], now()).expect("read").layout, SCHEMA);
    assert_eq!(Control::read(&[], now()).expect("read").layout, 0);
}

fn time_of(timestamp: Timestamp) -> Value {
    Value::Number(timestamp.as_millisecond())
}
