//! What is said of an error of AWS, or of the way there, in one line.

use std::error::Error;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// AWS's own sentence and code where it answered; else what became of the request, cause by cause.
pub(crate) fn why<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{message} ({code})"),
        (Some(code), None) => code.to_owned(),
        (None, _) => causes(error),
    }
}

/// The whole chain: what went wrong outermost says least.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said += &format!(": {cause}");
        source = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesError;

    use super::*;

    #[test]
    fn what_became_of_a_request_is_told_in_words() {
        let error: SdkError<GetQueueAttributesError> =
            SdkError::construction_failure(std::io::Error::other("no address"));
        assert_eq!(why(&error), "failed to construct request: no address");
    }
}
