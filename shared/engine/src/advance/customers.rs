//! Which customer a deal is billed to: the account's, or the one that it has for subscriptions in the deal's currency. Each is a run of
//! its own, and the account's knows for which currencies there are others.

use domain::Currency;
use workflow::{Fact, Run, State, WantedCustomer, account_customer};

use super::has_news;
use crate::{Engine, Errand, Pause, RUN_IS_HELD, World};

impl<W: World> Engine<W> {
    /// That there is another one is written down before it is made: whoever comes along then bills none of its currency to the first one
    /// again, and an edit of the account reaches both.
    pub(super) async fn ensure_customer(&self, wanted: WantedCustomer, errand: &Errand<'_>) -> Result<Fact, Pause> {
        let WantedCustomer { account_id, details, named_by_salesforce, gone, recurs_in, is_apart } = wanted;
        let (gone, gone_apart) = if is_apart { (None, gone) } else { (gone, None) };
        let seed = |currency, named, gone| {
            let point = account_customer::Point::new(account_id.clone(), details.clone(), named, gone);
            Run::new(self.run_of_account(&account_id, currency), State::AccountCustomer(point))
        };
        let mut first = seed(None, named_by_salesforce, gone);
        first.apart.extend(recurs_in.filter(|_| is_apart));
        let first = self.customer(first, errand).await?;
        let is_remembered = |currency: &Currency| match planted!(ForgetsWhoIsApart) {
            true => is_apart,
            false => first.apart.contains(currency),
        };
        match recurs_in.filter(|currency| is_remembered(currency) && first.stop().is_none()) {
            None => Ok(customer_fact(&first, false)),
            Some(currency) => {
                let other = self.customer(seed(Some(currency), None, gone_apart), errand).await?;
                Ok(customer_fact(&other, true))
            }
        }
    }

    async fn customer(&self, seed: Run, errand: &Errand<'_>) -> Result<Run, Pause> {
        let customer = Box::pin(self.advance(seed.clone(), errand)).await?;
        // It was another deal's news that was under way.
        if has_news(&customer, &seed) {
            return Err(Pause::backoff(RUN_IS_HELD, "another deal had news of the customer as well"));
        }
        Ok(customer)
    }
}

pub(super) fn customer_fact(customer: &Run, is_apart: bool) -> Fact {
    match (customer.stop(), customer.customer_id()) {
        // One that does not take what is new is not billed: the invoice would go to where the customer is no more.
        (Some(stop), _) => Fact::CustomerStopped(stop.clone()),
        (None, Some(customer_id)) => Fact::CustomerKnown { customer_id: customer_id.clone(), is_apart },
        (None, None) => unreachable!("a customer's run ends with a customer or a reason"),
    }
}
