//! Expressions taken apart and put together again, for as long as `FUZZ_SECONDS` says.

use std::time::{Duration, Instant};

use super::properties::{TOKENS, tried};
use super::wrong::WRONG;

const RIGHT: &[&str] = &[
    "opportunity.Amount > 10000 && opportunity.StageName == 'Closed Won' || account.Name.startsWith('A')",
    "sum(lines.filter(l, l.Product2.Family == 'Software').map(l, round(l.TotalPrice * l.Quantity * 0.9, 2))) >= 1e3",
    "opportunity.CloseDate + days(30) < today ? text(opportunity.Amount) + ' €' : default(opportunity.NextStep, \"none\")",
    "!has(opportunity.Owner.Email) || opportunity.Tier__c in ['Gold', 'Silver', null] && -opportunity.Score__c % 2 == 1",
    "lines.all(a, lines.exists(b, a.Quantity <= b.Quantity)) && lines.exists_one(l, l.Discount > 5)",
    "date(opportunity.CreatedDate) - date('2026-01-31') > max(1, min([2.5, 3])) // comment",
];

/// The same numbers each time: a failure comes again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % most.max(1)
    }
}

/// Some place in the text between two characters.
fn place(dice: &mut Dice, text: &str) -> usize {
    let mut at = dice.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn changed(dice: &mut Dice, text: &str, other: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(4) {
        let (a, b) = (place(dice, &text), place(dice, &text));
        let (start, end) = (a.min(b), a.max(b));
        match dice.below(6) {
            0 => text.insert_str(start, TOKENS[dice.below(TOKENS.len())]),
            1 => {
                let removed = text[start..].chars().next().map_or(0, char::len_utf8);
                text.replace_range(start..start + removed, "");
            }
            2 => text.replace_range(start..end, TOKENS[dice.below(TOKENS.len())]),
            3 => {
                let again = text[start..end].to_owned();
                text.insert_str(start, &again);
            }
            4 => {
                let (c, d) = (place(dice, other), place(dice, other));
                text.insert_str(start, &other[c.min(d)..c.max(d)]);
            }
            _ => text = format!("({}) {} ({other})", text, ["+", "&&", "==", "?1:", "in"][dice.below(5)]),
        }
    }
    text
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a test runs is no decision of the crate")]
fn what_is_taken_apart_and_put_together_never_panics() {
    let seconds = std::env::var_os("FUZZ_SECONDS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(1);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut corpus: Vec<String> =
        RIGHT.iter().copied().chain(WRONG.iter().map(|(source, _)| *source)).map(str::to_owned).collect();
    let seeds = corpus.len();
    let mut tries = 0_u64;
    while Instant::now() < until {
        let (one, other) = (dice.below(corpus.len()), dice.below(corpus.len()));
        let text = changed(&mut dice, &corpus[one], &corpus[other]);
        tried(&text);
        tries += 1;
        // What has become long is thrown away, and the rest is changed further.
        let slot = seeds + dice.below(500);
        if text.len() < 1_500 {
            if slot < corpus.len() { corpus[slot] = text } else { corpus.push(text) }
        }
    }
    println!("{tries} expressions in {seconds} s");
    assert!(tries > 0);
}
