#![doc = include_str!("../README.md")]

mod access;
mod account;
mod activation;
mod afterwards;
mod amendment;
mod cancellation;
mod case;
mod collection;
mod customer;
mod deal;
mod field_names;
mod invoice;
mod lens;
mod line;
mod needs;
mod notification;
mod ownership;
mod payment;
mod plan;
mod preflight;
mod renewal;
mod rule;
mod search;
mod settings;
mod source;
mod standing;
mod stop;
mod subscription;
mod sweep;
mod task;
mod tax;
mod terms;
mod told;
mod update;

pub use access::{Withheld, Written, may_be_written, withheld, written};
pub use account::{AccountSeen, account_query, account_seen, accounts_query};
pub use activation::{Activated, Activation, activations};
pub use afterwards::{ABOUT, Asking, CaseDecision, INVOICE, PaidDecision, Ruled, TellDecision};
pub use amendment::Amendments;
pub use cancellation::{CANCEL_ON, canceled_on};
pub use case::{Care, CasePolicy, CaseSeen, CaseStep, Dues, Dunning, Failure, Had, IS_CLOSED, TaskStep};
pub use collection::Collection;
pub use customer::{CustomerDetails, ShippingAddress};
pub use deal::{
    ACCOUNT_FIELDS, CONTACT_ROLE_FIELDS, Cursor, Deal, Filter, OPPORTUNITY_FIELDS, RecordQuery, deal_queries,
};
pub use field_names::FieldNames;
pub use invoice::{CREDITED, DISPUTED, INVOICE_STATUS, InvoiceStanding, REFUNDED, SHOWN};
pub use lens::{ACCOUNT, LINE, LINES, Lens, OPPORTUNITY, PRODUCT, Seen};
pub use line::{PlanLine, Quantity};
pub use needs::{Needs, needs};
pub use notification::{Channel, Digest, Hearing, Message, Notifications, Tidings, Totals, names_asking, names_query};
pub use ownership::{OWNERSHIP, Owner as FieldOwner, is_own_write};
pub use payment::{AMOUNT_PAID, AMOUNT_REMAINING, Amounts, PAID, PAID_ON, Received, unpaid};
pub use plan::{LATEST_DUE, Plan, account_of, comes_to, customer_named_by, plan};
pub use preflight::{Findings, preflight};
pub use renewal::{Proration, RENEWAL_ID, Renewals, Renews};
pub use rule::{Branch, Decides, Decision, Judged, Rule};
pub use search::{Lost, Search, StrayInvoices, Whereabouts, currency_of};
pub use settings::{Settings, WON};
pub use source::{LineField, LineSource};
pub use standing::{
    Asked, CANCELLATION, CURRENT_MRR, Naming, PERIOD_END, STATUS, Standing, Standings, StandsOn, Untold,
};
pub use stop::{Code, Kind, Owner, Stop};
pub use subscription::{Interval, MOST_PERIODS, Subscription, Subscriptions, midnight};
pub use sweep::{
    DealMended, DealSeen, account_naming_query, deal_mended, deal_seen, deals_query, mended_query, stays_refused,
    won_query,
};
pub use task::{CancellationTask, Owners, UserField};
pub use tax::TaxBehavior;
pub use told::{CustomerNews, TaxIdNews, TaxIdSeen, Told};
pub use update::{
    InvoiceLinks, MRR, NOTE_CODE, NOTE_FIELDS, NOTE_MESSAGE, Update, account_names_another, billing_query,
    invoice_written_back, no_note, paid_query, renewal_written_back, sync_note,
};
