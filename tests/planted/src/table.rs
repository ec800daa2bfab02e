//! The bugs: what is wrong, and where such a thing has happened.

macro_rules! bugs {
    ($($name:ident($place:ident) = $slug:literal, $what:literal, $story:literal, [$($mode:literal),*];)*) => {
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

            /// The modes of the simulation under which it must show; the first is the one that shows it soonest. None: it is a
            /// guard that can be turned down, and no mistake.
            pub fn modes(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($mode),*],)* }
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
    GateIsOpen(Workflow) = "gate-is-open", "what is on the draft is not compared with the plan", "a cent off", ["all", "keys-ignored"];
    ResumesBlindly(Workflow) = "resumes-blindly", "an interrupted run goes on without looking", "F3", ["all"];
    IgnoresEdits(Workflow) = "ignores-edits", "a deal that was edited before the pivot is billed as it was", "F16", ["all"];
    IgnoresLaterEdits(Workflow) = "ignores-later-edits", "a deal that was edited after the pivot counts as billed right", "F16", ["no-reconciler"];
    RetiresNoKey(Workflow) = "retires-no-key", "after a definite refusal the same key is used again", "F12", ["all"];
    KeepsKeysOfDeletedDraft(Workflow) = "keeps-keys-of-deleted-draft", "the next draft gets the deleted one's keys", "F12", ["without-reading-again"];
    BelievesInWriteBack(Workflow) = "believes-in-write-back", "after an interruption the write-back counts as done", "F7", ["all"];
    BelievesSalesforce(Workflow) = "believes-salesforce", "what was written is not compared with what is there", "field security", ["all"];
    AdoptsForeignInvoice(Workflow) = "adopts-foreign-invoice", "any invoice that the opportunity names is taken for its own", "two deals, one invoice", ["without-links"];
    PaidWithoutLooking(Workflow) = "paid-without-looking", "the event, not the invoice, says that it is paid", "F16", ["all"];
    WritesWherever(Engine) = "writes-wherever", "a payment is written whatever the opportunity names by then", "late landing", ["credits-heavily"];
    AsksNobody(Workflow) = "asks-nobody", "whoever answers for the account is not asked to look after it", "lost task", ["subscriptions"];
    LeavesCasesOpen(Engine) = "leaves-cases-open", "that an invoice is paid or void is not told to whoever looks after its failure", "a case of what is paid", ["payments-failed"];
    BelievesFailures(Workflow) = "believes-failures", "a payment that failed is believed to be due still", "F: failed after paid", ["payments-failed"];
    LeavesInvoicesUntold(Workflow) = "leaves-invoices-untold", "what becomes of an invoice beside its payment is not told", "F: standing untold", ["payments-failed"];
    HidesOverdue(Workflow) = "hides-overdue", "an invoice whose day has gone by is shown as open", "F: standing untold", ["payments-failed"];
    LeavesOverdueAlone(Engine) = "leaves-overdue-alone", "nobody looks after an invoice that is overdue and was never charged", "a debt of nobody", ["payments-failed"];
    HidesDisputes(Engine) = "hides-disputes", "that a payment is disputed is not shown", "F: standing untold", ["payments-failed"];
    ForgetsDisputes(Workflow) = "forgets-disputes", "a dispute is forgotten where an older write had to be waited for", "a dispute lost by default", ["payments-failed-heavily", "payments-failed"];
    SwallowsDisputes(Workflow) = "swallows-disputes", "a dispute is not said where something else is wrong as well", "a dispute lost by default", ["payments-failed"];
    SaysDisputesAgain(Workflow) = "says-disputes-again", "what was said of a dispute is said again with each later event", "an alert storm", ["payments-failed"];
    MissesDisputes(Engine) = "misses-disputes", "a dispute counts as seen where its invoice was looked at since", "lost event", ["payments-failed"];
    ForgetsLateCases(Workflow) = "forgets-late-cases", "after a write of a case that was never answered it is not looked at once more", "late landing", ["payments-failed-heavily"];
    MissesFailures(Engine) = "misses-failures", "the reconciler does not ask for payments that failed", "lost event", ["payments-failed"];
    MissesSubscriptionEvents(Engine) = "misses-subscription-events", "the reconciler does not ask for changes of subscriptions", "lost status", ["renewals"];
    TellsNobodyOfSubscriptions(Engine) = "tells-nobody-of-subscriptions", "nobody looks how a new subscription stands", "lost status", ["subscriptions"];
    SendsBeforeSaving(Engine) = "sends-before-saving", "a request goes out before its intent is saved", "F1", ["all"];
    KeyOfTheAccount(Engine) = "key-of-the-account", "the key does not name the run", "F11", ["all"];
    KeyOfTheMoment(Engine) = "key-of-the-moment", "the key holds the time", "F11", ["without-intents"];
    TrustsOldKeys(Engine) = "trusts-old-keys", "a key is trusted after Stripe has forgotten it", "F10", ["all"];
    TrustsSpentKeys(Engine) = "trusts-spent-keys", "a key that replays a server error is sent for ever", "F7", ["all"];
    NeverWaits(Engine) = "never-waits", "it is looked while a request may still be under way", "late landing", ["without-keys"];
    SendsWithoutQuiet(Engine) = "sends-without-quiet", "the draft is sent while a change of its lines may be under way", "late landing", ["keys-ignored-heavily"];
    LookTakesAnything(Engine) = "look-takes-anything", "a look adopts another deal's invoice", "two deals, one invoice", ["all"];
    LookSeesDraftsOnly(Engine) = "look-sees-drafts-only", "a look misses the invoice that was sent", "F10", ["restored"];
    LookFindsNothing(Engine) = "look-finds-nothing", "an old key gets a successor without a look", "F10", ["without-keys"];
    BelievesReplays(Engine) = "believes-replays", "a replayed answer counts as how things are now", "F12", ["without-new-keys"];
    UnknownIsFinal(Engine) = "unknown-is-final", "a timeout or a server error counts as a refusal", "F7", ["all"];
    ForgetsRestores(Engine) = "forgets-restores", "nothing is looked for after a restore", "F30", ["restored"];
    IgnoresTheSwitch(Engine) = "ignores-the-switch", "the kill switch is not looked at", "an operator in a hurry", ["all"];
    IgnoresTheCeiling(Engine) = "ignores-the-ceiling", "an invoice above the ceiling is sent", "a typing mistake in an amount", ["all"];
    LeaseOfAMoment(Engine) = "lease-of-a-moment", "a lease ends when it begins", "F1", ["all"];
    SwallowsReports(Engine) = "swallows-reports", "a stop that needs a person is not parked", "silence", ["all"];
    NoFence(Ledger) = "no-fence", "a holder that lost the run saves all the same", "F5", ["heavy-freezes"];
    BeginsTwice(Ledger) = "begins-twice", "a run that exists is made anew", "F4", ["all"];
    StealsLeases(Ledger) = "steals-leases", "a run is taken from a living holder", "F4", ["all"];
    LinksTwice(Ledger) = "links-twice", "one invoice may be linked to two runs", "two deals, one invoice", ["without-ownership"];
    ForgetsTheLink(Ledger) = "forgets-the-link", "an invoice is saved without the link back", "a payment of nobody", ["all"];
    ChangesRegisters(Ledger) = "changes-registers", "the invoice of a run may change", "two invoices", ["without-intents"];
    IsNotItsOwn(Ledger) = "is-not-its-own", "an own write whose answer was lost counts as somebody else's", "F8", ["all"];
    ForgetsWhenSent(Ledger) = "forgets-when-sent", "a dead holder's last request counts as older than it is", "late landing", ["keys-ignored-heavily"];
    HidesOpenRuns(Ledger) = "hides-open-runs", "unfinished runs are not in the index", "F15", ["all"];
    DropsCalls(Ledger) = "drops-calls", "calls are not logged", "no reason to act on", ["all"];
    FirstBatchOnly(Workflow) = "first-batch-only", "of a long deal only the first hundred lines are billed", "a line short", ["all"];
    SkipsTheWriteBack(Workflow) = "skips-the-write-back", "an invoice that is sent counts as told", "two systems, two truths", ["all"];
    InsistsOnItsFields(Workflow) = "insists-on-its-fields", "what Salesforce does not keep is written again and again", "F27", ["all"];
    NewcomersBeginAnew(Workflow) = "newcomers-begin-anew", "each deal begins its account's customer anew", "two customers", ["all"];
    NewKeyForUnknown(Engine) = "new-key-for-unknown", "after an unknown outcome the next attempt has another key", "F11", ["all"];
    CountsFromTheLastSend(Engine) = "counts-from-the-last-send", "a key's age is counted from its last use", "F10", ["all"];
    DropsWhileHeld(Engine) = "drops-while-held", "an event of a run that is being worked on is dropped", "F4", ["all"];
    IgnoresTheDeadline(Engine) = "ignores-the-deadline", "it goes on when its time is over", "F9", ["heavy-freezes"];
    LetsStripeAdvance(Engine) = "lets-stripe-advance", "Stripe may finalize a draft by itself", "F14", ["all"];
    TakesPendingItems(Engine) = "takes-pending-items", "what lies around for the customer comes onto the invoice", "a stranger's line", ["no-reconciler"];
    SavesWithoutFence(Ledger) = "saves-without-fence", "a holder that lost the run saves unless an id has changed", "F5", ["heavy-freezes"];
    TakesOverAtOnce(Ledger) = "takes-over-at-once", "two workers take over one dead worker's run", "F4", ["heavy-freezes"];
    ForgetsTheDead(Ledger) = "forgets-the-dead", "a dead holder's last request counts as answered", "late landing", ["keys-ignored-heavily"];
    EndedIsEnded(Ledger) = "ended-is-ended", "no event takes up a run that has ended", "a mended deal is not billed", ["all"];
    TrustsNoKey(Engine) = "trusts-no-key", "every attempt is looked for, and has a key of its own", "the guard of the keys, turned down", [];
    CancelsArmed(Workflow) = "cancels-armed", "a subscription is canceled while its first invoice can still be sent", "two workers, one draft", ["subscriptions-heavily"];
    ForgetsTheDay(Workflow) = "forgets-the-day", "a term that is to come counts as done", "F15", ["subscriptions"];
    IgnoresPending(Workflow) = "ignores-pending", "what lies around for the customer comes with the first invoice", "a stranger's line", ["subscriptions"];
    BeginsUnapproved(Engine) = "begins-unapproved", "a subscription above the ceiling is begun, and Stripe sends it", "F14", ["subscriptions"];
    BeginsAfterAll(Engine) = "begins-after-all", "a subscription that could not begin for days begins on what was seen before", "a stranger's line", ["renewals"];
    NeverTellsNews(Workflow) = "never-tells-news", "a customer stays as it was when it was made", "an invoice to nobody", ["all"];
    NeverTellsAccounts(Engine) = "never-tells-accounts", "a customer hears what is new only from the next deal", "an invoice to nobody", ["all"];
    ForgetsRefusals(Engine) = "forgets-refusals", "a refused deal is not looked at when its account is mended", "a mended deal is not billed", ["all"];
    NeverTellsTaxIds(Workflow) = "never-tells-tax-ids", "a customer keeps the tax id that it was made with", "an invoice that cannot be booked", ["all"];
    KeepsFormerTaxIds(Workflow) = "keeps-former-tax-ids", "the tax id before the account's own stays beside it", "an invoice that cannot be booked", ["all"];
    TellsTheFirstOnly(Engine) = "tells-the-first-only", "of an account's customers only the first hears what is new", "an invoice to nobody", ["subscriptions"];
    GivesItAway(Workflow) = "gives-it-away", "the account is given the customer of its subscriptions in another currency", "two customers, one account", ["subscriptions"];
    CombinesForNobody(Workflow) = "combines-for-nobody", "a subscription in another currency than the customer's others is refused", "a lost deal", ["subscriptions"];
    ForgetsWhoIsApart(Engine) = "forgets-who-is-apart", "every subscription in a second currency is asked for with the first customer again", "two customers, one account", ["renewals"];
    MissesActivations(Engine) = "misses-activations", "a contract that was activated is not looked for", "an event that never left", ["subscriptions"];
    RenewsUnapproved(Engine) = "renews-unapproved", "a renewal above the ceiling is made, and Stripe bills it", "F14", ["renewals"];
    RenewsUnsettled(Engine) = "renews-unsettled", "a subscription is renewed before its own deal has settled on it", "two deals, one subscription", ["renewals", "renewals-heavily"];
    ProratesFromNow(Engine) = "prorates-from-now", "what changes inside a period is prorated from the day that it is sent on", "a day for nothing", ["renewals"];
    ProratesNothing(Workflow) = "prorates-nothing", "a renewal that begins inside a period counts from the next one on", "a period for nothing", ["renewals"];
    ChangesUnpreviewed(Workflow) = "changes-unpreviewed", "what a change is billed by at once is not looked at before", "a stranger's line", ["renewals"];
    ForgetsTheContract(Workflow) = "forgets-the-contract", "a subscription is not written to the contract that began it", "two systems, two truths", ["subscriptions"];
    CountsByTheLongest(Workflow) = "counts-by-the-longest", "what is billed more often than the rest is counted by the longest interval", "a lost deal", ["subscriptions"];
    NeverEnds(Workflow) = "never-ends", "a subscription goes on after the day that it is canceled on", "a period too much", ["subscriptions"];
    EndsInside(Workflow) = "ends-inside", "a subscription is ended inside a period that is billed", "a period too little", ["subscriptions"];
    RenewsTheCanceled(Workflow) = "renews-the-canceled", "a subscription that is to end is renewed all the same, and goes on", "two deals, one subscription", ["renewals-heavily"];
    ThinksItIsTold(Workflow) = "thinks-it-is-told", "what is said of the end while a deal is billed counts as told", "a period too much", ["subscriptions-heavily"];
    RenewsWithoutOnce(Workflow) = "renews-without-once", "what a renewal sells once is left out", "a lost line", ["renewals"];
    RefusesToProrate(Workflow) = "refuses-to-prorate", "a renewal that begins inside a period is refused", "a lost deal", ["renewals"];
    BillsBeside(Workflow) = "bills-beside", "a deal that was changed after billing is billed anew beside its first invoice", "two deals, one invoice", ["amendments"];
    BelievesInVoids(Workflow) = "believes-in-voids", "an invoice that was paid before it could be voided counts as void", "paid while it is replaced", ["amendments"];
    BelievesInVoidLinks(Workflow) = "believes-in-void-links", "an opportunity that names the invoice which was voided counts as billed", "a lost invoice", ["amendments"];
    CreditsWhatWentBack(Workflow) = "credits-what-went-back", "what was refunded is credited as well", "paid twice to the customer", ["credits"];
    LeavesWhatIsPaidInPart(Workflow) = "leaves-what-is-paid-in-part", "a deal that was changed is not billed anew where a part of its invoice is paid", "a changed deal, an old invoice", ["credits"];
    LeavesTheTick(Workflow) = "leaves-the-tick", "the invoice in the place of one that was paid counts as paid", "a lost invoice", ["credits"];
    TellsNobody(Engine) = "tells-nobody", "nobody is told that something waits for a person", "an event that never left", ["payments-failed"];
    SaysItAgain(Workflow) = "says-it-again", "the same is said again as often as it happens", "an alert storm", ["payments-failed"];
    ForgetsWhatIsSaid(Workflow) = "forgets-what-is-said", "a message that nobody answered for is sent again at once", "an alert storm", ["payments-failed-heavily"];
    DropsTheMessage(Around) = "drops-the-message", "a message that is to come back is deleted", "F21", ["all"];
    RunsExpire(Around) = "runs-expire", "a run is deleted after two days", "F6", ["all"];
    FirstPageOnly(Around) = "first-page-only", "only the first page of a list is read", "F10", ["all"];
    Naive(Around) = "naive", "the recipe of the articles: one record, the account's id as key, three tries", "F11", ["all"];
}
