//! What a vendor's sentence quotes of what was sent is taken out of it: it goes into logs, the ledger, the dead-letter queue
//! and Salesforce.

/// Long enough to say what is wrong.
const LONGEST: usize = 300;

/// How keys and signing secrets begin; a validation rule may quote the field into which somebody pasted one.
const SECRETS: [&str; 4] = ["sk_", "rk_", "pk_", "whsec_"];

/// The sentence in one line and cut short, without keys, tokens and addresses.
pub fn mask(message: &str) -> String {
    let mut after_bearer = false;
    let words = message.split_whitespace().map(|word| {
        let is_secret = std::mem::replace(&mut after_bearer, is_bearer(word)) || holds_secret(word);
        if is_secret { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

/// Whether the next word is a token.
fn is_bearer(word: &str) -> bool {
    word.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case("bearer")
}

fn holds_secret(word: &str) -> bool {
    if word.contains(['@', '＠']) || word.contains("%40") {
        return true;
    }
    // A session id is the organization's id, an exclamation mark, and the secret part.
    if word.contains("00D") && word.contains('!') {
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
    fn sentences_hold_no_address_and_no_secret() {
        for (given, expected) in [
            ("Billing e-mail: ap@acme.example is bad", "Billing e-mail: … is bad"),
            ("two\nlines\tand\u{a0}ap@acme.example\r\n", "two lines and …"),
            ("key=sk_live_abc,x (rk_test_1) 'whsec_abc'", "… … …"),
            ("Authorization: Bearer abc.def of", "Authorization: Bearer … of"),
            ("token 00D000000000001!AQEAQ expired", "token … expired"),
            ("ap%40acme.example ap＠acme.example", "… …"),
            ("disk_space of 00D000000000001EAA!", "disk_space of …"),
            ("Invalid email: ap@acme.example with (rk_test_abc). See docs", "Invalid email: … with … See docs"),
            ("\"pk_test_1\" 'whsec_abc' RK_LIVE_A", "… … …"),
            ("https://x.example/?key=rk_test_1&a=b", "…"),
            ("disk_space risk_level rak_customer_write", "disk_space risk_level rak_customer_write"),
            (
                "No such column 'Stripe_Invoice_Id__c' on entity 'Opportunity'",
                "No such column 'Stripe_Invoice_Id__c' on entity 'Opportunity'",
            ),
        ] {
            assert_eq!(mask(given), expected, "{given}");
        }
        assert_eq!(mask(&"ü".repeat(1000)).chars().count(), 300);
    }
}
