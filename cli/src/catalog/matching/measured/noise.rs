//! How people write the same thing down in two systems.

use super::random::Random;

/// As people who are in a hurry write these.
const SHORT: [(&str, &str); 30] = [
    ("Management", "Mgmt"),
    ("Manager", "Mgr"),
    ("Standard", "Std"),
    ("Professional", "Pro"),
    ("Enterprise", "Ent"),
    ("Premium", "Prem."),
    ("Integration", "Int."),
    ("Development", "Dev"),
    ("Support", "Supp."),
    ("Service", "Svc"),
    ("Platform", "Plat."),
    ("Analytics", "Anlytcs"),
    ("Documentation", "Docs"),
    ("Document", "Doc"),
    ("Customer", "Cust."),
    ("Implementation", "Impl."),
    ("Configuration", "Config"),
    ("Package", "Pkg"),
    ("Training", "Trng"),
    ("Monitor", "Mon"),
    ("Inventory", "Inv"),
    ("Procurement", "Proc."),
    ("Medium", "Med"),
    ("Network", "Netw."),
    ("Security", "Sec"),
    ("Reporting", "Rep."),
    ("Warehouse", "WH"),
    ("Small", "S"),
    ("Large", "L"),
    ("Americas", "AMER"),
];
const OTHERWISE: [(&str, &str); 12] = [
    ("Suite", "Bundle"),
    ("Platform", "Cloud"),
    ("Monitor", "Observer"),
    ("Hub", "Center"),
    ("Assistant", "Copilot"),
    ("Studio", "Designer"),
    ("Training", "Course"),
    ("Workshop", "Session"),
    ("Insight", "Intelligence"),
    ("Access", "Entry"),
    ("Starter", "Launch"),
    ("Team", "Group"),
];
const NEW_NAMES: [&str; 8] = ["Aurora", "Beacon", "Compass", "Meridian", "Northstar", "Orbit", "Summit", "Vertex"];

fn replaced(words: &mut [String], pairs: &[(&str, &str)], most: usize) {
    let mut left = most;
    for word in words {
        if let Some((_, by)) = pairs.iter().find(|(from, _)| *from == word.as_str()).filter(|_| left > 0) {
            *word = (*by).to_owned();
            left -= 1;
        }
    }
}

fn misspelt(random: &mut Random, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() > 5 {
        let at = 1 + random.below(letters.len() - 2);
        if random.chance(50) {
            letters.swap(at, at + 1);
        } else {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

/// The name as somebody enters it.
pub fn written(random: &mut Random, name: &[String], is_renamed: bool) -> String {
    let mut words = name.to_vec();
    if is_renamed {
        if random.chance(70) {
            replaced(&mut words, &OTHERWISE, 1)
        } else {
            words[0] = random.pick(&NEW_NAMES).to_owned()
        }
    }
    if random.chance(18) {
        replaced(&mut words, &SHORT, 1 + random.below(2));
    }
    if random.chance(15) {
        random.shuffle(&mut words);
    }
    if random.chance(4) {
        let at = random.below(words.len());
        words[at] = misspelt(random, &words[at]);
    }
    let joint = random.pick(&[" ", " ", " ", " ", " - ", "-", "_", ", ", " / "]);
    let text = if words.len() > 2 {
        let (head, last) = words.split_at(words.len() - 1);
        format!("{}{joint}{}", head.join(" "), last[0])
    } else {
        words.join(" ")
    };
    let text = match random.below(20) {
        0 => text.to_uppercase(),
        1 | 2 => text.to_lowercase(),
        _ => text,
    };
    match random.below(20) {
        0 => format!("Acme {text}"),
        1 => format!("{text} License"),
        2 => format!("{text}  (new)"),
        3 => format!(" {text} "),
        _ => text,
    }
}

pub fn sku_as_written(random: &mut Random, sku: &str) -> String {
    match random.below(8) {
        0 => sku.to_lowercase(),
        1 => sku.replace('-', "_"),
        2 => format!(" {sku}"),
        _ => sku.to_owned(),
    }
}

pub fn how_often(every: u32) -> &'static str {
    match every {
        0 => "one-time",
        1 => "monthly",
        3 => "quarterly",
        12 => "annual",
        _ => "other",
    }
}
