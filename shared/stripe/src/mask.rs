//! What Stripe's sentences quote of what was sent is taken out of them: they go into logs, the ledger and Salesforce.

/// Long enough to say what is wrong.
const LONGEST: usize = 300;

/// How secrets begin. At Stripe every one does.
const SECRETS: [&str; 4] = ["sk_", "rk_", "pk_", "whsec_"];

/// The sentence in one line and cut short, without keys, tokens and addresses.
pub(crate) fn mask(message: &str) -> String {
    let mut after_bearer = false;
    let words = message.split_whitespace().map(|word| {
        let is_secret = std::mem::replace(&mut after_bearer, is_bearer(word)) || holds_secret(word);
        if is_secret { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

/// What Stripe says about an address quotes it after a colon, and what a person typed there need not look like one.
pub(crate) fn mask_address(message: &str) -> String {
    mask(message.split(':').next().unwrap_or_default())
}

/// Whether the next word is a token.
fn is_bearer(word: &str) -> bool {
    word.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case("bearer")
}

fn holds_secret(word: &str) -> bool {
    if word.contains(['@', '＠']) || word.contains("%40") {
        return true;
    }
    let lower = word.to_ascii_lowercase();
    SECRETS.iter().any(|secret| {
        // `disk_space` holds no key, `key=sk_live_…` does.
        lower.match_indices(secret).any(|(at, _)| !lower[..at].ends_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_hold_no_address_and_no_key() {
        for (given, expected) in [
            ("Invalid email: ap@acme.example with (rk_test_abc). See docs", "Invalid email: … with … See docs"),
            ("two\nlines\tand\u{a0}ap@acme.example\r\n", "two lines and …"),
            ("key=sk_live_abc,x", "…"),
            ("\"pk_test_1\" 'whsec_abc' RK_LIVE_A", "… … …"),
            ("https://x.example/?key=rk_test_1&a=b", "…"),
            ("Authorization: Bearer abc.def of", "Authorization: Bearer … of"),
            ("ap%40acme.example ap＠acme.example", "… …"),
            ("disk_space risk_level rak_customer_write", "disk_space risk_level rak_customer_write"),
        ] {
            assert_eq!(mask(given), expected, "{given}");
        }
        assert_eq!(mask(&"ü".repeat(1000)).chars().count(), 300);
    }

    #[test]
    fn what_was_typed_as_an_address_is_cut_off() {
        assert_eq!(mask_address("Invalid email address: Kim, the boss: mobile"), "Invalid email address");
        assert_eq!(mask_address("Invalid email address"), "Invalid email address");
    }
}
