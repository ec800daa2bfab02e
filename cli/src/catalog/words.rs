//! How much two names say the same: by their words, in any order, abbreviated or misspelt, the rare ones above the common ones.

use std::collections::{BTreeMap, BTreeSet};

use super::product::Billed;

/// Words that say nothing of what is sold.
const FILLERS: [&str; 16] = [
    "the",
    "a",
    "an",
    "of",
    "for",
    "and",
    "per",
    "with",
    "in",
    "by",
    "plan",
    "license",
    "licence",
    "product",
    "subscription",
    "price",
];

/// Currencies that people write into names.
const CURRENCIES: [&str; 10] = ["usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "sek", "nok", "dkk"];

/// Words that tell one tier of a product from the next.
const TIERS: [&str; 44] = [
    "basic",
    "starter",
    "start",
    "lite",
    "light",
    "free",
    "trial",
    "standard",
    "std",
    "plus",
    "pro",
    "professional",
    "prof",
    "premium",
    "prem",
    "advanced",
    "adv",
    "business",
    "biz",
    "team",
    "enterprise",
    "ent",
    "ultimate",
    "growth",
    "scale",
    "essential",
    "core",
    "bronze",
    "silver",
    "gold",
    "platinum",
    "diamond",
    "small",
    "medium",
    "large",
    "xl",
    "mini",
    "max",
    "elite",
    "personal",
    "individual",
    "entry",
    "classic",
    "unlimited",
];

/// So much of a word is said by another one, of a hundred.
const EQUAL: u32 = 100;
const SHORTENED: u32 = 85;
const MISSPELT: u32 = 85;
const ABBREVIATED: u32 = 75;
const INITIALS: u32 = 70;

/// A name as its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    words: Vec<String>,
    /// How often it is billed, where the name says so.
    pub says: Option<Billed>,
}

impl Name {
    pub fn of(text: &str) -> Self {
        let all = split(text);
        let says = all.iter().find_map(|word| interval(word));
        let all = without_one_time(all);
        let tells = |word: &&String| {
            !FILLERS.contains(&word.as_str()) && !CURRENCIES.contains(&word.as_str()) && interval(word).is_none()
        };
        let told: Vec<_> = all.iter().filter(tells).cloned().collect();
        Self { words: if told.is_empty() { all } else { told }, says }
    }
}

/// In lower case, without accents and plurals, numbers apart from letters.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = Kind::Neither;
    for c in text.chars().filter(|c| *c != '\'' && *c != '\u{2019}') {
        let kind = Kind::of(c);
        if kind != Kind::Neither {
            if kind != last {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase().map(without_accent));
            }
        }
        last = kind;
    }
    words.iter_mut().for_each(singular);
    words
}

/// Two words that say how often together, and mean something else apart.
fn without_one_time(mut words: Vec<String>) -> Vec<String> {
    if let Some(at) = words.windows(2).position(|pair| pair == ["one", "time"]).filter(|_| words.len() > 2) {
        words.drain(at..at + 2);
    }
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Neither,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            c if c.is_ascii_digit() => Self::Digit,
            c if c.is_alphanumeric() => Self::Letter,
            _ => Self::Neither,
        }
    }
}

fn without_accent(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        c => c,
    }
}

fn singular(word: &mut String) {
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
}

fn interval(word: &str) -> Option<Billed> {
    match word {
        "monthly" | "month" => Some(Billed::Months(1)),
        "quarterly" | "quarter" => Some(Billed::Months(3)),
        "semiannual" | "semiannually" => Some(Billed::Months(6)),
        "annual" | "annually" | "yearly" | "year" => Some(Billed::Months(12)),
        _ => None,
    }
}

/// How much weight each word has among all names: one that is in few of them says more.
#[derive(Debug, Clone, Default)]
pub struct Rarity {
    names: u32,
    with: BTreeMap<String, u32>,
}

impl Rarity {
    pub fn of<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        let mut rarity = Self::default();
        for name in names {
            rarity.names += 1;
            for word in name.words.iter().collect::<BTreeSet<_>>() {
                *rarity.with.entry(word.clone()).or_default() += 1;
            }
        }
        rarity
    }

    /// From 2 on, and one more for each time that the names could be halved before only those with the word are left.
    fn weight(&self, word: &str) -> u32 {
        let with = self.with.get(word).copied().unwrap_or(1).max(1);
        2 + (self.names.max(1) / with).max(1).ilog2()
    }
}

/// How much two names say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// Of a hundred.
    pub percent: u32,
    /// Each has a word that the other lacks.
    pub both_have_more: bool,
    /// Each names a tier, a size or a version that the other does not.
    pub tiers_differ: bool,
}

pub fn likeness(one: &Name, other: &Name, rarity: &Rarity) -> Likeness {
    let mut pairs = Vec::new();
    for (i, a) in one.words.iter().enumerate() {
        for (j, b) in other.words.iter().enumerate() {
            let alike = alike(a, b);
            if alike > 0 {
                pairs.push((alike, i, j));
            }
        }
    }
    // The best pairs first, and each word in one of them only.
    pairs.sort_by_key(|&(alike, i, j)| (std::cmp::Reverse(alike), i, j));
    let (mut left, mut right) = (Side::new(one, rarity), Side::new(other, rarity));
    let mut said = 0;
    for (alike, i, j) in pairs {
        if left.is_free[i] && right.is_free[j] {
            // An abbreviation is rare because of how it is written, which is no reason to count more than the word.
            let weight = left.weights[i].min(right.weights[j]);
            (left.weights[i], right.weights[j]) = (weight, weight);
            (left.is_free[i], right.is_free[j]) = (false, false);
            said += 2 * weight * alike;
        }
    }
    said += left.initials_of(&mut right) + right.initials_of(&mut left);
    let all: u32 = left.weights.iter().chain(&right.weights).sum();
    let differ = |tells: fn(&str) -> bool| left.left_over().any(tells) && right.left_over().any(tells);
    Likeness {
        percent: said.checked_div(all).unwrap_or_default(),
        both_have_more: left.left_over().next().is_some() && right.left_over().next().is_some(),
        tiers_differ: differ(|word| TIERS.contains(&word)) || differ(is_number),
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().any(|c| c.is_ascii_digit())
}

struct Side<'a> {
    words: &'a [String],
    weights: Vec<u32>,
    is_free: Vec<bool>,
}

impl<'a> Side<'a> {
    fn new(name: &'a Name, rarity: &Rarity) -> Self {
        let weights = name.words.iter().map(|word| rarity.weight(word)).collect();
        Self { words: &name.words, weights, is_free: vec![true; name.words.len()] }
    }

    fn left_over(&self) -> impl Iterator<Item = &'a str> {
        self.words.iter().zip(&self.is_free).filter(|(_, is_free)| **is_free).map(|(word, _)| word.as_str())
    }

    /// What a word of this side says by being the initials of words of the other one: CRM.
    fn initials_of(&mut self, other: &mut Side<'_>) -> u32 {
        let mut said = 0;
        for i in 0..self.words.len() {
            let length = self.words[i].chars().count();
            if !self.is_free[i] || !(2..=5).contains(&length) || other.words.len() < length {
                continue;
            }
            let spelt = |start: usize| {
                let range = start..start + length;
                other.is_free[range.clone()].iter().all(|is_free| *is_free)
                    && other.words[range].iter().filter_map(|word| word.chars().next()).eq(self.words[i].chars())
            };
            let Some(start) = (0..=other.words.len() - length).find(|start| spelt(*start)) else { continue };
            let range = start..start + length;
            let weight = other.weights[range.clone()].iter().sum();
            other.is_free[range].fill(false);
            (self.is_free[i], self.weights[i]) = (false, weight);
            said += 2 * weight * INITIALS;
        }
        said
    }
}

/// How much of one word the other says, of a hundred. Numbers are equal or not.
fn alike(a: &str, b: &str) -> u32 {
    if a == b {
        return EQUAL;
    }
    // Whatever is shortened or misspelt, the first letter is right: that leaves few words to look at.
    if a.chars().next() != b.chars().next() || is_number(a) || is_number(b) {
        return 0;
    }
    let (short, long) = if a.chars().count() <= b.chars().count() { (a, b) } else { (b, a) };
    match short.chars().count() {
        0 | 1 => 0,
        length if long.starts_with(short) => {
            if length > 2 {
                SHORTENED
            } else {
                INITIALS
            }
        }
        _ if is_abbreviation(short, long) => ABBREVIATED,
        length if length > 4 && differ_by_one(short, long) => MISSPELT,
        _ => 0,
    }
}

/// Its consonants in their order: mgmt, std, svc.
fn is_abbreviation(short: &str, long: &str) -> bool {
    let is_vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
    if short.chars().skip(1).any(is_vowel) {
        return false;
    }
    let mut letters = long.chars();
    short.chars().all(|c| letters.by_ref().any(|letter| letter == c))
}

/// By one letter that is wrong, missing, too much, or in its neighbour's place.
fn differ_by_one(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same_start..], &b[same_start..]);
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= 1,
        ([a1, a2, a_rest @ ..], [b1, b2, b_rest @ ..]) if a1 == b2 && a2 == b1 => a_rest == b_rest,
        ([_, a_rest @ ..], [_, b_rest @ ..]) => a_rest == b_rest || a_rest == b || a == b_rest,
    }
}

#[cfg(test)]
mod tests;
