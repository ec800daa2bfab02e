//! Where a deal's lines are. One adapter for each place; behind it they are all the same.

use domain::{OpportunityId, Record};

use crate::Subscriptions;
use crate::deal::{Filter, RecordQuery};

/// What the company sells with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineSource {
    /// The products on the opportunity itself.
    #[default]
    OpportunityProducts,
    /// Salesforce CPQ: the lines of the opportunity's primary quote. Their net amounts contain discounts, and the proration of
    /// their term.
    CpqQuote,
    /// The products of the opportunity's activated orders.
    Orders,
}

/// What is read of every line, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineField {
    Price,
    Product,
    Description,
    Quantity,
    ListPrice,
    Total,
    Frequency,
}

/// What a configuration says that an invoice is to say of a line. No field of Salesforce's is called so.
pub(crate) const DESCRIBED: &str = "closedwon.described";

/// How a line is called there.
pub(crate) struct Names {
    object: &'static str,
    opportunity: &'static str,
    /// What else must hold of a line that counts.
    only: &'static [(&'static str, Only)],
    order_by: [&'static str; 2],
    pub quantity: &'static str,
    pub list_price: &'static str,
    pub total: &'static str,
    pub description: &'static str,
    pub product: &'static str,
    pub price: &'static str,
    /// Whether it is charged once, where the line says so; and what makes a subscription of it where that is left blank.
    pub charge_type: Option<&'static str>,
    pub subscription_pricing: Option<&'static str>,
    /// The line whose component it is, where products are sold in bundles.
    pub component_of: Option<&'static str>,
    /// Within how many days the invoice is to be paid, in words, where that was agreed with the lines.
    pub payment_terms: Option<&'static str>,
    /// How often a recurring line is billed. Where nothing else says whether a line is, this does.
    pub frequency: &'static str,
    /// `Arrears` for what is billed after it was used.
    pub billing_type: Option<&'static str>,
    pub term: TermNames,
}

/// Where the term of recurring lines stands.
pub(crate) struct TermNames {
    pub start: &'static str,
    pub months: &'static str,
    /// It is a quote's, and every line carries it; otherwise it is the opportunity's.
    pub of_quote: Option<QuoteTermNames>,
}

pub(crate) struct QuoteTermNames {
    pub end: &'static str,
    /// A line's own first and last day, and its own months.
    pub line_start: &'static str,
    pub line_end: &'static str,
    pub line_months: &'static str,
    /// `Evergreen` for a line without an end, whose net total is of one period.
    pub line_type: &'static str,
}

enum Only {
    Checked,
    Unchecked,
    Is(&'static str),
}

const OPPORTUNITY_PRODUCTS: Names = Names {
    object: "OpportunityLineItem",
    opportunity: "OpportunityId",
    only: &[],
    order_by: ["SortOrder", "Id"],
    quantity: "Quantity",
    list_price: "ListPrice",
    total: "TotalPrice",
    description: "Description",
    product: "Product2.Name",
    price: "Product2.Stripe_Price_Id__c",
    charge_type: None,
    subscription_pricing: None,
    component_of: None,
    payment_terms: None,
    frequency: "Product2.Stripe_Billing_Frequency__c",
    billing_type: None,
    term: TermNames { start: "Stripe_Start_Date__c", months: "Stripe_Term_Months__c", of_quote: None },
};

/// On an amendment's quote `SBQQ__Quantity__c` is the new total, and the effective quantity is what is sold with it.
const CPQ_QUOTE: Names = Names {
    object: "SBQQ__QuoteLine__c",
    opportunity: "SBQQ__Quote__r.SBQQ__Opportunity2__c",
    only: &[("SBQQ__Quote__r.SBQQ__Primary__c", Only::Checked), ("SBQQ__Optional__c", Only::Unchecked)],
    order_by: ["SBQQ__Number__c", "Id"],
    quantity: "SBQQ__EffectiveQuantity__c",
    list_price: "SBQQ__ListPrice__c",
    total: "SBQQ__NetTotal__c",
    description: "SBQQ__ProductName__c",
    product: "SBQQ__ProductName__c",
    price: "SBQQ__Product__r.Stripe_Price_Id__c",
    charge_type: Some("SBQQ__ChargeType__c"),
    subscription_pricing: Some("SBQQ__SubscriptionPricing__c"),
    component_of: Some("SBQQ__RequiredBy__c"),
    payment_terms: Some("SBQQ__Quote__r.SBQQ__PaymentTerms__c"),
    frequency: "SBQQ__BillingFrequency__c",
    billing_type: Some("SBQQ__BillingType__c"),
    term: TermNames {
        start: "SBQQ__Quote__r.SBQQ__StartDate__c",
        months: "SBQQ__Quote__r.SBQQ__SubscriptionTerm__c",
        of_quote: Some(QuoteTermNames {
            end: "SBQQ__Quote__r.SBQQ__EndDate__c",
            line_start: "SBQQ__StartDate__c",
            line_end: "SBQQ__EndDate__c",
            line_months: "SBQQ__SubscriptionTerm__c",
            line_type: "SBQQ__SubscriptionType__c",
        }),
    },
};

const ORDERS: Names = Names {
    object: "OrderItem",
    opportunity: "Order.OpportunityId",
    only: &[("Order.StatusCode", Only::Is("Activated"))],
    order_by: ["OrderItemNumber", "Id"],
    ..OPPORTUNITY_PRODUCTS
};

impl LineSource {
    pub(crate) fn names(self) -> &'static Names {
        match self {
            Self::OpportunityProducts => &OPPORTUNITY_PRODUCTS,
            Self::CpqQuote => &CPQ_QUOTE,
            Self::Orders => &ORDERS,
        }
    }

    /// As the configuration writes it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "opportunity_products" => Ok(Self::OpportunityProducts),
            "cpq_quote" => Ok(Self::CpqQuote),
            "orders" => Ok(Self::Orders),
            _ => Err("it must be opportunity_products, cpq_quote or orders".to_owned()),
        }
    }

    /// What its lines are in Salesforce.
    pub fn object(self) -> &'static str {
        self.names().object
    }

    /// Where the fields of a line's product stand in the line's record.
    pub fn product_prefix(self) -> &'static str {
        match self {
            Self::OpportunityProducts | Self::Orders => "Product2.",
            Self::CpqQuote => "SBQQ__Product__r.",
        }
    }

    /// Where a line has this.
    pub fn field(self, of: LineField) -> &'static str {
        let names = self.names();
        match of {
            LineField::Price => names.price,
            LineField::Product => names.product,
            // Without one it is the product, whatever else stands where the description would.
            LineField::Description => DESCRIBED,
            LineField::Quantity => names.quantity,
            LineField::ListPrice => names.list_price,
            LineField::Total => names.total,
            LineField::Frequency => names.frequency,
        }
    }

    /// What to do where a deal has no lines.
    pub(crate) fn without_lines(self) -> &'static str {
        match self {
            Self::OpportunityProducts => "Add at least one product to the opportunity: there is nothing to bill.",
            Self::CpqQuote => {
                "Give the opportunity a primary quote with at least one line that is not optional: there is nothing to bill."
            }
            Self::Orders => "Activate an order of the opportunity with at least one product: there is nothing to bill.",
        }
    }

    /// What of the opportunity is read for its recurring lines.
    pub(crate) fn opportunity_fields(self, subscriptions: Subscriptions) -> Vec<&'static str> {
        let term = &self.names().term;
        match (subscriptions, &term.of_quote) {
            (Subscriptions::Off, _) | (_, Some(_)) => vec![],
            (_, None) => vec![term.start, term.months],
        }
    }

    /// How many lines are asked for. One more than Stripe takes, so that "too many" is seen; many more where some of them are no
    /// lines of the invoice. A list of this length may be longer than that.
    pub(crate) fn most_read(self) -> u32 {
        if self.names().component_of.is_some() { 2000 } else { crate::plan::MOST_LINES + 1 }
    }

    /// The lines of a deal.
    pub(crate) fn query(self, opportunity_id: &OpportunityId, subscriptions: Subscriptions) -> RecordQuery {
        let names = self.names();
        let mut filter = vec![(names.opportunity, Filter::Is(opportunity_id.to_string()))];
        filter.extend(names.only.iter().map(|(field, only)| {
            let only = match only {
                Only::Checked => Filter::IsTrue,
                Only::Unchecked => Filter::IsFalse,
                Only::Is(text) => Filter::Is((*text).to_owned()),
            };
            (*field, only)
        }));
        RecordQuery {
            object: names.object,
            fields: names.fields(subscriptions),
            also: vec![],
            filter,
            order_by: names.order_by.to_vec(),
            limit: Some(self.most_read()),
        }
    }
}

impl Names {
    /// Fields that only subscriptions need are asked for where there are any: elsewhere they may not exist.
    fn fields(&self, subscriptions: Subscriptions) -> Vec<&'static str> {
        let asked = ["Id", self.quantity, self.list_price, self.total, self.description, self.product, self.price];
        let where_there = [self.charge_type, self.subscription_pricing, self.component_of, self.payment_terms];
        let term = &self.term;
        let of_quote = term.of_quote.as_ref().map(|quote| {
            let QuoteTermNames { end, line_start, line_end, line_months, line_type } = *quote;
            [term.start, term.months, end, line_start, line_end, line_months, line_type]
        });
        let recurring = [Some(self.frequency), self.billing_type]
            .into_iter()
            .chain(of_quote.into_iter().flatten().map(Some))
            .filter(|_| subscriptions != Subscriptions::Off);
        let mut fields: Vec<&'static str> = Vec::new();
        for field in asked.into_iter().chain(where_there.into_iter().chain(recurring).flatten()) {
            // A field that is asked for twice is a query that fails.
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    /// What costs nothing is no line of the invoice where products are sold in bundles and amended: a component that its bundle
    /// pays for, a bundle that its components pay for and that has no price at Stripe, a line that an amendment leaves as it is.
    pub fn is_included(&self, record: &Record) -> bool {
        let Some(component_of) = self.component_of else { return false };
        let costs_nothing = record.number(self.total).is_some_and(|total| total.is_zero());
        let is_unchanged = record.number(self.quantity).is_some_and(|quantity| quantity.is_zero());
        costs_nothing && (is_unchanged || record.text(component_of).is_some() || record.text(self.price).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As they stand where they are: an order's products have no field of the opportunity's.
    #[test]
    fn lines_come_in_their_order() {
        for (source, field) in [
            (LineSource::OpportunityProducts, "SortOrder"),
            (LineSource::CpqQuote, "SBQQ__Number__c"),
            (LineSource::Orders, "OrderItemNumber"),
        ] {
            let id = OpportunityId::parse("006000000000001AAA").expect("valid");
            assert_eq!(source.query(&id, Subscriptions::Off).order_by, [field, "Id"], "{source:?}");
        }
    }

    #[test]
    fn every_place_is_asked_in_its_own_words() {
        let id = OpportunityId::parse("006000000000001AAA").expect("valid");
        let is = |text: &str| Filter::Is(text.to_owned());
        for (configured, object, filter) in [
            ("opportunity_products", "OpportunityLineItem", vec![("OpportunityId", is("006000000000001AAA"))]),
            (
                "cpq_quote",
                "SBQQ__QuoteLine__c",
                vec![
                    ("SBQQ__Quote__r.SBQQ__Opportunity2__c", is("006000000000001AAA")),
                    ("SBQQ__Quote__r.SBQQ__Primary__c", Filter::IsTrue),
                    ("SBQQ__Optional__c", Filter::IsFalse),
                ],
            ),
            (
                "orders",
                "OrderItem",
                vec![("Order.OpportunityId", is("006000000000001AAA")), ("Order.StatusCode", is("Activated"))],
            ),
        ] {
            let source = LineSource::parse(configured).expect("configurable");
            let query = source.query(&id, Subscriptions::ClosedWon);
            let most = if configured == "cpq_quote" { 2000 } else { 251 };
            assert_eq!((query.object, query.filter, query.limit), (object, filter, Some(most)));
            let mut fields = query.fields.clone();
            fields.sort_unstable();
            fields.dedup();
            assert_eq!(fields.len(), query.fields.len(), "a field is asked for twice: {:?}", query.fields);
            let off = source.query(&id, Subscriptions::Off);
            let of_subscriptions: Vec<_> = fields.iter().filter(|field| !off.fields.contains(field)).copied().collect();
            assert_eq!(of_subscriptions.len(), if configured == "cpq_quote" { 9 } else { 1 }, "{of_subscriptions:?}");
            let of_opportunity = if configured == "cpq_quote" { 0 } else { 2 };
            assert_eq!(source.opportunity_fields(Subscriptions::ClosedWon).len(), of_opportunity);
            assert_eq!(source.opportunity_fields(Subscriptions::Off), [] as [&str; 0]);
        }
        assert!(LineSource::parse("quotes").is_err());
    }
}
