//! What is seen of subscriptions that deals renew.

use domain::{Currency, CustomerId, LineItemId, SubscriptionId};
use jiff::Timestamp;
use workflow::{Extension, Fact, PreviewLineSeen, PreviewSeen, RenewableSeen};

use crate::advance::ledger_pause;
use crate::write::LINE_KEY;
use crate::{Engine, Ledger, Pause, Stripe, World};
use crate::{convert, write};

impl<W: World> Engine<W> {
    /// Of a name that Stripe does not know there is none.
    pub(crate) async fn find_renewed(
        &self,
        customer_id: &CustomerId,
        named: Option<&SubscriptionId>,
    ) -> Result<Fact, stripe::Error> {
        let at = self.now();
        let found = match named {
            Some(id) => match self.renewable_named(id).await {
                Ok(seen) => vec![seen],
                Err(stripe::Error::Refused(refusal)) if refusal.status == 404 => vec![],
                Err(error) => return Err(error),
            },
            None => {
                let all = self.stripe.subscriptions_of_customer(customer_id, Timestamp::UNIX_EPOCH).await?;
                let mut found = Vec::new();
                for one in &all {
                    found.push(self.renewable(one).await?);
                }
                found
            }
        };
        Ok(Fact::RenewableSeen { found, at })
    }

    pub(crate) async fn renewable_named(&self, id: &SubscriptionId) -> Result<RenewableSeen, stripe::Error> {
        self.renewable(&self.stripe.subscription(id).await?).await
    }

    pub(crate) async fn renewable(&self, seen: &stripe::Subscription) -> Result<RenewableSeen, stripe::Error> {
        Ok(convert::renewable(seen, &self.items_of(seen).await?, &self.scope))
    }

    /// All of them; an answer shows the first ten. Of one that is over nobody asks for the others.
    pub(crate) async fn items_of(
        &self,
        seen: &stripe::Subscription,
    ) -> Result<Vec<stripe::SubscriptionItem>, stripe::Error> {
        match seen.has_more_items && !seen.is_over {
            false => Ok(seen.items.clone()),
            true => self.stripe.subscription_items(&seen.id).await,
        }
    }

    /// Lines beyond those that a preview shows can be asked for nowhere: then it is asked whether anything waits that would be one.
    pub(crate) async fn preview(&self, extension: &Extension) -> Result<Fact, stripe::Error> {
        let seen = self.stripe.preview_renewal(&write::renewal(extension)).await?;
        let id = &extension.subscription_id;
        // By this renewal, or by one before that it is still to be billed for: then it is due.
        let sold_once = |line: &stripe::PreviewLine| {
            let key = line.metadata.get(LINE_KEY).filter(|_| line.prorates.is_none());
            key.and_then(|key| LineItemId::parse(key).ok())
        };
        let is_its = |line: &stripe::PreviewLine| line.prorates.as_ref() == Some(id) || sold_once(line).is_some();
        let brings_more = !seen.lines.iter().all(is_its)
            || seen.has_more_lines && self.stranger_waits_for(&extension.customer_id, id).await?;
        let lines = seen.lines.into_iter().map(|line| PreviewLineSeen {
            sold_once: sold_once(&line),
            price_id: line.price,
            amount: line.amount,
            starts_at: line.period_start,
            ends_at: line.period_end,
        });
        Ok(Fact::RenewalPreviewed(Box::new(PreviewSeen {
            currency: seen.currency,
            total: seen.total,
            added_tax: seen.tax.on_top,
            lines: lines.collect(),
            is_whole: !seen.has_more_lines,
            brings_more,
        })))
    }

    /// Nobody's but the customer's, or this subscription's and not sold by a renewal of it.
    async fn stranger_waits_for(&self, customer_id: &CustomerId, id: &SubscriptionId) -> Result<bool, stripe::Error> {
        let waiting = self.stripe.pending_items(customer_id).await?;
        let is_ours = |item: &stripe::PendingItem| item.metadata.contains_key(LINE_KEY);
        Ok(waiting.iter().any(|item| match &item.subscription {
            None => true,
            Some(its) => its == id && !is_ours(item),
        }))
    }

    /// Whether anything would come with the first invoice of a new subscription. What was added to another one does not, while that lives; and
    /// what is in another currency keeps it from beginning, which Stripe says.
    pub(crate) async fn anything_waits_for(
        &self,
        customer_id: &CustomerId,
        currency: Currency,
    ) -> Result<bool, stripe::Error> {
        let waiting = self.stripe.pending_items(customer_id).await?;
        let in_currency = waiting.iter().filter(|item| item.currency == Some(currency));
        let mut of: Vec<_> = in_currency.map(|item| item.subscription.as_ref()).collect();
        of.sort();
        of.dedup();
        for id in of {
            let lives = match id {
                Some(id) => !self.stripe.subscription(id).await?.is_over,
                None => false,
            };
            if !lives {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the run that began each has sent its first invoice: until then it may take the subscription away.
    pub(crate) async fn with_settled(&self, found: Vec<RenewableSeen>, at: Timestamp) -> Result<Fact, Pause> {
        let mut known = Vec::with_capacity(found.len());
        for mut seen in found {
            if let Some(key) = seen.begun_by.as_ref().filter(|_| !seen.is_over) {
                let stored = self.ledger.run(key).await.map_err(|error| ledger_pause(&error))?;
                let is_its_own = |run: &workflow::Run| run.subscription_id() == Some(&seen.subscription_id);
                seen.is_settled = stored.is_some_and(|stored| is_its_own(&stored.run) && stored.run.billed().is_some())
                    || planted!(RenewsUnsettled);
            }
            known.push(seen);
        }
        Ok(Fact::RenewableSeen { found: known, at })
    }
}
