//! Everything that can go wrong, and with what.

use crate::options::Mode;

/// Whom an operation talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Ledger,
    Stripe,
    Salesforce,
    Queue,
    /// Where people are told.
    Notifier,
    /// Not a call of ours: something that reaches us, or a process as a whole.
    World,
}

macro_rules! operations {
    ($($name:ident = $text:literal, $system:ident, $is_write:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            pub const ALL: &'static [Operation] = &[$(Operation::$name,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub fn system(self) -> System {
                match self {
                    $(Self::$name => System::$system,)*
                }
            }

            /// Changes something there.
            pub fn is_write(self) -> bool {
                match self {
                    $(Self::$name => $is_write,)*
                }
            }
        }
    };
}

operations! {
    LedgerGet = "ledger get", Ledger, false;
    LedgerPut = "ledger put", Ledger, true;
    LedgerTransact = "ledger transact", Ledger, true;
    LedgerQuery = "ledger query", Ledger, false;
    CreateCustomer = "create customer", Stripe, true;
    UpdateCustomer = "update customer", Stripe, true;
    AddTaxId = "add tax id", Stripe, true;
    RemoveTaxId = "remove tax id", Stripe, true;
    CreateInvoice = "create invoice", Stripe, true;
    AddLines = "add lines", Stripe, true;
    SendInvoice = "send invoice", Stripe, true;
    VoidInvoice = "void invoice", Stripe, true;
    DeleteInvoice = "delete invoice", Stripe, true;
    CreditInvoice = "credit invoice", Stripe, true;
    ReadPayments = "read payments", Stripe, false;
    ListCredits = "list credit notes", Stripe, false;
    DeleteCustomer = "delete customer", Stripe, true;
    ListEvents = "list events", Stripe, false;
    ReadCustomer = "read customer", Stripe, false;
    ListCustomers = "list customers", Stripe, false;
    SearchCustomers = "search customers", Stripe, false;
    ListTaxIds = "list tax ids", Stripe, false;
    ReadInvoice = "read invoice", Stripe, false;
    ReadMetadata = "read metadata", Stripe, false;
    ReadLines = "read lines", Stripe, false;
    ListInvoices = "list invoices", Stripe, false;
    CreatePrice = "create price", Stripe, true;
    CreateSubscription = "create subscription", Stripe, true;
    HoldInvoice = "hold invoice", Stripe, true;
    DisarmInvoice = "disarm invoice", Stripe, true;
    CancelSubscription = "cancel subscription", Stripe, true;
    RenewSubscription = "renew subscription", Stripe, true;
    EndSubscription = "end subscription", Stripe, true;
    PreviewRenewal = "preview renewal", Stripe, false;
    ReadPrice = "read price", Stripe, false;
    ListPrices = "list prices", Stripe, false;
    ReadSubscription = "read subscription", Stripe, false;
    ListSubscriptions = "list subscriptions", Stripe, false;
    ReadDeal = "read deal", Salesforce, false;
    ReadBilling = "read billing", Salesforce, false;
    ListDeals = "list deals", Salesforce, false;
    WriteBack = "write back", Salesforce, true;
    WriteNote = "write note", Salesforce, true;
    MarkPaid = "mark paid", Salesforce, true;
    ReadNaming = "read naming", Salesforce, false;
    WriteStanding = "write standing", Salesforce, true;
    ReadCase = "read case", Salesforce, false;
    WriteCase = "write case", Salesforce, true;
    ReadNames = "read names", Salesforce, false;
    Tell = "tell", Notifier, true;
    Park = "park", Queue, true;
    Enqueue = "enqueue", Queue, true;
    DelayMessage = "delay message", Queue, true;
    DeleteMessage = "delete message", Queue, true;
    ReceiveMessage = "receive message", World, false;
    StripeEvent = "stripe event", World, false;
    SalesforceEvent = "salesforce event", World, false;
    Invocation = "invocation", World, false;
    Pass = "pass of the reconciler", World, false;
    People = "operators", World, false;
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            pub const ALL: &'static [Fault] = &[$(Fault::$name,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

faults! {
    /// The process ends before the request leaves.
    CrashBefore = "crash before",
    /// The process ends after the effect and before the answer.
    CrashAfter = "crash after",
    /// The process ends while the request is under way, and the request lands later.
    CrashInFlight = "crash in flight",
    /// The process stands still before the request leaves, and then goes on as if nothing had happened.
    FreezeBefore = "freeze before",
    FreezeAfter = "freeze after",
    /// The answer takes nearly as long as the client waits.
    Slow = "slow answer",
    NeverArrives = "request lost",
    AnswerLost = "answer lost",
    /// The client gives up, and the request has its effect later.
    LandsLate = "lands late",

    Throttled = "throttled",
    /// The SDK sends again after a lost answer, and the second attempt meets the first one's item.
    OwnWriteConflict = "own-write conflict",
    TransactionConflict = "transaction conflict",

    RateLimited = "rate limited",
    KeyInUse = "key in use",
    ConnectFailed = "connection refused",
    StoredErrorWithEffect = "stored 500 with effect",
    StoredErrorWithoutEffect = "stored 500 without effect",
    GatewayError = "gateway error",
    UnreadableAnswer = "unreadable answer",

    LockedRow = "locked row",
    TokenExpired = "token expired",

    StripeOutage = "stripe outage",
    SalesforceOutage = "salesforce outage",
    DailyLimit = "daily limit",
    LedgerOutage = "ledger outage",

    DuplicateMessage = "message received twice",
    VisibilityEnds = "visibility ends early",
    EventDuplicated = "event duplicated",
    EventLate = "event late",
    /// The same event once more, days later.
    EventReplayed = "event replayed",
    /// It was made, and never arrives.
    EventLost = "event lost",
    /// It was never made: no list has it.
    EventNeverMade = "event never made",
    QueuePurged = "queue purged",
    LedgerRestored = "ledger restored",
    KillSwitch = "kill switch",

    DeadlineKill = "killed at the deadline",
    ClockSkew = "clocks differ",
}

impl Fault {
    /// Whether it can happen to this operation.
    pub fn hits(self, operation: Operation) -> bool {
        let (system, is_write) = (operation.system(), operation.is_write());
        let is_call = system != System::World;
        // The platform itself deletes a message that is done, when the process has nothing to do with it any more.
        let is_ours = is_call && operation != Operation::DeleteMessage;
        let is_deletion = matches!(
            operation,
            Operation::RemoveTaxId
                | Operation::DeleteInvoice
                | Operation::DeleteCustomer
                | Operation::CancelSubscription
        );
        let is_keyed = system == System::Stripe && is_write && !is_deletion;
        match self {
            Self::CrashBefore | Self::CrashAfter | Self::FreezeBefore | Self::FreezeAfter | Self::Slow => is_ours,
            Self::NeverArrives | Self::AnswerLost => is_call,
            Self::LandsLate | Self::CrashInFlight => is_write && is_ours && system != System::Queue,
            Self::Throttled => system == System::Ledger,
            Self::OwnWriteConflict => system == System::Ledger && is_write,
            Self::TransactionConflict => operation == Operation::LedgerTransact,
            Self::RateLimited | Self::ConnectFailed => matches!(system, System::Stripe | System::Notifier),
            Self::GatewayError | Self::UnreadableAnswer => system == System::Stripe,
            Self::KeyInUse | Self::StoredErrorWithEffect | Self::StoredErrorWithoutEffect => is_keyed,
            Self::LockedRow => system == System::Salesforce && is_write,
            Self::TokenExpired | Self::SalesforceOutage | Self::DailyLimit => system == System::Salesforce,
            Self::StripeOutage => system == System::Stripe,
            Self::LedgerOutage => system == System::Ledger,
            Self::DuplicateMessage | Self::VisibilityEnds => operation == Operation::ReceiveMessage,
            Self::EventDuplicated | Self::EventLate | Self::EventReplayed => {
                matches!(operation, Operation::StripeEvent | Operation::SalesforceEvent)
            }
            Self::EventLost => matches!(operation, Operation::StripeEvent | Operation::SalesforceEvent),
            Self::EventNeverMade => operation == Operation::StripeEvent,
            Self::QueuePurged | Self::LedgerRestored | Self::KillSwitch => operation == Operation::People,
            Self::DeadlineKill => matches!(operation, Operation::Invocation | Operation::Pass),
            Self::ClockSkew => operation == Operation::Invocation,
        }
    }

    pub fn comes_in(self, mode: Mode) -> bool {
        match mode {
            Mode::Calm => false,
            // There is nothing that could be stored under a key.
            Mode::KeysIgnored | Mode::KeysIgnoredHeavily if self == Self::KeyInUse => false,
            // Whoever restores a table waits until no worker is left that could write to it.
            Mode::KeysIgnored | Mode::HeavyFreezes if self == Self::LedgerRestored => false,
            // Nobody but the reconciler finds what was lost.
            _ if !mode.is_reconciled() => {
                !matches!(self, Self::EventLost | Self::EventNeverMade | Self::QueuePurged | Self::LedgerRestored)
            }
            _ => true,
        }
    }

    /// It lasts, instead of hitting one request.
    pub fn is_window(self) -> bool {
        matches!(self, Self::StripeOutage | Self::SalesforceOutage | Self::DailyLimit | Self::LedgerOutage)
    }

    /// Somebody does it once or twice in a history.
    pub fn is_an_act(self) -> bool {
        matches!(self, Self::QueuePurged | Self::LedgerRestored | Self::KillSwitch)
    }

    /// What there is more of where freezes are heavy.
    pub fn is_heavy(self) -> bool {
        matches!(self, Self::FreezeBefore | Self::FreezeAfter | Self::LandsLate | Self::CrashInFlight | Self::Slow)
    }
}

impl Operation {
    /// Whether anybody does it under this mode: some things only the reconciler does.
    pub fn comes_in(self, mode: Mode) -> bool {
        let is_the_reconcilers = matches!(self, Self::DeleteCustomer | Self::ListEvents | Self::ListDeals | Self::Pass)
                // And who tells of a subscription.
                || self == Self::Enqueue && !mode.has_terms() && !mode.fails();
        let is_of_subscriptions = matches!(
            self,
            Self::CreatePrice
                | Self::CreateSubscription
                | Self::HoldInvoice
                | Self::DisarmInvoice
                | Self::CancelSubscription
                | Self::EndSubscription
                | Self::ReadPrice
                | Self::ListPrices
                | Self::ReadSubscription
                | Self::ListSubscriptions
                | Self::ReadNaming
                | Self::WriteStanding
        );
        (mode.is_reconciled() || !is_the_reconcilers)
            && (mode.has_terms() || !is_of_subscriptions)
            && (mode.amends() || self != Self::VoidInvoice)
            && (mode.credits() || !matches!(self, Self::CreditInvoice | Self::ReadPayments | Self::ListCredits))
            && (mode.fails() || !matches!(self, Self::ReadCase | Self::WriteCase | Self::ReadNames | Self::Tell))
            && (mode.renews() || !matches!(self, Self::RenewSubscription | Self::PreviewRenewal))
    }

    /// What one roll decides between.
    pub fn faults(self) -> impl Iterator<Item = &'static Fault> {
        Fault::ALL.iter().filter(move |fault| fault.hits(self) && !fault.is_window() && !fault.is_an_act())
    }
}
