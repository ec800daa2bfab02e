//! Record ids: fifteen characters that differ by case, and three more that make case unimportant.

use std::collections::HashMap;

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The part of an id that tells one Salesforce instance from another.
const INSTANCE: &str = "gK0";

/// Ids start high enough that they mix digits with letters of both cases, as real ones do; an id without capitals would
/// never show a client that forgets the checksum.
const FIRST: u64 = 40_000_003_187;

/// The 18-character form of an id of 15 or 18 characters; nothing if it is no id, or if its last three characters do not
/// fit the others.
pub fn normalize(text: &str) -> Option<String> {
    if !matches!(text.len(), 15 | 18) || !text.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let (first_fifteen, given) = text.split_at(15);
    let checksum = checksum(first_fifteen);
    (given.is_empty() || given.eq_ignore_ascii_case(&checksum)).then(|| format!("{first_fifteen}{checksum}"))
}

/// For each block of five characters, bit i says whether character i is a capital.
fn checksum(first_fifteen: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let index = |block: &[u8]| {
        block.iter().enumerate().fold(0, |bits, (i, c)| bits | (usize::from(c.is_ascii_uppercase()) << i))
    };
    first_fifteen.as_bytes().chunks(5).map(|block| char::from(ALPHABET[index(block)])).collect()
}

/// Hands out ids in ascending order, so that the order of ids is the order of creation.
#[derive(Debug, Default)]
pub struct Ids {
    next: HashMap<String, u64>,
}

impl Ids {
    pub fn next(&mut self, prefix: &str) -> String {
        let counter = self.next.entry(prefix.to_owned()).or_insert(FIRST);
        *counter += 1;
        let mut rest = *counter;
        let mut digits = [b'0'; 9];
        for digit in digits.iter_mut().rev() {
            *digit = BASE_62[usize::try_from(rest % 62).expect("a remainder of 62 fits")];
            rest /= 62;
        }
        let digits: String = digits.iter().copied().map(char::from).collect();
        normalize(&format!("{prefix}{INSTANCE}{digits}")).expect("a prefix has three letters or digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_vendor() {
        for (given, expected) in [
            ("001000000000001", Some("001000000000001AAA")),
            ("00DRM000000Fxts", Some("00DRM000000Fxts2AC")),
            ("0YLRM0000004Dfg", Some("0YLRM0000004Dfg4AE")),
            ("00DRM000000Fxts2AC", Some("00DRM000000Fxts2AC")),
            ("00DRM000000Fxts2AA", None),
            ("00DRM000000Fxt", None),
            ("00DRM000000Fx-s", None),
            ("", None),
        ] {
            assert_eq!(normalize(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn ids_ascend_and_keep_their_prefix() {
        let mut ids = Ids::default();
        let made: Vec<String> = (0..5000).map(|_| ids.next("006")).collect();
        assert!(made.is_sorted());
        assert!(made.iter().all(|id| id.starts_with("006") && normalize(id).as_ref() == Some(id)));
    }
}
