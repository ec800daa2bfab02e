use super::*;

#[test]
fn nobody_has_to_act_on_what_does_not_ask_to_be_billed() {
    let stops = [Stop::not_billable, Stop::refused, Stop::review].map(|stop| stop(Code::Renewal, "."));
    assert_eq!(stops.map(|stop| stop.needs_person()), [false, true, true]);
}

#[test]
fn several_refusals_are_told_as_one() {
    let told = |refused: &[Code]| {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.take(Ok(7)), Some(7));
        for code in refused {
            assert_eq!(refusals.take(Err::<(), _>(Stop::refused(*code, "Mend it."))), None);
        }
        refusals.into_stop()
    };
    assert_eq!(told(&[]), None);
    assert_eq!(told(&[Code::NoLines]), Some(Stop::refused(Code::NoLines, "Mend it.")));
    let message = "Mend 3 things. 1 (no_lines): Mend it. 2 (account_missing): Mend it. 3 (currency_unknown): Mend it.";
    let expected =
        Stop { also: vec![Code::AccountMissing, Code::CurrencyUnknown], ..Stop::refused(Code::NoLines, message) };
    assert_eq!(told(&[Code::NoLines, Code::AccountMissing, Code::CurrencyUnknown]), Some(expected));
}

/// As `docs/REFUSALS.md` has it: for each who has to act, what may be the matter and what mends it.
fn page() -> String {
    let mut page = include_str!("page.md").to_owned();
    for (owner, heading) in [
        (Owner::Sales, "Sales mends"),
        (Owner::Finance, "Finance decides"),
        (Owner::Admin, "An administrator mends"),
        (Owner::Nobody, "Nobody has to act"),
    ] {
        page.push_str(&format!("\n## {heading}\n\n| code | what is the matter | what mends it |\n|---|---|---|\n"));
        for code in Code::ALL.iter().filter(|code| code.owner() == owner) {
            page.push_str(&format!("| `{code}` | {} | {} |\n", code.cause(), code.remedy()));
        }
    }
    page
}

/// With `WRITE_DOCS=1` it writes the page.
#[test]
fn the_list_of_codes_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/REFUSALS.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(path, page()).expect("written");
    }
    let there = std::fs::read_to_string(path).expect("docs/REFUSALS.md");
    assert!(there == page(), "docs/REFUSALS.md is out of date: WRITE_DOCS=1 cargo test -p mapping codes");
}

#[test]
fn codes_are_short_and_plain() {
    for code in Code::ALL {
        let text = code.as_str();
        assert!(text.len() <= 80, "{text} does not fit Stripe_Sync_Status__c");
        assert!(text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{text}");
    }
}
