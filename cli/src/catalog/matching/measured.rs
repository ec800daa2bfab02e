//! How well prices are found in catalogues as people keep them. What is sold is made up first; then each side is written down by
//! somebody else, with the mistakes that people make, and without knowing how it will be compared.

mod catalogues;
mod market;
mod noise;
mod random;

use catalogues::{Catalogues, catalogues};

use super::*;
use crate::catalog::product::{Billed, cost_of};

const SIZE: usize = 500;

/// What came of one seed.
#[derive(Debug, Default)]
struct Score {
    products: usize,
    suggested: usize,
    right: usize,
    /// Rightly told that there is nothing.
    nothing: usize,
    certain: usize,
    certain_and_wrong: usize,
}

fn measure(seed: u64) -> Score {
    let Catalogues { products, stripe, truth } = catalogues(seed, SIZE);
    let found = matches(&products, &stripe);
    let mut score = Score { products: products.len(), ..Score::default() };
    for ((product, found), truth) in products.iter().zip(&found).zip(&truth) {
        let is_right = found.price == *truth;
        score.suggested += usize::from(found.price.is_some());
        score.right += usize::from(found.price.is_some() && is_right);
        score.nothing += usize::from(found.price.is_none() && is_right);
        if found.certainty == Certainty::Certain {
            score.certain += 1;
            score.certain_and_wrong += usize::from(!is_right);
        }
        if std::env::var_os("SHOW_WRONG").is_some() && !is_right {
            let name = |id: &Option<PriceId>| {
                let price = id.as_ref().and_then(|id| stripe.prices.get(id));
                price.map(|price| {
                    (stripe.product_of(price).expect("there").name.clone(), cost_of(price), price.price.recurrence)
                })
            };
            println!("{product:?}\n  found {:?} {found:?}\n  truth {:?}", name(&found.price), name(truth));
        }
    }
    score
}

/// Where quotes say how often something is billed, less can be certain, and nothing is wrongly.
#[test]
fn without_intervals_nothing_is_certain_that_is_wrong() {
    for seed in 1..=2 {
        let Catalogues { mut products, stripe, truth } = catalogues(seed, SIZE);
        products.iter_mut().for_each(|product| product.billed = Billed::Unsaid);
        let found = matches(&products, &stripe);
        let certain: Vec<_> =
            found.iter().zip(&truth).filter(|(found, _)| found.certainty == Certainty::Certain).collect();
        assert!(certain.len() * 100 >= products.len() * 10, "seed {seed}: {}", certain.len());
        assert!(certain.iter().all(|(found, truth)| found.price == **truth), "seed {seed}");
    }
}

/// At least 95 of a hundred suggestions are right, and none that would be written without a person is wrong.
#[test]
fn prices_are_found_in_catalogues_as_people_keep_them() {
    let seeds = std::env::var("CATALOG_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    let mut all = Score::default();
    for seed in 1..=seeds {
        let score = measure(seed);
        println!("seed {seed}: {score:?}");
        assert!(score.right * 100 >= score.suggested * 95, "seed {seed}: {score:?}");
        assert_eq!(score.certain_and_wrong, 0, "seed {seed}: {score:?}");
        all.products += score.products;
        all.suggested += score.suggested;
        all.right += score.right;
        all.nothing += score.nothing;
        all.certain += score.certain;
    }
    println!(
        "{seeds} catalogues of {SIZE}: {} of {} suggestions are right, {} products rightly have none; {} of them are certain, 0 wrongly",
        all.right, all.suggested, all.nothing, all.certain
    );
    // A matcher that suggests nothing is never wrong.
    assert!((all.right + all.nothing) * 100 >= all.products * 90, "{all:?}");
    assert!(all.certain * 100 >= all.products * 25, "{all:?}");
}
