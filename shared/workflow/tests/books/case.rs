//! Random deals, and what must come of them by sums of their own. `tests/it` bills the same ones over HTTP.

use domain::Currency;
use jiff::Span;
use jiff::civil::Date;
use mapping::Code;
use rust_decimal::{Decimal, RoundingStrategy};

/// What Stripe bills in: docs.stripe.com/currencies. Without ANG, which was withdrawn in 2025.
pub const CURRENCIES: &str = "USD AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD \
    CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR \
    ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD \
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND \
    TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW";

/// How often something is billed, in the words of Salesforce.
pub fn frequency(months: u32) -> &'static str {
    match months {
        1 => "Monthly",
        3 => "Quarterly",
        6 => "Semiannual",
        _ => "Annual",
    }
}

/// How many decimals an amount of it may have, and so what its minor units are: the judge's own table.
pub fn decimals(currency: &str) -> (u32, u32) {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV" | "XAF"
        | "XOF" | "XPF" => (0, 0),
        "ISK" | "UGX" => (0, 2),
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => (2, 3),
        _ => (2, 2),
    }
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn is_one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn decimal(&mut self, below: u64, scale: u32) -> Decimal {
        Decimal::new(i64::try_from(self.below(below)).unwrap(), scale)
    }
}

pub struct Line {
    /// Lines of the same product name the same price.
    pub product: usize,
    pub quantity: Decimal,
    pub list_price: Decimal,
    pub total: Decimal,
    /// After how many months it comes back; `None` for what is billed once.
    pub every: Option<u32>,
    /// What the price at Stripe says for one, in minor units, and how often that comes back.
    pub catalogue: Decimal,
    pub catalogue_every: Option<u32>,
}

/// Of the lines that come back.
#[derive(Clone, Copy)]
pub struct Term {
    /// `None` for one without an end: what a line costs is then for one of its periods.
    pub months: Option<u32>,
    /// It begins with a month, so many before the one that it is.
    pub months_ago: u32,
}

impl Term {
    /// Of a term that is read in the month of this day.
    pub fn starts(self, today: Date) -> Date {
        today.first_of_month().checked_sub(Span::new().months(self.months_ago)).unwrap()
    }

    /// How many periods a line has that is billed every so many months.
    pub fn periods(self, every: u32) -> u32 {
        self.months.map_or(1, |months| months / every)
    }

    pub fn begun(self, every: u32) -> u32 {
        let begun = 1 + self.months_ago / every;
        if self.months.is_some() { begun.min(self.periods(every)) } else { begun }
    }
}

/// What is billed of a deal, in minor units.
#[derive(Debug, PartialEq, Eq)]
pub struct Billed {
    pub first_invoice: i64,
    /// Over the whole term, which is the deal's amount; without an end, what is billed once and one period of each other line.
    pub in_all: i64,
}

pub struct Case {
    pub currency: Currency,
    pub amount: Decimal,
    pub lines: Vec<Line>,
    /// Given if any line comes back.
    pub term: Option<Term>,
}

impl Case {
    pub fn generate(random: &mut Random, currencies: &[&str]) -> Self {
        let code = currencies[usize::try_from(random.below(currencies.len() as u64)).unwrap()];
        let (decimals, exponent) = decimals(code);
        // Salesforce may keep more decimals than its currency has.
        let scale = if random.is_one_in(12) { decimals + 1 } else { decimals };
        let count = match random.below(200) {
            0 => 251,
            1 => 5 + random.below(246),
            2..8 => 5 + random.below(20),
            _ => 1 + random.below(4),
        };
        let term = random.is_one_in(3).then(|| Term::generate(random, count));
        let mut lines: Vec<Line> = Vec::new();
        for product in 0..usize::try_from(count).unwrap() {
            let mut line = Line::generate(random, scale, decimals, exponent, term);
            line.product = product;
            // The same product once more.
            if let Some(other) = lines.last().filter(|other| other.every == line.every && random.is_one_in(8)) {
                let Line { product, list_price, catalogue, catalogue_every, .. } = *other;
                line = Line { product, list_price, catalogue, catalogue_every, ..line };
            }
            lines.push(line);
        }
        let term = term.filter(|_| lines.iter().any(|line| line.every.is_some()));
        let sum: Decimal = lines.iter().map(|line| line.total).sum();
        let off = Decimal::new(1, scale);
        let amount = match random.below(40) {
            0 => sum + off,
            1 => sum - off,
            _ => sum,
        };
        Self { currency: Currency::parse(code).unwrap(), amount, lines, term }
    }

    pub fn minor_units_in_one(&self) -> Decimal {
        power(decimals(self.currency.as_str()).1)
    }

    /// What a line costs each time, in the currency's own decimals. `None` if it does not divide.
    fn each(&self, line: &Line) -> Option<Decimal> {
        let (Some(every), Some(term)) = (line.every, self.term) else { return Some(line.total) };
        let periods = Decimal::from(term.periods(every));
        let each = (line.total / periods).normalize();
        (each * periods == line.total && each.scale() <= decimals(self.currency.as_str()).0).then_some(each)
    }

    /// What must come of it: what is billed, or these codes.
    pub fn judged(&self) -> Result<Billed, Vec<Code>> {
        let (decimals, exponent) = decimals(self.currency.as_str());
        let is_exact = |amount: Decimal| amount.normalize().scale() <= decimals;
        let is_small = |amount: Decimal| amount.abs() * power(exponent) <= Decimal::from(999_999_999_999_i64);
        if self.amount <= Decimal::ZERO {
            return Err(vec![Code::AmountNotPositive]);
        }
        let recurring = self.lines.iter().filter_map(|line| line.every);
        let (count, recurring, longest) = (self.lines.len(), recurring.clone().count(), recurring.max());
        let is_good = |line: &Line| is_exact(line.total) && is_small(line.total) && line.quantity > Decimal::ZERO;
        let lines_are_good = self.lines.iter().all(is_good);
        let are_many_items = recurring > 0 && (recurring > 20 || count - recurring > 20);
        let amount_is_good = is_exact(self.amount) && is_small(self.amount);
        let lines_are_taken = count <= 250 && lines_are_good && !are_many_items;
        let sum: Decimal = self.lines.iter().map(|line| line.total).sum();
        let term = self.term.filter(|_| lines_are_taken);
        let is_broken = |term: Term| longest.zip(term.months).is_some_and(|(every, months)| months % every != 0);
        let is_late = |term: Term| match term.months {
            Some(months) => months <= term.months_ago,
            None => longest.is_some_and(|every| term.begun(every) * every > 13),
        };
        let found = [
            (!is_exact(self.amount), Code::AmountNotRepresentable),
            (is_exact(self.amount) && !is_small(self.amount), Code::AmountTooLarge),
            (count > 250 || lines_are_good && are_many_items, Code::TooManyLines),
            (count <= 250 && !lines_are_good, Code::LinesNotBillable),
            (term.is_some_and(|term| is_broken(term) || is_late(term)), Code::TermNotBillable),
            (lines_are_taken && amount_is_good && sum != self.amount, Code::AmountDiffersFromLines),
            (
                term.is_some_and(|term| !is_broken(term)) && self.lines.iter().any(|line| self.each(line).is_none()),
                Code::AmountNotDivisible,
            ),
        ];
        let codes: Vec<_> = found.into_iter().filter_map(|(is_so, code)| is_so.then_some(code)).collect();
        if !codes.is_empty() {
            return Err(codes);
        }
        let in_all = i64::try_from(self.amount * power(exponent)).unwrap();
        Ok(Billed { first_invoice: self.billed_after(0), in_all })
    }

    /// What is billed by then of a deal that can be: its first invoice, and as many months of later ones.
    pub fn billed_after(&self, months: u32) -> i64 {
        let by_then = self.term.map(|term| Term { months_ago: term.months_ago + months, ..term });
        let begun = |line: &Line| line.every.zip(by_then).map_or(1, |(every, term)| term.begun(every));
        let amounts = self.lines.iter().map(|line| self.each(line).unwrap() * Decimal::from(begun(line)));
        i64::try_from(amounts.sum::<Decimal>() * self.minor_units_in_one()).unwrap()
    }
}

impl Term {
    fn generate(random: &mut Random, lines: u64) -> Self {
        let months = match random.below(10) {
            0 | 1 => None,
            2 => Some(1 + u32::try_from(random.below(40)).unwrap()),
            3 => Some(6),
            _ => Some(12 * (1 + u32::try_from(random.below(3)).unwrap())),
        };
        // Of a large deal no more than a first invoice has lines for.
        let most = if lines <= 4 && random.is_one_in(6) { 24 } else { 11 };
        Self { months, months_ago: u32::try_from(random.below(most)).unwrap() }
    }
}

pub fn power(exponent: u32) -> Decimal {
    Decimal::from(10_i64.pow(exponent))
}

/// As Salesforce and Stripe round, away from zero at the half.
pub fn rounded(amount: Decimal, scale: u32) -> Decimal {
    amount.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
}

impl Line {
    fn generate(random: &mut Random, scale: u32, decimals: u32, exponent: u32, term: Option<Term>) -> Self {
        let quantity = match random.below(8) {
            0 => Decimal::new(1 + i64::try_from(random.below(99_999)).unwrap(), 2),
            1 => Decimal::new(1 + i64::try_from(random.below(999)).unwrap(), 1),
            _ => Decimal::from(1 + random.below(60)),
        };
        let list_price = random.decimal(1_000_000, decimals);
        let discount = if random.is_one_in(4) { random.decimal(10_000, 2) } else { Decimal::ZERO };
        let net = list_price * quantity * (Decimal::ONE_HUNDRED - discount) / Decimal::ONE_HUNDRED;
        // Most catalogues say what Salesforce says; some are out of date, some have prices in fractions of a cent.
        let catalogue = list_price * power(exponent)
            + match random.below(10) {
                0 => random.decimal(100, 0),
                1 => random.decimal(1000, 3),
                _ => Decimal::ZERO,
            };
        let how_often = |random: &mut Random| [1, 1, 3, 6, 12][usize::try_from(random.below(5)).unwrap()];
        let every = term.filter(|_| !random.is_one_in(4)).map(|_| how_often(random));
        let catalogue_every = match every {
            Some(_) if random.is_one_in(10) => None,
            Some(_) if random.is_one_in(10) => Some(how_often(random)),
            every => every,
        };
        // Prices are for a period, and the line is for the term. Some were rounded as a whole.
        let periods = Decimal::from(every.zip(term).map_or(1, |(every, term)| term.periods(every).max(1)));
        let total = match every.is_some() && random.is_one_in(12) {
            true => rounded(net * periods, scale) + random.decimal(3, scale),
            false => rounded(net, scale) * periods,
        };
        Self { product: 0, quantity, list_price, total, every, catalogue, catalogue_every }
    }
}
