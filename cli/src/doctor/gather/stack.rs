//! A stack's functions, and what feeds its worker, as Lambda has them.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionResponseType};

use crate::aws::why;
use crate::doctor::finding::Known;
use crate::doctor::stack::{FUNCTIONS, Function, Source, Stack, logical_id};

/// One without functions is not there. Functions that are not ours are passed over.
pub(in crate::doctor) async fn stack(lambda: &Client, name: &str) -> Known<Stack> {
    let mut stack = Stack { name: name.to_owned(), ..Stack::default() };
    let mut pages = lambda.list_functions().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| format!("the functions of the account cannot be listed: {}", why(&error)))?;
        for listed in page.functions().iter().filter_map(|function| function.function_name()) {
            let id = logical_id(name, listed).and_then(|id| FUNCTIONS.into_iter().find(|ours| *ours == id));
            if let Some(id) = id {
                stack.functions.insert(id, function(lambda, listed).await?);
            }
        }
    }
    Ok(stack)
}

/// A list does not say how a function is.
async fn function(lambda: &Client, name: &str) -> Known<Function> {
    let answer = lambda.get_function().function_name(name).send().await;
    let answer = answer.map_err(|error| format!("the function {name} cannot be asked: {}", why(&error)))?;
    let is = answer.configuration().ok_or_else(|| format!("nothing is said of the function {name}"))?;
    let variables = is.environment().and_then(|environment| environment.variables()).cloned();
    let reasons = [is.state_reason(), is.last_update_status_reason()].into_iter().flatten();
    let reason = reasons.collect::<Vec<_>>().join("; ");
    Ok(Function {
        name: name.to_owned(),
        state: is.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        last_update: is.last_update_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        timeout_s: is.timeout().and_then(|timeout| u32::try_from(timeout).ok()).unwrap_or_default(),
        variables: variables.unwrap_or_default().into_iter().collect(),
        reserved: answer
            .concurrency()
            .and_then(|concurrency| concurrency.reserved_concurrent_executions())
            .and_then(|reserved| u32::try_from(reserved).ok()),
    })
}

pub(in crate::doctor) async fn sources(lambda: &Client, function: &str) -> Known<Vec<Source>> {
    let mut sources = Vec::new();
    let mut pages = lambda.list_event_source_mappings().function_name(function).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| format!("what feeds {function} cannot be asked: {}", why(&error)))?;
        sources.extend(page.event_source_mappings().iter().map(source));
    }
    Ok(sources)
}

fn source(mapping: &EventSourceMappingConfiguration) -> Source {
    Source {
        arn: mapping.event_source_arn().unwrap_or_default().to_owned(),
        state: mapping.state().unwrap_or_default().to_owned(),
        batch_size: mapping.batch_size().and_then(|size| u32::try_from(size).ok()).unwrap_or_default(),
        reports_failures: mapping.function_response_types().contains(&FunctionResponseType::ReportBatchItemFailures),
    }
}
