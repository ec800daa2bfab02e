"""simple-salesforce, as it is installed, against the sandbox: prepares a deal, closes it, and reads it back.

Environment: SALESFORCE_URL, SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of a user who may prepare records, and
STRIPE_PRICE_IDS, a comma list with one price for each product. Prints one JSON line for each step; exits non-zero on
the first surprise.

The library speaks only https, and logs in only at <domain>.salesforce.com. Both are addresses, not behaviour, so the
session that it is given sends what it addresses there to the sandbox and changes nothing else.
"""

import json
import os
import sys
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

URL = os.environ["SALESFORCE_URL"].rstrip("/")
CLIENT_ID = os.environ["SALESFORCE_CLIENT_ID"]
CLIENT_SECRET = os.environ["SALESFORCE_CLIENT_SECRET"]
PRICE_IDS = [price for price in os.environ["STRIPE_PRICE_IDS"].split(",") if price]
TIMEOUT_S = 10


class ToSandbox(HTTPAdapter):
    def send(self, request, **kwargs):
        sandbox = urlsplit(URL)
        parts = urlsplit(request.url)
        request.url = urlunsplit((sandbox.scheme, sandbox.netloc, parts.path, parts.query, ""))
        kwargs["timeout"] = TIMEOUT_S
        return super().send(request, **kwargs)


def session():
    session = requests.Session()
    session.mount("https://", ToSandbox())
    return session


def step(name, **facts):
    print(json.dumps({"step": name, **facts}), flush=True)


def expect(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: expected {wanted!r}, found {found!r}")


def refused(error_class, code, call):
    """The call fails with this class and, for REST errors, this code."""
    try:
        call()
    except error_class as error:
        content = getattr(error, "content", None)
        if code is not None:
            expect(content[0]["errorCode"], code, f"error code of {call}")
        return
    sys.exit(f"expected {error_class.__name__} {code}")


def main():
    sf = Salesforce(consumer_key=CLIENT_ID, consumer_secret=CLIENT_SECRET, domain="sandbox.my", session=session())
    by_token = Salesforce(instance_url=URL, session_id=sf.session_id, session=session())
    expect(by_token.query("SELECT COUNT() FROM User")["done"], True, "a session by its token")
    step("logged in", instance=sf.sf_instance)

    account = sf.Account.create(
        {
            "Name": "Acme",
            "BillingStreet": "1 Main Street\nFloor 2",
            "BillingCity": "Springfield",
            "BillingState": "IL",
            "BillingPostalCode": "62701",
            "BillingCountry": "US",
            "Billing_Email__c": "billing@acme.example",
        }
    )["id"]
    contact = sf.Contact.create(
        {"LastName": "Doe", "FirstName": "Jo", "Email": "jo@acme.example", "AccountId": account}
    )["id"]
    pricebook = sf.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")["records"][0]["Id"]
    step("account", account_id=account, contact_id=contact)

    entries = []
    for number, price_id in enumerate(PRICE_IDS, start=1):
        product = sf.Product2.create(
            {"Name": f"Product {number}", "ProductCode": f"P-{number}", "IsActive": True, "Stripe_Price_Id__c": price_id}
        )["id"]
        entry = sf.PricebookEntry.create(
            {"Pricebook2Id": pricebook, "Product2Id": product, "UnitPrice": 10 * number, "IsActive": True}
        )["id"]
        entries.append(entry)
        step("product", product_id=product, pricebook_entry_id=entry, stripe_price_id=price_id)

    opportunity = sf.Opportunity.create(
        {"Name": "Acme deal", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-11-30"}
    )["id"]
    sf.OpportunityContactRole.create({"OpportunityId": opportunity, "ContactId": contact, "IsPrimary": True})
    lines = [
        sf.OpportunityLineItem.create(
            {"OpportunityId": opportunity, "PricebookEntryId": entry, "Quantity": number, "UnitPrice": 10 * number}
        )["id"]
        for number, entry in enumerate(entries, start=1)
    ]
    amount = sum(10 * number * number for number in range(1, len(entries) + 1))
    expect(sf.Opportunity.get(opportunity)["Amount"], amount, "the amount is the sum of the lines")
    step("opportunity", opportunity_id=opportunity, line_ids=lines, amount=amount)

    refusals(sf, opportunity, account)

    expect(sf.Opportunity.update(opportunity, {"StageName": "Closed Won"}), 204, "closing")
    found = sf.query_all(
        "SELECT Id, StageName, IsWon, Account.Name, (SELECT Id, TotalPrice, Product2.Stripe_Price_Id__c "
        f"FROM OpportunityLineItems ORDER BY SortOrder) FROM Opportunity WHERE Id = '{opportunity}'"
    )["records"][0]
    expect((found["StageName"], found["IsWon"]), ("Closed Won", True), "the stage")
    expect(found["Account"]["Name"], "Acme", "the account's name")
    prices = [line["Product2"]["Stripe_Price_Id__c"] for line in found["OpportunityLineItems"]["records"]]
    expect(prices, PRICE_IDS, "the prices of the lines")
    expect("Stripe_Invoice_Id__c" in [field["name"] for field in sf.Opportunity.describe()["fields"]], True, "describe")
    expect("DailyApiRequests" in sf.limits(), True, "limits")
    step("closed won", opportunity_id=opportunity, account_id=account)


def refusals(sf, opportunity, account):
    refused(SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING", lambda: sf.Account.create({}))
    refused(SalesforceMalformedRequest, "INVALID_FIELD", lambda: sf.Account.create({"Name": "A", "Nothing__c": 1}))
    refused(SalesforceMalformedRequest, "MALFORMED_QUERY", lambda: sf.query("SELECT FROM Account"))
    refused(SalesforceMalformedRequest, "INVALID_TYPE", lambda: sf.query("SELECT Id FROM Nothing__c"))
    refused(SalesforceMalformedRequest, "MALFORMED_ID", lambda: sf.Account.get(opportunity))
    refused(SalesforceResourceNotFound, "NOT_FOUND", lambda: sf.Account.get("001000000000001AAA"))
    upsert_path = f"Stripe_Price_Id__c/price_upsert{opportunity}"
    expect(sf.Product2.upsert(upsert_path, {"Name": "Upserted"}), 201, "an upsert that creates")
    expect(sf.Product2.upsert(upsert_path, {"Family": "Services"}), 200, "an upsert that updates")
    upserted = sf.Product2.get_by_custom_id("Stripe_Price_Id__c", f"price_upsert{opportunity}")
    expect(upserted["Family"], "Services", "a record by its external id")
    expect(sf.Product2.delete(upserted["Id"]), 204, "delete")
    twins = [
        sf.Account.create({"Name": name, "Stripe_Customer_Id__c": f"cus_twins{opportunity}"})["id"]
        for name in ("One", "Two")
    ]
    twin_path = f"Stripe_Customer_Id__c/cus_twins{opportunity}"
    refused(SalesforceMoreThanOneRecord, None, lambda: sf.Account.upsert(twin_path, {"Phone": "1"}))
    for twin in twins:
        expect(sf.Account.delete(twin), 204, "delete")
    expired = Salesforce(instance_url=URL, session_id="00D000000000001!expired", session=session())
    refused(SalesforceExpiredSession, "INVALID_SESSION_ID", lambda: expired.Account.get(account))
    refused(
        SalesforceAuthenticationFailed,
        None,
        lambda: Salesforce(
            consumer_key=CLIENT_ID, consumer_secret="wrong", domain="sandbox.my", session=session()
        ),
    )
    step("refusals")


if __name__ == "__main__":
    main()
