//! A write as data: the bytes are fixed before they are sent for the first time, and sent again as they are. A body that
//! is built anew for a second attempt may differ after an update, and Stripe refuses a key with another body.

use std::fmt;

use domain::InvoiceId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::object::{Customer, Invoice};
use crate::params::{CreateCustomer, CreateInvoice, InvoiceLineParams};
use crate::form;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    CreateCustomer,
    CreateInvoice,
    AddLines,
    UpdateLines,
    SendInvoice,
    DeleteInvoice,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateCustomer => "create_customer",
            Self::CreateInvoice => "create_invoice",
            Self::AddLines => "add_lines",
            Self::UpdateLines => "update_lines",
            Self::SendInvoice => "send_invoice",
            Self::DeleteInvoice => "delete_invoice",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request: a POST, or a DELETE for `DeleteInvoice`. `Debug` does not print the body, which holds a customer's data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub operation: Operation,
    /// From the root: `/v1/invoices`.
    pub path: String,
    /// The exact form body.
    pub body: String,
}

impl Write {
    pub fn create_customer(customer: &CreateCustomer) -> Self {
        Self::new(Operation::CreateCustomer, "/v1/customers", form::encode(&customer.params()))
    }

    pub fn create_invoice(invoice: &CreateInvoice) -> Self {
        Self::new(Operation::CreateInvoice, "/v1/invoices", form::encode(&invoice.params()))
    }

    /// Adds lines to a draft.
    pub fn add_lines(id: &InvoiceId, lines: &[InvoiceLineParams]) -> Self {
        let lines: Vec<_> = lines.iter().map(|line| line.params(None)).collect();
        let body = form::encode(&json!({ "lines": lines }));
        Self::new(Operation::AddLines, format!("/v1/invoices/{id}/add_lines"), body)
    }

    /// Sets lines of a draft, by their `il_…` ids, to what is given.
    pub fn update_lines(id: &InvoiceId, lines: &[(String, InvoiceLineParams)]) -> Self {
        let lines: Vec<_> = lines.iter().map(|(id, line)| line.params(Some(id))).collect();
        let body = form::encode(&json!({ "lines": lines }));
        Self::new(Operation::UpdateLines, format!("/v1/invoices/{id}/update_lines"), body)
    }

    /// Finalizes a draft, and has Stripe e-mail it to the customer.
    pub fn send_invoice(id: &InvoiceId) -> Self {
        Self::new(Operation::SendInvoice, format!("/v1/invoices/{id}/send"), String::new())
    }

    /// Deletes a draft. Stripe refuses it for anything else.
    pub fn delete_invoice(id: &InvoiceId) -> Self {
        Self::new(Operation::DeleteInvoice, format!("/v1/invoices/{id}"), String::new())
    }

    fn new(operation: Operation, path: impl Into<String>, body: String) -> Self {
        Self {
            operation,
            path: path.into(),
            body,
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("operation", &self.operation)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What a write answered: the object as it was when the answer was first given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Customer(Customer),
    Invoice(Box<Invoice>),
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub answer: Answer,
    pub request_id: Option<String>,
    /// Stripe answered from what it keeps under the key, so the object may have changed, or be gone, since.
    pub replayed: bool,
}

#[cfg(test)]
mod tests;
