"""stripe-python, unchanged, against the sandbox.

Reads STRIPE_API_BASE and STRIPE_API_KEY (a full-access key). Plays the life of an invoice and checks the error classes
the library raises. Prints one JSON line per step and ends with exit code 1 on the first surprise.
"""

import json
import os
import sys
import time
from functools import partial

import stripe


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def expect(condition, what):
    if not condition:
        say("surprise", what=what)
        sys.exit(1)


def expect_error(kind, what, call, code=None, param=None):
    try:
        call()
    except stripe.StripeError as error:
        expect(type(error) is kind, f"{what}: {type(error).__name__} instead of {kind.__name__}: {error}")
        expect(code is None or error.code == code, f"{what}: code {error.code}")
        named = getattr(error, "param", None)
        expect(param is None or named == param, f"{what}: param {named}")
        say("error", what=what, type=type(error).__name__, code=error.code, http_status=error.http_status)
    else:
        expect(False, f"{what}: no error")


def set_up():
    stripe.api_base = os.environ["STRIPE_API_BASE"]
    stripe.api_key = os.environ["STRIPE_API_KEY"]
    stripe.max_network_retries = 0


def make_catalogue():
    product = stripe.Product.create(name="Gold plan", metadata={"sku": "G-1"})
    price = stripe.Price.create(product=product.id, currency="usd", unit_amount=250_00, nickname="Gold, once")
    expect(price.unit_amount == 25000 and price.type == "one_time", "the price")
    say("catalogue", product=product.id, price=price.id)
    return product, price


def make_invoice(price):
    customer = stripe.Customer.create(
        name="Zürich & Söhne",
        email="ap@example.com",
        address={"line1": "Bahnhofstrasse 1", "country": "CH"},
        metadata={"sf_account_id": "001000000000001AAA"},
    )
    expect(customer.currency is None and not customer.livemode, "a new customer")
    invoice = stripe.Invoice.create(
        customer=customer.id, currency="usd", collection_method="send_invoice", days_until_due=30
    )
    expect(invoice.status == "draft" and invoice.number is None, "a draft")
    lines = [{"pricing": {"price": price.id}, "quantity": 2}, {"description": "Discount 100%", "amount": -5000}]
    invoice = stripe.Invoice.add_lines(invoice.id, lines=lines)
    expect(invoice.total == 45000, f"total {invoice.total}")
    more = [{"description": f"Line {number}", "amount": number} for number in range(1, 31)]
    invoice = stripe.Invoice.add_lines(invoice.id, lines=more)
    expect(len(invoice.lines.data) == 10 and invoice.lines.has_more, "ten lines are embedded")
    amounts = [line.amount for line in invoice.lines.list(limit=7).auto_paging_iter()]
    expect(len(amounts) == 32 and sum(amounts) == invoice.total == 45465, f"all lines: {amounts}")
    say("invoice", customer=customer.id, invoice=invoice.id, total=invoice.total)
    return customer, invoice


def collect(customer, invoice):
    invoice = stripe.Invoice.finalize_invoice(invoice.id)
    expect(invoice.status == "open" and invoice.hosted_invoice_url and invoice.number, "an open invoice")
    invoice = stripe.Invoice.send_invoice(invoice.id)
    expect(invoice.status == "open", "a sent invoice is open")
    expect_error(
        stripe.CardError,
        "a declined card",
        lambda: stripe.Invoice.pay(invoice.id, payment_method="pm_card_chargeDeclined"),
        code="card_declined",
    )
    invoice = stripe.Invoice.pay(invoice.id, payment_method="pm_card_visa")
    expect(invoice.status == "paid" and invoice.amount_paid == invoice.total, "a paid invoice")
    payments = stripe.InvoicePayment.list(invoice=invoice.id)
    expect(payments.data[0].status == "paid", "its payment")
    again = stripe.Invoice.retrieve(invoice.id, expand=["customer", "payments.data.payment.payment_intent"])
    expect(again.customer.id == customer.id and again.customer.currency == "usd", "the expanded customer")
    expect(again.payments.data[0].payment.payment_intent.status == "succeeded", "the expanded payment intent")
    say("paid", invoice=invoice.id, number=invoice.number, amount_paid=invoice.amount_paid)


def check_events_and_webhooks(invoice):
    types = [event.type for event in stripe.Event.list(limit=5).auto_paging_iter()]
    for needed in ("invoice.created", "invoice.finalized", "invoice.sent", "invoice.payment_failed", "invoice.paid"):
        expect(needed in types, f"{needed} among the events")
    paid = stripe.Event.list(types=["invoice.paid"]).data[0]
    expect(paid.data.object.id == invoice.id and paid.api_version == stripe.api_version, "the paid event")
    endpoint = stripe.WebhookEndpoint.create(
        url="https://example.com/hook", enabled_events=["invoice.paid"], api_version=stripe.api_version
    )
    expect(endpoint.secret.startswith("whsec_"), "the secret")
    expect("secret" not in stripe.WebhookEndpoint.retrieve(endpoint.id), "the secret is shown once")
    stripe.WebhookEndpoint.delete(endpoint.id)
    say("events", count=len(types))


def check_lists_and_search(customer):
    for number in range(12):
        stripe.Customer.create(email=f"page{number}@example.com", metadata={"batch": "b1"})
    listed = [one.id for one in stripe.Customer.list(limit=5).auto_paging_iter()]
    expect(len(listed) == len(set(listed)) >= 13 and customer.id in listed, "every customer once")
    found = [one.id for one in stripe.Customer.search(query="metadata['batch']:'b1'", limit=5).auto_paging_iter()]
    expect(len(found) == 12, f"{len(found)} customers found")
    say("lists", customers=len(listed), found=len(found))


def check_updates(customer, product):
    changed = stripe.Customer.modify(customer.id, metadata={"sf_account_id": "", "tier": "gold"})
    expect(changed.metadata.to_dict() == {"tier": "gold"}, "metadata is merged")
    expect(not stripe.Product.modify(product.id, active=False).active, "an archived product")
    gone = stripe.Customer.create(email="gone@example.com")
    expect(gone.delete().deleted and stripe.Customer.retrieve(gone.id).deleted, "a deleted customer")
    draft = stripe.Invoice.create(customer=customer.id)
    expect(stripe.Invoice.delete(draft.id).deleted, "a deleted draft")
    say("updates")


def check_idempotency():
    key = f"story-{time.time_ns()}"
    first = stripe.Customer.create(email="once@example.com", idempotency_key=key)
    again = stripe.Customer.create(email="once@example.com", idempotency_key=key)
    expect(first.id == again.id, "one customer for one key")
    expect(again.last_response.headers.get("idempotent-replayed") == "true", "the replay says so")
    expect_error(
        stripe.IdempotencyError,
        "another request with the same key",
        lambda: stripe.Customer.create(email="twice@example.com", idempotency_key=key),
    )
    say("idempotency", customer=first.id, request_id=again.last_response.request_id)


def check_errors(invoice):
    invalid = stripe.InvalidRequestError
    expect_error(invalid, "an unknown customer", lambda: stripe.Customer.retrieve("cus_none"), "resource_missing", "id")
    unknown = partial(stripe.Customer.create, currency="usd")
    expect_error(invalid, "an unknown parameter", unknown, "parameter_unknown", "currency")
    expect_error(invalid, "a missing parameter", lambda: stripe.Product.create(), "parameter_missing", "name")
    expect_error(invalid, "a bad address", lambda: stripe.Customer.create(email="nobody"), "email_invalid", "email")
    late = partial(stripe.Invoice.modify, invoice.id, description="x")
    expect_error(invalid, "a finalized invoice", late, "invoice_not_editable")
    wrong = "sk_test_wrong_key_0000"
    expect_error(stripe.AuthenticationError, "a wrong key", lambda: stripe.Customer.list(api_key=wrong))


def check_subscriptions(customer):
    product = stripe.Product.create(name="Seats")
    price = stripe.Price.create(product=product.id, currency="usd", unit_amount=1000, recurring={"interval": "month"})
    subscription = stripe.Subscription.create(
        customer=customer.id,
        items=[{"price": price.id, "quantity": 2}],
        add_invoice_items=[{"price_data": {"product": product.id, "currency": "usd", "unit_amount": 5000}}],
        collection_method="send_invoice",
        days_until_due=30,
        metadata={"sf_contract_id": "800000000000001AAA"},
        expand=["latest_invoice"],
    )
    first, item = subscription.latest_invoice, subscription["items"].data[0]
    expect(subscription.status == "active" and first.status == "draft" and first.total == 7000, "the first invoice")
    of = first.parent.subscription_details
    expect(of.subscription == subscription.id and of.metadata["sf_contract_id"], "what the invoice is of")
    expect(item.price.id == price.id and item.current_period_end > item.current_period_start, "the item")
    change = [{"id": item.id, "quantity": 3}]
    preview = stripe.Invoice.create_preview(
        subscription=subscription.id,
        subscription_details={
            "items": change,
            "proration_behavior": "always_invoice",
            "proration_date": item.current_period_start,
        },
    )
    amounts = [line.amount for line in preview.lines.data]
    expect(amounts == [-2000, 3000] and preview.total == 1000, f"the preview: {amounts}")
    changed = stripe.Subscription.modify(
        subscription.id,
        items=change,
        proration_behavior="always_invoice",
        proration_date=item.current_period_start,
        expand=["latest_invoice"],
    )
    expect(changed.latest_invoice.total == preview.total, "what was previewed")
    schedule = stripe.SubscriptionSchedule.create(from_subscription=subscription.id)
    expect(schedule.status == "active" and schedule.phases[0]["items"][0].quantity == 3, "the schedule")
    expect(stripe.SubscriptionSchedule.release(schedule.id).status == "released", "its release")
    note = stripe.CreditNote.create(invoice=stripe.Invoice.send_invoice(first.id).id, amount=1000, reason="order_change")
    expect(note.type == "pre_payment" and stripe.Invoice.retrieve(first.id).amount_due == 6000, "the credit note")
    ended = stripe.Subscription.cancel(subscription.id)
    expect(ended.status == "canceled" and not stripe.Subscription.list(customer=customer.id).data, "the end")
    say("subscriptions", subscription=subscription.id, invoice=first.id, credit_note=note.id)


def main():
    set_up()
    product, price = make_catalogue()
    customer, invoice = make_invoice(price)
    collect(customer, invoice)
    check_events_and_webhooks(invoice)
    check_lists_and_search(customer)
    check_updates(customer, product)
    check_idempotency()
    check_errors(invoice)
    check_subscriptions(customer)
    say("done", stripe_python=stripe.VERSION, api_version=stripe.api_version)


if __name__ == "__main__":
    main()
