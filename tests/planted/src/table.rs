//! The bugs: what is wrong, and where such a thing has happened.

macro_rules! bugs {
    ($($name:ident($place:ident) = $slug:literal, $what:literal, $story:literal;)*) => {
        /// A mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $what] $name,)*
        }

        impl Bug {
            pub const ALL: &'static [Bug] = &[$(Bug::$name,)*];

            /// Its name on the command line and in the matrix.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// The failure story that it repeats, or the promise that it breaks.
            pub fn story(self) -> &'static str {
                match self { $(Self::$name => $story,)* }
            }

            pub fn place(self) -> Place {
                match self { $(Self::$name => Place::$place,)* }
            }
        }
    };
}

/// Where a bug is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Workflow,
    Engine,
    Ledger,
    /// Around the code that ships: the function's own loop, a client, the table.
    Around,
}

bugs! {
    GateIsOpen(Workflow) = "gate-is-open", "what is on the draft is not compared with the plan", "a cent off";
    ResumesBlindly(Workflow) = "resumes-blindly", "an interrupted run goes on without looking", "F3";
    IgnoresEdits(Workflow) = "ignores-edits", "a deal that was edited before the pivot is billed as it was", "F16";
    IgnoresLaterEdits(Workflow) = "ignores-later-edits", "a deal that was edited after the pivot counts as billed right", "F16";
    RetiresNoKey(Workflow) = "retires-no-key", "after a definite refusal the same key is used again", "F12";
    KeepsKeysOfDeletedDraft(Workflow) = "keeps-keys-of-deleted-draft", "the next draft gets the deleted one's keys", "F12";
    BelievesInWriteBack(Workflow) = "believes-in-write-back", "after an interruption the write-back counts as done", "F7";
    BelievesSalesforce(Workflow) = "believes-salesforce", "what was written is not compared with what is there", "field security";
    AdoptsForeignInvoice(Workflow) = "adopts-foreign-invoice", "any invoice that the opportunity names is taken for its own", "two deals, one invoice";
    PaidWithoutLooking(Workflow) = "paid-without-looking", "the event, not the invoice, says that it is paid", "F16";
    SendsBeforeSaving(Engine) = "sends-before-saving", "a request goes out before its intent is saved", "F1";
    KeyOfTheAccount(Engine) = "key-of-the-account", "the key does not name the run", "F11";
    KeyOfTheMoment(Engine) = "key-of-the-moment", "the key holds the time", "F11";
    TrustsOldKeys(Engine) = "trusts-old-keys", "a key is trusted after Stripe has forgotten it", "F10";
    TrustsSpentKeys(Engine) = "trusts-spent-keys", "a key that replays a server error is sent for ever", "F7";
    NeverWaits(Engine) = "never-waits", "it is looked while a request may still be under way", "late landing";
    SendsWithoutQuiet(Engine) = "sends-without-quiet", "the draft is sent while a change of its lines may be under way", "late landing";
    LookTakesAnything(Engine) = "look-takes-anything", "a look adopts another deal's invoice", "two deals, one invoice";
    LookSeesDraftsOnly(Engine) = "look-sees-drafts-only", "a look misses the invoice that was sent", "F10";
    LookFindsNothing(Engine) = "look-finds-nothing", "an old key gets a successor without a look", "F10";
    BelievesReplays(Engine) = "believes-replays", "a replayed answer counts as how things are now", "F12";
    UnknownIsFinal(Engine) = "unknown-is-final", "a timeout or a server error counts as a refusal", "F7";
    ForgetsRestores(Engine) = "forgets-restores", "nothing is looked for after a restore", "F30";
    IgnoresTheSwitch(Engine) = "ignores-the-switch", "the kill switch is not looked at", "an operator in a hurry";
    IgnoresTheCeiling(Engine) = "ignores-the-ceiling", "an invoice above the ceiling is sent", "a typing mistake in an amount";
    LeaseOfAMoment(Engine) = "lease-of-a-moment", "a lease ends when it begins", "F1";
    SwallowsReports(Engine) = "swallows-reports", "a stop that needs a person is not parked", "silence";
    NoFence(Ledger) = "no-fence", "a holder that lost the run saves all the same", "F5";
    BeginsTwice(Ledger) = "begins-twice", "a run that exists is made anew", "F4";
    StealsLeases(Ledger) = "steals-leases", "a run is taken from a living holder", "F4";
    LinksTwice(Ledger) = "links-twice", "one invoice may be linked to two runs", "two deals, one invoice";
    ForgetsTheLink(Ledger) = "forgets-the-link", "an invoice is saved without the link back", "a payment of nobody";
    ChangesRegisters(Ledger) = "changes-registers", "the invoice of a run may change", "two invoices";
    IsNotItsOwn(Ledger) = "is-not-its-own", "an own write whose answer was lost counts as somebody else's", "F8";
    ForgetsWhenSent(Ledger) = "forgets-when-sent", "a dead holder's last request counts as older than it is", "late landing";
    HidesOpenRuns(Ledger) = "hides-open-runs", "unfinished runs are not in the index", "F15";
    DropsCalls(Ledger) = "drops-calls", "calls are not logged", "no reason to act on";
    DropsTheMessage(Around) = "drops-the-message", "a message that is to come back is deleted", "F21";
    RunsExpire(Around) = "runs-expire", "a run is deleted after two days", "F6";
    FirstPageOnly(Around) = "first-page-only", "only the first page of a list is read", "F10";
    Naive(Around) = "naive", "the recipe of the articles: one record, the account's id as key, three tries", "F11";
}
