//! Files taken apart and put together again, for as long as `FUZZ_SECONDS` says; and files that are deeper than a stack.

use std::time::{Duration, Instant};

use super::*;

/// The same numbers each time: a failure comes again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % most.max(1)
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let (one, other) = (self.below(length + 1), self.below(length + 1));
        one.min(other)..one.max(other)
    }
}

const MARKS: &[&str] = &[
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "\n",
    "\r\n",
    "\r",
    "#",
    "{",
    "}",
    ".",
    ",",
    "\\",
    "\\u00fc",
    "-1",
    "1e9",
    "0x",
    "inf",
    "true",
    "é",
    "😀",
    "\u{0}",
    "\t",
    " ",
    "2026-01-31",
    "rules = [",
    "then = {",
    "when = '",
    "name = \"",
    "opportunity.Amount",
    "lines.exists(l, l.Quantity > 1)",
    " && ",
    "\u{feff}",
    "\u{202e}",
];

/// Every kind of file there is: each key's example, each decision's, and every broken one.
fn corpus() -> Vec<Vec<u8>> {
    let of_keys = keys().map(|(section, key)| format!("[{}]\n{} = {}\n", section.name, key.name, key.example));
    let of_decisions =
        keys::ALL_RULES.into_iter().flat_map(|asks| asks.decisions.iter().map(|key| deciding(asks, key)));
    let all = of_keys.chain(of_decisions).chain(broken::cases().map(|case| case.file));
    all.map(String::into_bytes).collect()
}

/// In bytes, so that characters are torn apart, too.
fn changed(dice: &mut Dice, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for _ in 0..=dice.below(4) {
        let range = dice.range(file.len());
        let at = range.start;
        match dice.below(8) {
            0 => drop(file.splice(at..at, MARKS[dice.below(MARKS.len())].bytes())),
            1 => drop(file.drain(at..(at + 1).min(file.len()))),
            2 => drop(file.drain(range)),
            3 => drop(file.splice(range, MARKS[dice.below(MARKS.len())].bytes())),
            4 => {
                let again = file[range].to_vec();
                drop(file.splice(at..at, again));
            }
            5 => drop(file.splice(at..at, other[dice.range(other.len())].iter().copied())),
            6 if !file.is_empty() => {
                let (one, two) = (dice.below(file.len()), dice.below(file.len()));
                file.swap(one, two);
            }
            _ => {
                let bytes: Vec<u8> = (0..dice.below(9)).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect();
                drop(file.splice(at..at, bytes));
            }
        }
    }
    file
}

/// Whatever it is: it is read, or it is told what is wrong with it, at a place that it has.
fn tried(text: &str) -> bool {
    let Err(problems) = Configuration::read(text) else { return true };
    assert!(!problems.is_empty(), "{text:?}");
    let lines = text.matches('\n').count() + 1;
    for problem in &problems {
        assert!(problem.line <= lines && problem.column >= 1, "{text:?}: {problem}");
        assert!(problem.message.ends_with(['.', '?']), "{text:?}: {problem}");
    }
    let report = report("f", text, &problems);
    assert!(report.lines().count() >= 3 * problems.len(), "{text:?}");
    assert!(!report.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    false
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a test runs is no decision of the crate")]
fn what_is_taken_apart_and_put_together_never_panics() {
    let seconds = std::env::var_os("FUZZ_SECONDS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(1);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files = corpus();
    let seeds = files.len();
    let mut read = files.iter().filter(|file| tried(&String::from_utf8_lossy(file))).count();
    let mut tries = files.len();
    while Instant::now() < until {
        let (one, other) = (dice.below(files.len()), dice.below(files.len()));
        let file = match dice.below(20) {
            0 => (0..dice.below(200)).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect(),
            1 => (0..dice.below(30)).flat_map(|_| MARKS[dice.below(MARKS.len())].bytes()).collect(),
            _ => changed(&mut dice, &files[one], &files[other]),
        };
        read += usize::from(tried(&String::from_utf8_lossy(&file)));
        tries += 1;
        // What has become long is thrown away, and the rest is changed further.
        let slot = seeds + dice.below(500);
        if file.len() < 3_000 {
            if slot < files.len() { files[slot] = file } else { files.push(file) }
        }
    }
    println!("{tries} files in {seconds} s, of which {read} decide something");
    assert!(tries > read && read > 0);
}

fn deep(one: &str, depth: usize) -> String {
    one.repeat(depth.min((LONGEST - 200) / one.len()))
}

fn as_deep_as(depth: usize) -> [String; 15] {
    let rules = "[{ name = \"a\", when = 'opportunity.IsPrivate', then = { rules = ";
    [
        format!("a = {}", deep("[", depth)),
        format!("a = {}{}", deep("[", depth.min(30_000)), deep("]", depth.min(30_000))),
        format!("a = {}", deep("{ a = ", depth)),
        format!("a = {}1{}", deep("{a=", depth.min(15_000)), deep("}", depth.min(15_000))),
        format!("a = {}", deep("[{a=", depth)),
        format!("{}a = 1", deep("a.", depth)),
        format!("[{}a]", deep("a.", depth)),
        format!("[[{}a]]", deep("a.", depth)),
        format!("a = {{ {}a = 1 }}", deep("a.", depth)),
        format!("[won]\nrules = {}", deep(rules, depth)),
        format!("[won]\nrules = {}[]{}", deep(rules, depth.min(800)), deep(" } }]", depth.min(800))),
        format!("[won]\nwhen = '{}'", deep("(", depth)),
        format!("[won]\nwhen = '{}true'", deep("!", depth)),
        format!("[won]\nwhen = '{}'", deep("[", depth)),
        format!("[won]\nwhen = 'opportunity{}'", deep(".Account", depth)),
    ]
}

/// As deep as the longest file can be, on a stack that is smaller than any function's.
#[test]
fn what_is_deeper_than_a_stack_is_told_so() {
    let files = || [10, 50, 200, usize::MAX].into_iter().flat_map(as_deep_as);
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let refused = thread.spawn(move || files().filter(|file| !tried(file)).count()).expect("a thread");
    assert_eq!(refused.join().expect("it does not overflow"), files().count());
}

#[test]
fn a_hundred_rules_are_read_and_one_more_is_told() {
    let rule = |number: usize| {
        format!(
            "[[won.rules]]\nname = \"{number}\"\nwhen = 'opportunity.Amount > {number}'\nthen = {{ bill_once = true }}\n"
        )
    };
    let file: String = (0..100).map(rule).collect();
    assert_eq!(Configuration::read(&file).map(|read| read.settings.rules.len()), Ok(100));
    let told = said(&(file + &rule(100)));
    assert_eq!(told, ["401:1: too_many: There are more than 100 rules here: write fewer."]);
}
