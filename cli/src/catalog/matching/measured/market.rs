//! What a company sells, as it is in truth: before anybody enters it anywhere.

use super::random::Random;

/// A thing that is sold at one price.
#[derive(Debug, Clone)]
pub struct Thing {
    /// Words of its name: what it is, and then the tier if there are several.
    pub name: Vec<String>,
    pub sku: String,
    /// Months; 0 for once.
    pub every: u32,
    pub currency: &'static str,
    /// Major units times a hundred, whatever the currency.
    pub hundredths: i64,
    /// Things of one group are the same thing, billed otherwise.
    pub group: usize,
    /// Things of one family differ by the tier, which is so many words at the end of the name.
    pub family: usize,
    pub tier_words: usize,
}

const FIELDS: [&str; 32] = [
    "Analytics",
    "Billing",
    "Compliance",
    "Connector",
    "Customer",
    "Dashboard",
    "Data",
    "Deployment",
    "Document",
    "Edge",
    "Fleet",
    "Forecast",
    "Gateway",
    "Identity",
    "Insight",
    "Integration",
    "Inventory",
    "Learning",
    "Logistics",
    "Marketing",
    "Messaging",
    "Mobile",
    "Network",
    "Payroll",
    "Planning",
    "Procurement",
    "Quality",
    "Reporting",
    "Scheduling",
    "Security",
    "Telemetry",
    "Workforce",
];
const KINDS: [&str; 16] = [
    "Suite",
    "Platform",
    "Manager",
    "Monitor",
    "Hub",
    "Service",
    "Support",
    "Warehouse",
    "Studio",
    "Assistant",
    "Management",
    "Access",
    "Console",
    "Development Kit",
    "Automation",
    "Engine",
];
const ONE_TIME: [&str; 8] = [
    "Onboarding",
    "Training Day",
    "Implementation",
    "Migration",
    "Workshop",
    "Installation",
    "Sensor",
    "Configuration Package",
];
const TIERS: [&[&str]; 9] = [
    &["Starter", "Team", "Enterprise"],
    &["Bronze", "Silver", "Gold", "Platinum"],
    &["Basic", "Standard", "Premium"],
    &["Small", "Medium", "Large"],
    &["100 GB", "500 GB", "1000 GB"],
    &["Professional", "Enterprise"],
    &["Lite", "Plus", "Max"],
    &["EMEA", "Americas", "APAC"],
    &["Named User", "Concurrent User"],
];
const POINTS: [i64; 16] = [
    900, 1500, 1900, 2900, 4900, 7900, 9900, 12_000, 14_900, 19_900, 25_000, 49_900, 99_000, 120_000, 250_000, 480_000,
];

/// So many units of a currency are about one dollar.
pub fn rate(currency: &str) -> i64 {
    if currency == "JPY" { 150 } else { 1 }
}

pub fn market(random: &mut Random, size: usize) -> Vec<Thing> {
    let mut things: Vec<Thing> = Vec::with_capacity(size);
    let mut used = std::collections::BTreeSet::new();
    let (mut group, mut family) = (0, 0);
    while things.len() < size {
        let is_once = random.chance(25);
        let kind = if is_once { random.pick(&ONE_TIME) } else { random.pick(&KINDS) };
        let field = random.pick(&FIELDS);
        if !used.insert((field, kind)) {
            continue;
        }
        let tiers: &[&str] = if random.chance(70) { random.pick(&TIERS) } else { &[""] };
        let currency = random.pick(&["USD", "USD", "USD", "USD", "USD", "EUR", "EUR", "GBP", "JPY"]);
        let mut place = random.below(POINTS.len() - tiers.len());
        for tier in tiers {
            let name: Vec<_> =
                [field, kind, tier].iter().flat_map(|part| part.split_whitespace()).map(str::to_owned).collect();
            let sku = format!("{}{}-{:03}", &field[..3].to_uppercase(), &kind[..2].to_uppercase(), 100 + things.len());
            let hundredths = POINTS[place] * rate(currency);
            // Now and then the next tier costs the same.
            place += usize::from(!random.chance(5));
            let every = if is_once { 0 } else { random.pick(&[1, 1, 1, 3, 12, 12]) };
            let tier_words = tier.split_whitespace().count();
            let thing = Thing { name, sku, every, currency, hundredths, group, family, tier_words };
            // Some are sold by the month and by the year, each as a product of its own.
            let twice = every == 1 && random.chance(25);
            things.push(thing.clone());
            if twice {
                let sku = format!("{}-A", thing.sku);
                things.push(Thing { sku, every: 12, hundredths: thing.hundredths * 10, ..thing });
            }
            group += 1;
        }
        family += 1;
    }
    things.truncate(size);
    // Two that are called the same and are not the same.
    for _ in 0..size / 60 {
        let (one, other) = (random.below(size), random.below(size));
        if things[one].group != things[other].group {
            things[other].name = things[one].name.clone();
            things[other].tier_words = things[one].tier_words;
        }
    }
    things
}
