//! Modes in which one guard is off. Layers hide each other: a mistake in the second one shows only where the first does
//! not hold, and that the others hold without it has to be seen as well.

use planted::Bug;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A run is taken from a living holder.
    Leases,
    /// A save asks for no fence and no version; only the write-once registers and the link are left.
    Fence,
    /// An invoice may be linked to two runs.
    Links,
    /// The invoice that an opportunity names counts as its own, whoever made it.
    Ownership,
    /// A request goes out before its intent is saved.
    Intents,
    /// A replayed answer counts as how things are now.
    ReadingAgain,
    /// The draft that follows a deleted one gets the same keys.
    NewKeys,
    /// No key is trusted: each attempt has one of its own, and what is left is to wait and to look.
    Keys,
}

impl Guard {
    pub fn name(self) -> &'static str {
        match self {
            Self::Leases => "without-leases",
            Self::Fence => "without-fence",
            Self::Links => "without-links",
            Self::Ownership => "without-ownership",
            Self::Intents => "without-intents",
            Self::ReadingAgain => "without-reading-again",
            Self::NewKeys => "without-new-keys",
            Self::Keys => "without-keys",
        }
    }

    /// The mistake by which it is off.
    pub fn bug(self) -> Bug {
        match self {
            Self::Leases => Bug::StealsLeases,
            Self::Fence => Bug::SavesWithoutFence,
            Self::Links => Bug::LinksTwice,
            Self::Ownership => Bug::AdoptsForeignInvoice,
            Self::Intents => Bug::SendsBeforeSaving,
            Self::ReadingAgain => Bug::BelievesReplays,
            Self::NewKeys => Bug::KeepsKeysOfDeletedDraft,
            Self::Keys => Bug::TrustsNoKey,
        }
    }

    /// The rules that are about the guard itself, or that only it promises. What money hangs on is judged in every mode.
    pub fn not_judged(self) -> &'static [&'static str] {
        match self {
            Self::Links | Self::ReadingAgain | Self::Keys => &[],
            // The deleted draft's key may be days old. Then it is a new one to Stripe, and what it makes is a new draft.
            // Or, under the same key, another one for a deal that was edited: that is what new keys are for.
            Self::NewKeys => &["no_old_key", "one_body_under_one_key"],
            // That is what is off.
            Self::Leases => &["a_lease_is_respected"],
            // A holder that lost the run saves what it knew: it sets the counters back and ends the log elsewhere.
            Self::Fence => &[
                "versions_count_every_save",
                "fences_only_grow",
                "a_log_only_grows",
                "a_log_entry_never_changes",
                "the_log_is_whole",
                "the_log_tells_of_the_invoice",
                // It opens a run that has ended and whose message is gone, or takes back what was said about an edit. The
                // reconciler finds such runs; here there is none.
                "an_edit_is_never_silent",
                "every_run_ends",
                "no_payment_is_lost",
                // It takes back that the invoice was sent, and with it the key: the same invoice is mailed once more.
                "an_invoice_is_mailed_once",
                "a_lease_is_respected",
                "a_lease_outlives_its_holder",
                // It sets the generations of the keys back, so that one that Stripe knows comes again for another request.
                "no_old_key",
                "one_body_under_one_key",
            ],
            // The link keeps the run from being saved, so it comes back until it is a dead letter, and stands as it stood.
            Self::Ownership => &["every_run_ends", "the_queue_drains", "a_person_is_told"],
            // The save that carries the intent carries the invoice's id as well. Without it a process that dies after sending
            // leaves nothing behind but the key, and that is forgotten after a day, or belongs to another body when the deal was
            // edited. So this guard is no second layer: what is left is that an id, once saved, does not change, and that what
            // is sent was read.
            Self::Intents => &[
                "a_key_is_saved_before_it_is_sent",
                "no_old_key",
                "one_body_under_one_key",
                "an_invoice_is_mailed_once",
                "one_invoice_per_deal",
                "no_deal_is_lost",
                "a_refused_deal_is_not_billed",
                "a_spent_key_is_put_aside",
                "the_log_tells_of_the_invoice",
            ],
        }
    }
}
