//! What is read in place of the package's own fields.

use mapping::LineField;

use super::{Field, Key, Kind, Of, Reads, Section};

const fn reads(
    name: &'static str,
    of: Of,
    value: Reads,
    field: Field,
    says: &'static str,
    example: &'static str,
) -> Key {
    Key { name, kind: Kind::Reads { of, value, field }, default: "", says, example }
}

const fn of_deal(
    name: &'static str,
    value: Reads,
    field: &'static str,
    says: &'static str,
    example: &'static str,
) -> Key {
    reads(name, Of::Opportunity, value, Field::Opportunity(field), says, example)
}

const fn of_account(name: &'static str, field: &'static str, says: &'static str, example: &'static str) -> Key {
    reads(name, Of::Account, Reads::Text, Field::Account(field), says, example)
}

const fn of_line(name: &'static str, value: Reads, field: LineField, says: &'static str, example: &'static str) -> Key {
    reads(name, Of::Line, value, Field::Line(field), says, example)
}

pub(super) const DEAL: Section = Section {
    name: "deal",
    says: "Where the organization keeps what is read of an opportunity, if not where the package has it. Each is an expression, and is read in place of the field.",
    keys: &[
        of_deal("amount", Reads::Number, "Amount", "What the deal comes to.", "'opportunity.Net_Amount__c'"),
        of_deal(
            "type",
            Reads::Text,
            "Type",
            "Its type; of `Renewal`s see subscriptions.renewals.",
            "'opportunity.Is_Renewal__c ? \"Renewal\" : \"New\"'",
        ),
        of_deal(
            "approved_amount",
            Reads::Number,
            "Stripe_Approved_Amount__c",
            "Up to which amount somebody has approved it.",
            "'opportunity.Approval_Limit__c'",
        ),
        of_deal(
            "start_date",
            Reads::Date,
            "Stripe_Start_Date__c",
            "The first day of its term, where no quote has it.",
            "'default(opportunity.Go_Live__c, opportunity.CloseDate)'",
        ),
        of_deal(
            "term_months",
            Reads::Number,
            "Stripe_Term_Months__c",
            "The months of its term, where no quote has them.",
            "'opportunity.Contract_Years__c * 12'",
        ),
    ],
};

pub(super) const LINE: Section = Section {
    name: "line",
    says: "The same of each line of a deal: `line` is the line, `product` its product.",
    keys: &[
        of_line("price", Reads::Text, LineField::Price, "The id of its price at Stripe.", "'product.Billing_Price__c'"),
        of_line("product", Reads::Text, LineField::Product, "How its product is called.", "'product.Invoice_Name__c'"),
        of_line(
            "description",
            Reads::Text,
            LineField::Description,
            "What the invoice says of it; without one, its product.",
            "'line.Invoice_Text__c'",
        ),
        of_line("quantity", Reads::Number, LineField::Quantity, "How much of it is sold.", "'line.Seats__c'"),
        of_line(
            "list_price",
            Reads::Number,
            LineField::ListPrice,
            "What one of it costs before discounts.",
            "'line.UnitPrice'",
        ),
        of_line(
            "total",
            Reads::Number,
            LineField::Total,
            "What the line comes to. The lines come to the deal's amount.",
            "'line.Net_Total__c'",
        ),
        of_line(
            "frequency",
            Reads::Text,
            LineField::Frequency,
            "How often it is billed, where `subscriptions.begin` is on.",
            "'product.Billing_Cycle__c'",
        ),
    ],
};

pub(super) const CUSTOMER: Section = Section {
    name: "customer",
    says: "The same of the account, for its customer at Stripe. An account is also read without a deal, so these know the account only.",
    keys: &[
        of_account(
            "name",
            "Account.Name",
            "How the customer is called.",
            "'default(account.Legal_Name__c, account.Name)'",
        ),
        of_account(
            "email",
            "Account.Billing_Email__c",
            "Where invoices are sent.",
            "'default(account.PersonEmail, account.Billing_Email__c)'",
        ),
        of_account("phone", "Account.Phone", "Its telephone number.", "'account.Billing_Phone__c'"),
        of_account("street", "Account.BillingStreet", "The street of its billing address.", "'account.ShippingStreet'"),
        of_account("city", "Account.BillingCity", "The city of it.", "'account.ShippingCity'"),
        of_account("state", "Account.BillingState", "The state or province of it.", "'account.ShippingState'"),
        of_account(
            "postal_code",
            "Account.BillingPostalCode",
            "The postal code of it.",
            "'account.ShippingPostalCode'",
        ),
        of_account(
            "country",
            "Account.BillingCountry",
            "The country of it.",
            "'default(account.BillingCountry, \"Germany\")'",
        ),
        of_account("tax_id", "Account.Tax_Id__c", "Its tax id.", "'account.VAT_Number__c'"),
        of_account("tax_id_type", "Account.Tax_Id_Type__c", "The type of that, in Stripe's words.", "'\"eu_vat\"'"),
        of_account(
            "tax_exempt",
            "Account.Tax_Exempt__c",
            "Whether it is exempt, in Stripe's words.",
            "'account.Is_Exempt__c ? \"exempt\" : \"none\"'",
        ),
    ],
};
