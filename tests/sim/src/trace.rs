//! What happened, one line each, and a hash over all of it.

use crate::executor::timestamp;

/// FNV-1a of 64 bits: it tells histories apart, nothing more is asked of it.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub at_ms: i64,
    pub who: u64,
    pub what: &'a str,
    /// The object or record that it was about.
    pub about: &'a str,
    pub outcome: &'a str,
}

impl Trace {
    /// Lines are kept only for a history that somebody reads.
    pub fn new(is_kept: bool) -> Self {
        Self { hash: OFFSET, lines: is_kept.then(Vec::new) }
    }

    pub fn note(&mut self, line: Line<'_>) {
        self.mix(&line.at_ms.to_le_bytes());
        self.mix(&line.who.to_le_bytes());
        for text in [line.what, line.about, line.outcome] {
            self.mix(text.as_bytes());
            self.mix(&[0xff]);
        }
        if let Some(lines) = &mut self.lines {
            let who = if line.who == 0 { "world".to_owned() } else { format!("#{}", line.who) };
            let Line { what, about, outcome, .. } = line;
            lines.push(format!("{}  {who:>6}  {what:<24} {about:<28} {outcome}", timestamp(line.at_ms)));
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }

    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Line<'_> = Line { at_ms: 5, who: 1, what: "a", about: "b", outcome: "c" };

    fn hash(lines: &[Line<'_>], is_kept: bool) -> u64 {
        let mut trace = Trace::new(is_kept);
        lines.iter().for_each(|line| trace.note(*line));
        trace.hash()
    }

    #[test]
    fn every_part_of_a_line_counts_and_keeping_it_does_not() {
        let expected = hash(&[LINE], false);
        assert_eq!(expected, hash(&[LINE], true));
        for other in [
            Line { at_ms: 6, ..LINE },
            Line { who: 2, ..LINE },
            Line { what: "ab", about: "", ..LINE },
            Line { outcome: "d", ..LINE },
        ] {
            assert_ne!(expected, hash(&[other], false));
        }
        assert_ne!(hash(&[LINE, LINE], false), expected);
    }

    #[test]
    fn a_line_is_readable() {
        let mut trace = Trace::new(true);
        trace.note(LINE);
        assert_eq!(trace.into_lines(), [format!("1970-01-01T00:00:00.005Z      #1  {:<24} {:<28} c", "a", "b")]);
    }
}
