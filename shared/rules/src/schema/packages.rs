//! Fields that packages bring: Closedwon's own, and those of Salesforce CPQ that it reads. What else CPQ has, nobody here knows.

use super::{NOTHING, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        object: "Account",
        texts: &["Billing_Email__c", "Stripe_Customer_Id__c", "Tax_Exempt__c", "Tax_Id_Type__c", "Tax_Id__c"],
        parents: &["CSM__r>User"],
        ..NOTHING
    },
    Table {
        object: "Opportunity",
        texts: &[
            "Renewal_Stripe_Sub_Id__c",
            "Stripe_Cancellation_Reason__c",
            "Stripe_Customer_Id__c",
            "Stripe_Invoice_Id__c",
            "Stripe_Invoice_PDF__c",
            "Stripe_Invoice_Status__c",
            "Stripe_Invoice_URL__c",
            "Stripe_Subscription_Id__c",
            "Stripe_Subscription_Status__c",
            "Stripe_Sync_Error__c",
            "Stripe_Sync_Status__c",
        ],
        numbers: &[
            "Stripe_Amount_Credited__c",
            "Stripe_Amount_Paid__c",
            "Stripe_Amount_Refunded__c",
            "Stripe_Amount_Remaining__c",
            "Stripe_Approved_Amount__c",
            "Stripe_Current_MRR__c",
            "Stripe_MRR__c",
            "Stripe_Term_Months__c",
        ],
        booleans: &["Payment_Received__c", "Stripe_Payment_Disputed__c"],
        dates: &["Paid_Date__c", "Stripe_Cancel_On__c", "Stripe_Period_End__c", "Stripe_Start_Date__c"],
        parents: &["SBQQ__RenewedContract__r>Contract"],
        ..NOTHING
    },
    Table { object: "Product2", texts: &["Stripe_Billing_Frequency__c", "Stripe_Price_Id__c"], ..NOTHING },
    Table {
        object: "Contract",
        texts: &[
            "Renewal_Stripe_Sub_Id__c",
            "Stripe_Cancellation_Reason__c",
            "Stripe_Subscription_Id__c",
            "Stripe_Subscription_Status__c",
        ],
        numbers: &["Stripe_Current_MRR__c", "Stripe_MRR__c"],
        dates: &["Stripe_Period_End__c"],
        parents: &["SBQQ__Opportunity__r>Opportunity"],
        ..NOTHING
    },
    Table { object: "Case", texts: &["Stripe_Invoice_Id__c"], ..NOTHING },
    Table {
        object: "SBQQ__Quote__c",
        texts: &["Name", "SBQQ__PaymentTerms__c", "SBQQ__Status__c", "SBQQ__Type__c"],
        numbers: &["SBQQ__SubscriptionTerm__c"],
        booleans: &["SBQQ__Primary__c"],
        dates: &["SBQQ__EndDate__c", "SBQQ__StartDate__c"],
        parents: &["SBQQ__Account__r>Account", "SBQQ__Opportunity2__r>Opportunity"],
        ..NOTHING
    },
    Table {
        object: "SBQQ__QuoteLine__c",
        texts: &[
            "Name",
            "SBQQ__BillingFrequency__c",
            "SBQQ__BillingType__c",
            "SBQQ__ChargeType__c",
            "SBQQ__ProductName__c",
            "SBQQ__SubscriptionPricing__c",
            "SBQQ__SubscriptionType__c",
        ],
        numbers: &[
            "SBQQ__EffectiveQuantity__c",
            "SBQQ__ListPrice__c",
            "SBQQ__NetPrice__c",
            "SBQQ__NetTotal__c",
            "SBQQ__Number__c",
            "SBQQ__ProrateMultiplier__c",
            "SBQQ__Quantity__c",
            "SBQQ__SubscriptionTerm__c",
        ],
        booleans: &["SBQQ__Optional__c"],
        dates: &["SBQQ__EndDate__c", "SBQQ__StartDate__c"],
        parents: &[
            "SBQQ__Product__r>Product2",
            "SBQQ__Quote__r>SBQQ__Quote__c",
            "SBQQ__RequiredBy__r>SBQQ__QuoteLine__c",
        ],
        ..NOTHING
    },
];
