//! Random deals, and what must come of them by sums of their own. `tests/it` bills the same ones over HTTP.

use domain::Currency;
use mapping::Code;
use rust_decimal::{Decimal, RoundingStrategy};

/// What Stripe bills in: docs.stripe.com/currencies. Without ANG, which was withdrawn in 2025.
pub const CURRENCIES: &str = "USD AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD \
    CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR \
    ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD \
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND \
    TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW";

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
    pub quantity: Decimal,
    pub list_price: Decimal,
    pub total: Decimal,
    /// What the price at Stripe says for one, in minor units.
    pub catalogue: Decimal,
}

pub struct Case {
    pub currency: Currency,
    pub amount: Decimal,
    pub lines: Vec<Line>,
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
            _ => 1 + random.below(4),
        };
        let lines: Vec<Line> = (0..count).map(|_| Line::generate(random, scale, decimals, exponent)).collect();
        let sum: Decimal = lines.iter().map(|line| line.total).sum();
        let off = Decimal::new(1, scale);
        let amount = match random.below(40) {
            0 => sum + off,
            1 => sum - off,
            _ => sum,
        };
        Self { currency: Currency::parse(code).unwrap(), amount, lines }
    }

    pub fn minor_units_in_one(&self) -> Decimal {
        power(decimals(self.currency.as_str()).1)
    }

    /// What must come of it: the amount in minor units, or one of these codes.
    pub fn judged(&self) -> Result<i64, Vec<Code>> {
        let (decimals, exponent) = decimals(self.currency.as_str());
        let is_exact = |amount: Decimal| amount.normalize().scale() <= decimals;
        let is_small = |amount: Decimal| amount.abs() * power(exponent) <= Decimal::from(999_999_999_999_i64);
        if self.amount <= Decimal::ZERO {
            return Err(vec![Code::AmountNotPositive]);
        }
        let lines_are_good = self.lines.iter().all(|line| is_exact(line.total) && line.quantity > Decimal::ZERO);
        let found = [
            (!is_exact(self.amount), Code::AmountNotRepresentable),
            (is_exact(self.amount) && !is_small(self.amount), Code::AmountTooLarge),
            (self.lines.len() > 250, Code::TooManyLines),
            (self.lines.len() <= 250 && !lines_are_good, Code::LinesNotBillable),
        ];
        let mut codes: Vec<_> = found.into_iter().filter_map(|(is_so, code)| is_so.then_some(code)).collect();
        let sum: Decimal = self.lines.iter().map(|line| line.total).sum();
        if codes.is_empty() && sum != self.amount {
            codes.push(Code::AmountDiffersFromLines);
        }
        if codes.is_empty() { Ok(i64::try_from(self.amount * power(exponent)).unwrap()) } else { Err(codes) }
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
    fn generate(random: &mut Random, scale: u32, decimals: u32, exponent: u32) -> Self {
        let quantity = match random.below(8) {
            0 => Decimal::new(1 + i64::try_from(random.below(99_999)).unwrap(), 2),
            1 => Decimal::new(1 + i64::try_from(random.below(999)).unwrap(), 1),
            _ => Decimal::from(1 + random.below(60)),
        };
        let list_price = random.decimal(1_000_000, decimals);
        let discount = match random.below(4) {
            0 => random.decimal(10_000, 2),
            _ => Decimal::ZERO,
        };
        let net = list_price * quantity * (Decimal::ONE_HUNDRED - discount) / Decimal::ONE_HUNDRED;
        // Most catalogues say what Salesforce says; some are out of date, some have prices in fractions of a cent.
        let catalogue = list_price * power(exponent)
            + match random.below(10) {
                0 => random.decimal(100, 0),
                1 => random.decimal(1000, 3),
                _ => Decimal::ZERO,
            };
        Self { quantity, list_price, total: rounded(net, scale), catalogue }
    }
}
